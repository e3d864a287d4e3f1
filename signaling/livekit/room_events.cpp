// What the media tells of conferences, as it concerns their rooms.
#include <algorithm>
#include <utility>
#include <variant>

#include "signaling/livekit/rooms.h"

namespace isthmus::signaling::livekit {
namespace {

// Loss that is heard and seen; clients draw bars from it.
constexpr double kPoorLoss = 0.1;
constexpr double kGoodLoss = 0.03;
constexpr double kPoorRoundTripS = 0.8;
constexpr double kGoodRoundTripS = 0.3;

[[nodiscard]] proto::ConnectionQuality quality_of(const media::ConnectionMeasured& measured) {
    const double loss = std::max(measured.loss_up, measured.loss_down);
    if (loss >= kPoorLoss || measured.round_trip_seconds >= kPoorRoundTripS) {
        return proto::POOR;
    }
    const bool good = loss >= kGoodLoss || measured.round_trip_seconds >= kGoodRoundTripS;
    return good ? proto::GOOD : proto::EXCELLENT;
}

[[nodiscard]] proto::DisconnectReason reason_of(media::LeaveReason reason) {
    switch (reason) {
        case media::LeaveReason::kClientLeft:
            return proto::CLIENT_INITIATED;
        case media::LeaveReason::kTimeout:
            return proto::CONNECTION_TIMEOUT;
        case media::LeaveReason::kTransportFailed:
            return proto::MEDIA_FAILURE;
        case media::LeaveReason::kReplaced:
            return proto::DUPLICATE_IDENTITY;
        case media::LeaveReason::kRemoved:
            return proto::PARTICIPANT_REMOVED;
        case media::LeaveReason::kShutdown:
            return proto::SERVER_SHUTDOWN;
    }
    return proto::UNKNOWN_REASON;
}

// A client whose media broke may come back; one that was sent away may not.
[[nodiscard]] proto::LeaveRequest::Action action_of(media::LeaveReason reason) {
    const bool broke = reason == media::LeaveReason::kTimeout ||
                       reason == media::LeaveReason::kTransportFailed ||
                       reason == media::LeaveReason::kClientLeft;
    return broke ? proto::LeaveRequest::RECONNECT : proto::LeaveRequest::DISCONNECT;
}

}  // namespace

void Rooms::on_event(const media::ConferenceEvent& event) {
    std::visit([this](const auto& told) { handle(told); }, event);
    end_turn();
}

void Rooms::on_connection_gone(const media::ConnectionGone& gone) {
    orphans_.erase(gone.connection);
    Place* const place = place_of(gone.connection);
    if (place == nullptr) {
        return;
    }
    RoomParticipant& participant = *place->participant;
    connections_.erase(gone.connection);
    std::erase(participant.connections, gone.connection);
    const proto::DisconnectReason reason = reason_of(gone.reason);
    if (participant.session) {
        participant.session->leave(reason, action_of(gone.reason));
        remove(std::string(participant.sid()), reason);
    } else if (participant.connections.empty()) {
        remove(std::string(participant.sid()), reason);
    }
    end_turn();
}

void Rooms::handle(const media::ParticipantJoined& event) {
    if (orphans_.contains(event.connection)) {
        return;
    }
    if (place_of(event.participant_id) != nullptr) {
        bind(event.connection, event.participant_id);
        return;
    }
    Room* const room = find_or_make(event.conference, config_.room);
    if (room == nullptr) {
        return;
    }
    proto::ParticipantPermission permission;
    permission.set_can_publish(true);
    permission.set_can_subscribe(true);
    permission.set_hidden(event.hidden);
    add(*room,
        {.sid = event.participant_id,
         .identity = event.identity,
         .name = event.name,
         .metadata = {},
         .permission = std::move(permission),
         .kind = proto::ParticipantInfo::STANDARD,
         .joined_unix_ms = wall_clock_()});
    bind(event.connection, event.participant_id);
}

void Rooms::handle(const media::ParticipantConnected& event) {
    Place* const place = place_of(event.connection);
    if (place == nullptr) {
        return;
    }
    RoomParticipant& participant = *place->participant;
    if (participant.session) {
        participant.session->on_connected(event.connection);
    }
    if (participant.info.state() != proto::ParticipantInfo::ACTIVE) {
        participant.info.set_state(proto::ParticipantInfo::ACTIVE);
        participant.was_active = true;
        tell("participant_joined", *place->room, &participant);
        place->room->changed(participant, Urgency::kLater);
    }
}

void Rooms::handle(const media::TrackPublished& event) {
    Place* const place = place_of(event.connection);
    if (place == nullptr) {
        return;
    }
    if (const auto [track, backup] = place->participant->tracks.find_backup(event.track_id);
        backup != nullptr) {
        backup->live = true;
        place->room->backup_changed(*place->participant, *track, *backup);
        return;
    }
    PublishedTrack& track = place->participant->tracks.publish(event);
    place->room->track_published(*place->participant, track);
    tell("track_published", *place->room, place->participant, &track);
}

void Rooms::handle(const media::TrackEnded& event) {
    Place* const place = place_of(event.connection);
    if (place == nullptr) {
        return;
    }
    RoomParticipant& publisher = *place->participant;
    if (const auto [track, backup] = publisher.tracks.find_backup(event.track_id);
        backup != nullptr) {
        backup->live = false;
        place->room->backup_changed(publisher, *track, *backup);
        return;
    }
    const PublishedTrack* const track = publisher.tracks.find(event.track_id);
    if (track != nullptr) {
        tell("track_unpublished", *place->room, &publisher, track);
        place->room->track_ended(publisher, *track);
        publisher.tracks.remove(event.track_id);
        place->room->changed(publisher, Urgency::kNow);
        place->room->room_changed();
    }
}

void Rooms::handle(const media::SpeakersChanged& event) {
    if (Room* const room = find(event.conference)) {
        room->speakers_changed(event.speakers);
    }
}

void Rooms::handle(const media::StreamStateChanged& event) {
    Place* const place = place_of(event.connection);
    if (place != nullptr && place->participant->session) {
        place->participant->session->on_stream_state(event);
    }
}

void Rooms::handle(const media::LayersWanted& event) {
    Place* const place = place_of(event.connection);
    if (place != nullptr && place->participant->session) {
        place->participant->session->on_layers_wanted(event);
    }
}

void Rooms::handle(const media::ConnectionMeasured& event) {
    Place* const place = place_of(event.connection);
    if (place == nullptr) {
        return;
    }
    const proto::ConnectionQuality quality = quality_of(event);
    if (quality != place->participant->quality) {
        place->participant->quality = quality;
        place->participant->quality_told = false;
    }
}

void Rooms::handle(const media::DataChannelOpened& event) {
    Place* const place = place_of(event.connection);
    if (place != nullptr && place->participant->session) {
        place->participant->session->on_channel_opened(event);
    }
}

void Rooms::handle(const media::DataReceived& event) {
    Place* const place = place_of(event.connection);
    if (place != nullptr && place->participant->session) {
        place->participant->session->on_data(event);
    }
}

void Rooms::handle(const media::DataChannelClosed& event) {
    Place* const place = place_of(event.connection);
    if (place != nullptr && place->participant->session) {
        place->participant->session->on_channel_closed(event);
    }
}

}  // namespace isthmus::signaling::livekit
