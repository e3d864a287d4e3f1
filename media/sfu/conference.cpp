#include "media/sfu/conference.h"

#include <algorithm>
#include <utility>

#include "media/sfu/listening.h"
#include "media/sfu/participant.h"

namespace isthmus::media::sfu {

Conference::Conference(ConferenceConfig config)
    : config_(std::move(config)), audio_(config_.audio_loudest) {}

void Conference::add(Participant& participant) {
    participants_.push_back(&participant);
    participant.set_conference(this);
}

void Conference::remove(Instant now, Participant& participant) {
    std::erase(participants_, &participant);
    participant.set_conference(nullptr);
    participant.unsubscribe_all();
    bool ranking_changed = false;
    for (const auto& track : participant.tracks()) {
        ranking_changed = audio_.remove(*track) || ranking_changed;
    }
    for (Participant* viewer : participants_) {
        if (viewer->unsubscribe_from(participant)) {
            subscribe(now, *viewer);
        }
    }
    if (ranking_changed) {
        update_listeners(now);
    }
}

void Conference::on_connected(Instant now, Participant& participant) {
    for (const auto& track : participant.tracks()) {
        if (track->kind() == rtp::MediaKind::kAudio && !track->audio_gate().speaker) {
            audio_.add(*track);
        }
    }
    subscribe(now, participant);
    if (!participant.tracks().empty()) {
        for (Participant* viewer : participants_) {
            if (viewer != &participant) {
                subscribe(now, *viewer);
            }
        }
    }
}

bool Conference::on_audio(Instant now,
                          PublishedTrack& track,
                          std::optional<rtp::AudioLevel> level,
                          std::size_t payload_bytes) {
    if (audio_.on_packet(now, track.audio_gate(), level, payload_bytes)) {
        update_listeners(now);
    }
    return audio_.passes(track.audio_gate());
}

void Conference::update_listeners(Instant now) {
    for (const Participant* viewer : participants_) {
        if (viewer->connected() && viewer->watch_identity().empty()) {
            listen_to(now, *viewer, viewer->subscriptions(), audio_.ranked());
        }
    }
}

Participant* Conference::find_identity(std::string_view identity) const {
    const auto found = std::ranges::find_if(
        participants_, [identity](const Participant* p) { return p->identity() == identity; });
    return found == participants_.end() ? nullptr : *found;
}

void Conference::subscribe(Instant now, Participant& viewer) {
    if (!viewer.wants_tracks()) {
        return;
    }
    if (viewer.watch_identity().empty()) {
        listen_to(now, viewer, viewer.subscriptions(), audio_.ranked());
    }
    for (Participant* publisher : participants_) {
        if (publisher == &viewer || !publisher->connected()) {
            continue;
        }
        if (!viewer.watch_identity().empty() && viewer.watch_identity() != publisher->identity()) {
            continue;
        }
        for (const auto& track : publisher->tracks()) {
            viewer.subscribe(now, *track);
        }
    }
}

}  // namespace isthmus::media::sfu
