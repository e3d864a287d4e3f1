#include "media/sfu/audio_selection.h"

#include <algorithm>

#include "media/sfu/published_track.h"

namespace isthmus::media::sfu {

AudioCounters& AudioCounters::operator+=(const AudioCounters& other) {
    gated += other.gated;
    dominant_changes += other.dominant_changes;
    ranking_changes += other.ranking_changes;
    return *this;
}

AudioSelection::AudioSelection(std::size_t loudest, std::size_t all_up_to)
    : loudest_(std::min(loudest, ActiveSpeakers::kRankedMax)),
      all_up_to_(std::max(loudest_, all_up_to)),
      // Listeners with few sections want to know the loudest where all are forwarded, too.
      speakers_(loudest_ == 0 ? ActiveSpeakers::kRankedMax : loudest_) {
    ranked_.reserve(ActiveSpeakers::kRankedMax);
}

void AudioSelection::add(PublishedTrack& track) {
    const SpeakerId id = speakers_.add();
    const auto place = static_cast<std::size_t>(id);
    tracks_.resize(std::max(tracks_.size(), place + 1), nullptr);
    tracks_[place] = &track;
    ++track_count_;
    track.audio_gate().speaker = id;
}

bool AudioSelection::remove(PublishedTrack& track) {
    AudioGate& gate = track.audio_gate();
    if (!gate.speaker) {
        return false;
    }
    const bool changed = speakers_.remove(*gate.speaker);
    tracks_[static_cast<std::size_t>(*gate.speaker)] = nullptr;
    --track_count_;
    gate.speaker.reset();
    gate.conference = nullptr;
    if (changed) {
        update_ranked();
    }
    return changed;
}

bool AudioSelection::on_packet(Instant now,
                               const AudioGate& gate,
                               std::optional<rtp::AudioLevel> level,
                               std::size_t payload_bytes) {
    if (!gate.speaker) {
        return false;
    }
    const bool changed = level ? speakers_.on_level(now, *gate.speaker, level->minus_dbov)
                               : speakers_.on_unlevelled(now, *gate.speaker, payload_bytes);
    if (changed) {
        update_ranked();
    }
    return changed;
}

bool AudioSelection::passes(const AudioGate& gate) {
    if (!gate.speaker || loudest_ == 0 || track_count_ <= all_up_to_ || gate.watchers != 0 ||
        speakers_.is_ranked(*gate.speaker)) {
        return true;
    }
    ++gated_;
    return false;
}

void AudioSelection::update_ranked() {
    ranked_.clear();
    for (const SpeakerId id : speakers_.ranked()) {
        ranked_.push_back(tracks_[static_cast<std::size_t>(id)]);
    }
}

PublishedTrack* AudioSelection::dominant() const {
    const auto id = speakers_.dominant();
    return id ? tracks_[static_cast<std::size_t>(*id)] : nullptr;
}

bool AudioSelection::speaking(Instant now, const AudioGate& gate) const {
    return gate.speaker && speakers_.speaking(now, *gate.speaker);
}

std::optional<std::uint8_t> AudioSelection::level(const AudioGate& gate) const {
    return gate.speaker ? speakers_.level(*gate.speaker) : std::nullopt;
}

AudioCounters AudioSelection::counters() const {
    return {.gated = gated_,
            .dominant_changes = speakers_.counters().dominant_changes,
            .ranking_changes = speakers_.counters().ranking_changes};
}

}  // namespace isthmus::media::sfu
