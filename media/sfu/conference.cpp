#include "media/sfu/conference.h"

#include <algorithm>
#include <utility>

#include "media/sfu/participant.h"

namespace isthmus::media::sfu {

Conference::Conference(ConferenceConfig config) : config_(std::move(config)) {}

void Conference::add(Participant& participant) {
    participants_.push_back(&participant);
    owners_.push_back(&participant);
    participant.set_conference(this);
}

void Conference::remove(Instant now, Participant& participant) {
    std::erase(participants_, &participant);
    participant.set_conference(nullptr);
    participant.unsubscribe_all();
    remove_owner(now, participant);
}

void Conference::on_connected(Instant now, Participant& participant) {
    subscribe_to_all(now, participant);
    offer_to_all(now, participant);
}

void Conference::add_owner(Instant now, TrackOwner& owner) {
    owners_.push_back(&owner);
    offer_to_all(now, owner);
}

void Conference::remove_owner(Instant now, TrackOwner& owner) {
    std::erase(owners_, &owner);
    withdraw_from_all(now, owner);
}

Participant* Conference::find_identity(std::string_view identity) const {
    const auto found = std::ranges::find_if(
        participants_, [identity](const Participant* p) { return p->identity() == identity; });
    return found == participants_.end() ? nullptr : *found;
}

void Conference::subscribe_to_all(Instant now, Participant& viewer) {
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
        viewer.subscribe(now, *track);
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
