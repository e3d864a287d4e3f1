#include "media/sfu/conference.h"

#include <algorithm>
#include <utility>

#include "media/sfu/participant.h"

namespace isthmus::media::sfu {

Conference::Conference(ConferenceConfig config) : config_(std::move(config)) {}

void Conference::add(Participant& participant) {
    participants_.push_back(&participant);
    participant.set_conference(this);
}

void Conference::remove(Instant now, Participant& participant) {
    std::erase(participants_, &participant);
    participant.set_conference(nullptr);
    participant.unsubscribe_all();
    for (Participant* viewer : participants_) {
        if (viewer->unsubscribe_from(participant)) {
            subscribe(now, *viewer);
        }
    }
}

void Conference::on_connected(Instant now, Participant& participant) {
    subscribe(now, participant);
    if (!participant.tracks().empty()) {
        for (Participant* viewer : participants_) {
            if (viewer != &participant) {
                subscribe(now, *viewer);
            }
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
