#include "media/sfu/conference.h"

#include <algorithm>
#include <utility>

#include "media/sfu/listening.h"
#include "media/sfu/participant.h"

namespace isthmus::media::sfu {

namespace {

// Without having named anybody, or any track.
bool hears_whoever_speaks(const Participant& viewer) {
    return viewer.watch_identity().empty() && !viewer.names_tracks();
}

}  // namespace

Conference::Conference(ConferenceConfig config)
    : config_(std::move(config)), audio_(config_.audio_loudest, config_.audio_all_up_to) {}

void Conference::add(Participant& participant) {
    participants_.push_back(&participant);
    ++connections_[participant.id()];
    owners_.push_back(&participant);
    participant.set_conference(this);
}

void Conference::remove(Instant now, Participant& participant) {
    std::erase(participants_, &participant);
    if (const auto left = connections_.find(participant.id()); --left->second == 0) {
        connections_.erase(left);
    }
    participant.set_conference(nullptr);
    participant.unsubscribe_all();
    remove_owner(now, participant);
}

void Conference::on_connected(Instant now, Participant& participant) {
    for (const auto& track : participant.tracks()) {
        enlist(participant, *track);
    }
    subscribe_to_all(now, participant);
    offer_to_all(now, participant);
}

void Conference::add_owner(Instant now, TrackOwner& owner) {
    owners_.push_back(&owner);
    for (const auto& track : owner.tracks()) {
        enlist(owner, *track);
    }
    offer_to_all(now, owner);
}

void Conference::remove_owner(Instant now, TrackOwner& owner) {
    std::erase(owners_, &owner);
    bool ranking_changed = false;
    for (const auto& track : owner.tracks()) {
        ranking_changed = delist(*track) || ranking_changed;
    }
    withdraw_from_all(now, owner);
    if (ranking_changed) {
        update_listeners(now);
    }
}

void Conference::enlist(TrackOwner& owner, PublishedTrack& track) {
    tracks_.emplace(track.id(), &track);
    AudioGate& gate = track.audio_gate();
    // A film that is shown is not somebody who speaks: it is heard by all who are subscribed.
    if (track.source() == TrackSource::kMicrophone && !gate.speaker) {
        gate.conference = this;
        audio_.add(track);
        owner.touch();
    }
}

bool Conference::delist(PublishedTrack& track) {
    const auto found = tracks_.find(track.id());
    if (found != tracks_.end() && found->second == &track) {
        tracks_.erase(found);
    }
    if (const auto speaker = track.audio_gate().speaker) {
        levels_.forget(*speaker);
    }
    return audio_.remove(track);
}

void Conference::begin_track(Instant now, TrackOwner& owner, PublishedTrack& track) {
    if (owner.connected()) {
        enlist(owner, track);
        offer_to_all(now, owner);
    }
}

void Conference::end_track(Instant now, PublishedTrack& track) {
    const bool ranking_changed = delist(track);
    for (Participant* viewer : participants_) {
        if (viewer->unsubscribe_from(track)) {
            subscribe_to_all(now, *viewer);
        }
    }
    if (ranking_changed) {
        update_listeners(now);
    }
}

void Conference::renew_subscriptions(Instant now, Participant& viewer) {
    subscribe_to_all(now, viewer);
}

bool Conference::on_audio(Instant now,
                          PublishedTrack& track,
                          std::optional<rtp::AudioLevel> level,
                          std::size_t payload_bytes) {
    if (const auto speaker = track.audio_gate().speaker; speaker && !track.owner().relayed()) {
        level ? levels_.on_level(*speaker, level->minus_dbov) : levels_.on_unlevelled(*speaker);
    }
    if (audio_.on_packet(now, track.audio_gate(), level, payload_bytes)) {
        update_listeners(now);
    }
    return audio_.passes(track.audio_gate());
}

std::vector<Conference::SpeakerChange> Conference::finish_speaker_interval(Instant now) {
    std::vector<SpeakerChange> changes;
    const auto is_speaking = [this, now](SpeakerId id) {
        return audio_.speaking(now, audio_.track_of(id).audio_gate());
    };
    for (const SpeakerId id : levels_.finish_interval(is_speaking)) {
        const TrackOwner& owner = audio_.track_of(id).owner();
        if (std::ranges::find(changes, &owner, &SpeakerChange::owner) != changes.end()) {
            continue;
        }
        // Who has two microphones speaks where either does.
        SpeakerChange change{.owner = &owner, .level = {}};
        for (const auto& track : owner.tracks()) {
            if (const auto speaker = track->audio_gate().speaker) {
                const SpeakerLevel level = levels_.told(*speaker);
                change.level.level = std::max(change.level.level, level.level);
                change.level.active = change.level.active || level.active;
            }
        }
        changes.push_back(change);
    }
    return changes;
}

void Conference::update_listeners(Instant now) {
    for (const Participant* viewer : participants_) {
        if (viewer->connected() && hears_whoever_speaks(*viewer)) {
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
    if (viewer.names_tracks()) {
        bind_wanted(now, viewer);
        return;
    }
    if (viewer.connected() && hears_whoever_speaks(viewer)) {
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
    if (owner.participant_id() == viewer.id() || !owner.connected() ||
        (!viewer.watch_identity().empty() && viewer.watch_identity() != owner.identity())) {
        return;
    }
    for (const auto& track : owner.tracks()) {
        viewer.subscribe(now, *track);
    }
}

void Conference::bind_wanted(Instant now, Participant& viewer) {
    if (viewer.connected()) {
        viewer.bind_all_wanted(now, [this](const std::string& id) -> PublishedTrack* {
            const auto found = tracks_.find(id);
            return found == tracks_.end() ? nullptr : found->second;
        });
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
