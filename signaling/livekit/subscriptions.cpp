#include "signaling/livekit/subscriptions.h"

#include <algorithm>
#include <utility>

namespace isthmus::signaling::livekit {

using media::rtp::MediaKind;
using media::sfu::Direction;
using media::sfu::MediaSection;

namespace {

// What goes into the section, by its name to the media. Where no form of it can be played there, it
// is the first one nevertheless: codecs may be called by names that say little.
[[nodiscard]] std::string choose_form(WantedTrack& track, const MediaSection& section) {
    const auto takes = [&section](const TrackForm& form) {
        return !form.codec ||
               std::ranges::find(section.formats, *form.codec, &media::rtp::PayloadFormat::codec) !=
                   section.formats.end();
    };
    const auto form = std::ranges::find_if(track.forms, takes);
    track.playable = track.forms.empty() || form != track.forms.end();
    if (track.disabled) {
        return {};
    }
    if (track.forms.empty()) {
        return track.sid;
    }
    return form == track.forms.end() ? track.forms.front().id : form->id;
}

}  // namespace

bool Subscriptions::want(WantedTrack track) {
    if (wanted_.size() >= kWantedMax || find(track.sid) != nullptr) {
        return false;
    }
    track.mid.clear();
    wanted_.push_back(std::move(track));
    stuck_ = false;
    return true;
}

bool Subscriptions::drop(std::string_view sid) {
    const auto found = std::ranges::find(wanted_, sid, &WantedTrack::sid);
    if (found == wanted_.end()) {
        return false;
    }
    if (!found->mid.empty()) {
        stale_.insert(found->mid);
        stuck_ = false;
    }
    wanted_.erase(found);
    return true;
}

WantedTrack* Subscriptions::find(std::string_view sid) {
    const auto found = std::ranges::find(wanted_, sid, &WantedTrack::sid);
    return found == wanted_.end() ? nullptr : &*found;
}

WantedTrack* Subscriptions::find_mid(std::string_view mid) {
    const auto found = std::ranges::find(wanted_, mid, &WantedTrack::mid);
    return found == wanted_.end() || mid.empty() ? nullptr : &*found;
}

std::vector<std::string> Subscriptions::assign(std::vector<MediaSection>& sections) {
    std::vector<std::string> fresh;
    std::set<std::string, std::less<>> offered;
    free_.clear();
    for (MediaSection& section : sections) {
        if (section.direction != Direction::kSend || section.formats.empty()) {
            continue;
        }
        offered.insert(section.mid);
        WantedTrack* track = find_mid(section.mid);
        if (track == nullptr && !stale_.contains(section.mid)) {
            track = next_waiting(section.kind);
            if (track != nullptr) {
                track->mid = section.mid;
                fresh.push_back(section.mid);
            }
        }
        if (track == nullptr) {
            section.direction = Direction::kInactive;
            section.wanted_track.clear();
            free_.emplace(section.mid, section.kind);
            continue;
        }
        section.wanted_track = choose_form(*track, section);
    }
    // A section that the client does not receive on any more lets its track wait for another.
    for (WantedTrack& track : wanted_) {
        if (!track.mid.empty() && !offered.contains(track.mid)) {
            track.mid.clear();
        }
    }
    const bool progress = !fresh.empty() || !stale_.empty() || offered.size() > sections_before_;
    stale_.clear();
    stuck_ = asked_ && !progress;
    sections_before_ = offered.size();
    asked_ = false;
    return fresh;
}

void Subscriptions::name_senders(media::sfu::LocalDescription& local) {
    for (media::sfu::SenderDescription& sender : local.senders) {
        if (const WantedTrack* const track = find_mid(sender.mid)) {
            sender.stream_id = track->stream;
            sender.track_id = track->sid;
        }
    }
}

bool Subscriptions::refresh(std::vector<MediaSection>& sections) {
    bool changed = false;
    for (MediaSection& section : sections) {
        if (section.direction != Direction::kSend) {
            continue;
        }
        WantedTrack* const track = find_mid(section.mid);
        const std::string wanted = track == nullptr ? "" : choose_form(*track, section);
        changed = changed || section.wanted_track != wanted;
        section.wanted_track = wanted;
    }
    return changed;
}

bool Subscriptions::needs_offer() const {
    if (asked_ || stuck_) {
        return false;
    }
    return !stale_.empty() ||
           count_waiting(MediaKind::kAudio) + count_waiting(MediaKind::kVideo) > 0;
}

Shortfall Subscriptions::shortfall() const {
    const auto missing = [this](MediaKind kind) {
        const auto free = static_cast<std::size_t>(std::ranges::count_if(
            free_, [kind](const auto& section) { return section.second == kind; }));
        const std::size_t waiting = count_waiting(kind);
        return static_cast<std::uint32_t>(waiting > free ? waiting - free : 0);
    };
    return {.audios = missing(MediaKind::kAudio), .videos = missing(MediaKind::kVideo)};
}

std::size_t Subscriptions::count_waiting(MediaKind kind) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        wanted_, [kind](const auto& track) { return track.kind == kind && track.mid.empty(); }));
}

WantedTrack* Subscriptions::next_waiting(MediaKind kind) {
    const auto found = std::ranges::find_if(
        wanted_, [kind](const auto& track) { return track.kind == kind && track.mid.empty(); });
    return found == wanted_.end() ? nullptr : &*found;
}

}  // namespace isthmus::signaling::livekit
