#include "media/sfu/active_speakers.h"

#include <algorithm>
#include <cmath>

namespace isthmus::media::sfu {
namespace {

// How often the dominant speaker is looked for: a third of the shortest time in which people take
// turns.
constexpr Duration kDecisionInterval = std::chrono::milliseconds(300);
// The thresholds C1 to C3 of the paper, on the logarithm of the ratio of scores.
constexpr double kImmediateMargin = 3;
constexpr double kMediumMargin = 2;
constexpr double kLongMargin = 0;

// To take the place of somebody who is speaking: most of half a second of speech, and 8 dB more.
constexpr std::uint32_t kDisplacingFramesMin = 15;
constexpr double kDisplacingSteps = 2;
constexpr Duration kRankedTimeMin = std::chrono::seconds(2);

}  // namespace

ActiveSpeakers::ActiveSpeakers(std::size_t ranked_max)
    : ranked_max_(std::clamp<std::size_t>(ranked_max, 1, kRankedMax)) {
    ranked_.reserve(kRankedMax);
}

SpeakerId ActiveSpeakers::add() {
    SpeakerId id{static_cast<std::uint32_t>(speakers_.size())};
    if (free_.empty()) {
        speakers_.emplace_back();
        free_.reserve(speakers_.size());
    } else {
        id = free_.back();
        free_.pop_back();
        at(id) = Speaker{};
    }
    return id;
}

bool ActiveSpeakers::remove(SpeakerId id) {
    const bool was_ranked = at(id).ranked;
    std::erase(ranked_, id);
    at(id) = Speaker{};
    free_.push_back(id);
    if (dominant_ == id) {
        dominant_.reset();
    }
    return was_ranked;
}

std::optional<std::uint8_t> ActiveSpeakers::level(SpeakerId id) const {
    const SpeechActivity& activity = at(id).activity;
    return activity.levelled() ? std::optional(activity.last_level()) : std::nullopt;
}

bool ActiveSpeakers::on_level(Instant now, SpeakerId id, std::uint8_t minus_dbov) {
    SpeechActivity& activity = at(id).activity;
    const bool was_speaking = activity.speaking(now);
    return on_packet(now, id, activity.on_level(now, minus_dbov), was_speaking);
}

bool ActiveSpeakers::on_unlevelled(Instant now, SpeakerId id, std::size_t payload_bytes) {
    SpeechActivity& activity = at(id).activity;
    const bool was_speaking = activity.speaking(now);
    return on_packet(now, id, activity.on_unlevelled(now, payload_bytes), was_speaking);
}

bool ActiveSpeakers::on_packet(Instant now, SpeakerId id, bool speech, bool was_speaking) {
    bool changed = false;
    if (!at(id).ranked) {
        changed = admit(now, id, speech);
    } else if (speech && !was_speaking) {
        changed = place_among_speaking(now, id);
    }
    if (now - decided_at_ >= kDecisionInterval || (!dominant_ && speech)) {
        decided_at_ = now;
        changed = decide_dominant(now) || changed;
    }
    counters_.ranking_changes += changed ? 1 : 0;
    return changed;
}

// Lets a speaker in who is not ranked, if there is a place.
bool ActiveSpeakers::admit(Instant now, SpeakerId id, bool speech) {
    if (ranked_.size() < ranked_max_) {
        ranked_.push_back(id);
    } else {
        const auto place = speech ? find_place(now, id) : std::nullopt;
        if (!place) {
            return false;
        }
        at(ranked_[*place]).ranked = false;
        ranked_[*place] = id;
    }
    at(id).ranked = true;
    at(id).ranked_at = now;
    if (speech) {
        place_among_speaking(now, id);
    }
    return true;
}

// Moves a speaker who begins in front of all who are silent, the dominant one in front of all.
// Returns whether that was a move.
bool ActiveSpeakers::place_among_speaking(Instant now, SpeakerId id) {
    const auto from = std::ranges::find(ranked_, id);
    const auto to = dominant_ == id ? ranked_.begin()
                                    : std::find_if(ranked_.begin(), from, [&](SpeakerId other) {
                                          return !at(other).activity.speaking(now);
                                      });
    std::rotate(to, from, from + 1);
    return to != from;
}

std::optional<std::size_t> ActiveSpeakers::find_place(Instant now, SpeakerId newcomer) const {
    if (const auto silent = find_silent(now)) {
        return silent;
    }
    const std::size_t quietest = find_quietest(now);
    return may_displace(now, at(newcomer), at(ranked_[quietest])) ? std::optional(quietest)
                                                                  : std::nullopt;
}

// Who has been silent longest.
std::optional<std::size_t> ActiveSpeakers::find_silent(Instant now) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < ranked_.size(); ++i) {
        const SpeechActivity& activity = at(ranked_[i]).activity;
        if (!activity.speaking(now) &&
            (!found ||
             activity.last_speech_at() <= at(ranked_[*found]).activity.last_speech_at())) {
            found = i;
        }
    }
    return found;
}

std::size_t ActiveSpeakers::find_quietest(Instant now) const {
    std::size_t quietest = 0;
    for (std::size_t i = 1; i < ranked_.size(); ++i) {
        if (at(ranked_[i]).activity.loudness(now) <= at(ranked_[quietest]).activity.loudness(now)) {
            quietest = i;
        }
    }
    return quietest;
}

bool ActiveSpeakers::may_displace(Instant now,
                                  const Speaker& newcomer,
                                  const Speaker& quietest) const {
    return newcomer.activity.speech_frames(now) >= kDisplacingFramesMin &&
           now - quietest.ranked_at >= kRankedTimeMin &&
           newcomer.activity.loudness(now) >= quietest.activity.loudness(now) + kDisplacingSteps;
}

bool ActiveSpeakers::decide_dominant(Instant now) {
    // Somebody who lost the place to a louder one is not heard and cannot have the word.
    if (dominant_ && !at(*dominant_).ranked) {
        dominant_.reset();
    }
    const auto challenger = find_challenger(now);
    if (!challenger) {
        return false;
    }
    const bool moved = ranked_.front() != *challenger;
    make_dominant(*challenger);
    return moved;
}

std::optional<SpeakerId> ActiveSpeakers::find_challenger(Instant now) const {
    std::optional<SpeakerId> best;
    if (!dominant_) {
        for (const SpeakerId id : ranked_) {
            if (at(id).activity.speaking(now)) {
                return id;
            }
        }
        return best;
    }
    const ActivityScores dominant = at(*dominant_).activity.scores(now);
    double best_medium = kMediumMargin;
    for (const SpeakerId id : ranked_) {
        if (id == *dominant_) {
            continue;
        }
        const ActivityScores scores = at(id).activity.scores(now);
        const double medium = std::log(scores.medium / dominant.medium);
        if (std::log(scores.immediate / dominant.immediate) > kImmediateMargin &&
            medium > best_medium && std::log(scores.long_term / dominant.long_term) > kLongMargin) {
            best = id;
            best_medium = medium;
        }
    }
    return best;
}

void ActiveSpeakers::make_dominant(SpeakerId id) {
    dominant_ = id;
    ++counters_.dominant_changes;
    const auto place = std::ranges::find(ranked_, id);
    std::rotate(ranked_.begin(), place, place + 1);
}

}  // namespace isthmus::media::sfu
