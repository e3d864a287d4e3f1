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
    owners_.push_back(&participant);
    participant.set_conference(this);
}

void Conference::remove(Instant now, Participant& participant) {
    std::erase(participants_, &participant);
    participant.set_conference(nullptr);
    if (!participant.watch_identity().empty()) {
        for (const auto& subscription : participant.subscriptions()) {
            if (subscription->track() != nullptr) {
                --subscription->track()->audio_gate().watchers;
            }
        }
    }
    participant.unsubscribe_all();
    remove_owner(now, participant);
}

void Conference::on_connected(Instant now, Participant& participant) {
    enlist(participant);
    subscribe_to_all(now, participant);
    offer_to_all(now, participant);
}

void Conference::add_owner(Instant now, TrackOwner& owner) {
    owners_.push_back(&owner);
    enlist(owner);
    offer_to_all(now, owner);
}

void Conference::remove_owner(Instant now, TrackOwner& owner) {
    std::erase(owners_, &owner);
    bool ranking_changed = false;
    for (const auto& track : owner.tracks()) {
        ranking_changed = audio_.remove(*track) || ranking_changed;
    }
    withdraw_from_all(now, owner);
    if (ranking_changed) {
        update_listeners(now);
    }
}

void Conference::enlist(TrackOwner& owner) {
    for (const auto& track : owner.tracks()) {
        AudioGate& gate = track->audio_gate();
        // A film that is shown is not somebody who speaks: it is heard by all who are subscribed.
        if (track->source() == TrackSource::kMicrophone && !gate.speaker) {
            gate.conference = this;
            audio_.add(*track);
            owner.touch();
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

void Conference::subscribe_to_all(Instant now, Participant& viewer) {
    if (viewer.connected() && viewer.watch_identity().empty()) {
        listen_to(now, viewer, viewer.subscriptions(), audio_.ranked());
    }
    for (const TrackOwner* owner : owners_) {
        if (!viewer.wants_tracks()) {
            return;
        }
        subscribe(now, viewer, *owner);
    }
}

void Conference::subscribe(Instant now, Participant& viewer, const TrackOwner& owner) {
    if (&owner == &viewer || !owner.connected() ||
        (!viewer.watch_identity().empty() && viewer.watch_identity() != owner.identity())) {
        return;
    }
    for (const auto& track : owner.tracks()) {
        if (viewer.subscribe(now, *track) && !viewer.watch_identity().empty()) {
            ++track->audio_gate().watchers;
        }
    }
}

void Conference::offer_to_all(Instant now, const TrackOwner& owner) {
    if (owner.tracks().empty()) {
        return;
    }
    for (Participant* viewer : participants_) {
        if (viewer->wants_tracks()) {
            subscribe(now, *viewer, owner);
        }
    }
}

void Conference::withdraw_from_all(Instant now, const TrackOwner& owner) {
    if (owner.tracks().empty()) {
        return;
    }
    for (Participant* viewer : participants_) {
        if (viewer->unsubscribe_from(owner)) {
            subscribe_to_all(now, *viewer);
        }
    }
}

}  // namespace isthmus::media::sfu
