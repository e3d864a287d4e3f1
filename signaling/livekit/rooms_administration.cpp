#include "signaling/livekit/rooms_administration.h"

#include <algorithm>
#include <utility>

namespace isthmus::signaling::livekit {
namespace {

constexpr std::size_t kMetadataBytesMax = 512UL * 1024;  // as the reference server has it
constexpr std::size_t kRoomNameBytesMax = 256;

}  // namespace

Result<Room*> RoomsAdministration::find_room(const std::string& name) const {
    Room* const room = rooms_->find(name);
    if (room == nullptr) {
        return make_error(ErrorCode::kNotFound, "requested room does not exist");
    }
    return room;
}

Result<RoomsAdministration::Found> RoomsAdministration::find(const std::string& name,
                                                             const std::string& identity) const {
    const Result<Room*> room = find_room(name);
    if (!room) {
        return std::unexpected(room.error());
    }
    RoomParticipant* const participant = (*room)->find_identity(identity);
    if (participant == nullptr) {
        return make_error(ErrorCode::kNotFound, "participant does not exist");
    }
    return Found{.room = *room, .participant = participant};
}

Result<proto::Room> RoomsAdministration::create_room(const proto::CreateRoomRequest& request) {
    if (request.name().size() > kRoomNameBytesMax ||
        request.metadata().size() > kMetadataBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "the name or the metadata is too long");
    }
    RoomSettings settings = rooms_->default_settings();
    if (request.empty_timeout() != 0) {
        settings.empty_timeout_s = request.empty_timeout();
    }
    if (request.departure_timeout() != 0) {
        settings.departure_timeout_s = request.departure_timeout();
    }
    if (request.max_participants() != 0) {
        settings.participants_max = request.max_participants();
    }
    settings.metadata = request.metadata();
    if (!rooms_->switchboard().admits(request.name())) {
        return make_error(ErrorCode::kUnavailable,
                          "this node is in maintenance and begins no conference, go elsewhere");
    }
    Room* const room = rooms_->find_or_make(request.name(), settings);
    if (room == nullptr) {
        return make_error(ErrorCode::kLimitExceeded, "this node has as many rooms as it takes");
    }
    return room->info();
}

std::vector<proto::Room> RoomsAdministration::list_rooms() const {
    std::vector<proto::Room> rooms;
    rooms.reserve(rooms_->all().size());
    for (const auto& [name, room] : rooms_->all()) {
        rooms.push_back(room->info());
    }
    return rooms;
}

Result<void> RoomsAdministration::delete_room(const std::string& name) {
    const Result<Room*> room = find_room(name);
    if (!room) {
        return std::unexpected(room.error());
    }
    rooms_->close_room(name, proto::ROOM_DELETED);
    rooms_->end_turn();
    return {};
}

Result<proto::Room> RoomsAdministration::update_room_metadata(const std::string& name,
                                                              const std::string& metadata) {
    const Result<Room*> room = find_room(name);
    if (!room) {
        return std::unexpected(room.error());
    }
    if (metadata.size() > kMetadataBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "the metadata is too long");
    }
    (*room)->settings().metadata = metadata;
    (*room)->room_changed();
    rooms_->end_turn();
    return (*room)->info();
}

Result<std::vector<proto::ParticipantInfo>> RoomsAdministration::list_participants(
    const std::string& name) const {
    const Result<Room*> room = find_room(name);
    if (!room) {
        return std::unexpected(room.error());
    }
    std::vector<proto::ParticipantInfo> participants;
    for (const auto& [sid, participant] : (*room)->participants()) {
        participants.push_back(participant->snapshot());
    }
    return participants;
}

Result<proto::ParticipantInfo> RoomsAdministration::get_participant(
    const std::string& room, const std::string& identity) const {
    const Result<Found> found = find(room, identity);
    if (!found) {
        return std::unexpected(found.error());
    }
    return found->participant->snapshot();
}

Result<void> RoomsAdministration::remove_participant(const std::string& room,
                                                     const std::string& identity) {
    const Result<Found> found = find(room, identity);
    if (!found) {
        return std::unexpected(found.error());
    }
    rooms_->expel(*found->participant, proto::PARTICIPANT_REMOVED);
    rooms_->end_turn();
    return {};
}

Result<proto::ParticipantInfo> RoomsAdministration::update_participant(
    const proto::UpdateParticipantRequest& request) {
    const Result<Found> found = find(request.room(), request.identity());
    if (!found) {
        return std::unexpected(found.error());
    }
    if (request.metadata().size() > kMetadataBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "the metadata is too long");
    }
    proto::ParticipantInfo& info = found->participant->info;
    if (!request.name().empty()) {
        info.set_name(request.name());
    }
    if (!request.metadata().empty()) {
        info.set_metadata(request.metadata());
    }
    for (const auto& [name, value] : request.attributes()) {
        if (value.empty()) {
            info.mutable_attributes()->erase(name);
        } else {
            (*info.mutable_attributes())[name] = value;
        }
    }
    if (request.has_permission()) {
        *info.mutable_permission() = request.permission();
        if (found->participant->session) {
            found->participant->session->on_permission_changed();
        }
    }
    found->room->changed(*found->participant, Urgency::kNow);
    rooms_->end_turn();
    return found->participant->snapshot();
}

Result<proto::TrackInfo> RoomsAdministration::mute_track(const std::string& room,
                                                         const std::string& identity,
                                                         const std::string& track_sid,
                                                         bool muted) {
    const Result<Found> found = find(room, identity);
    if (!found) {
        return std::unexpected(found.error());
    }
    PublishedTrack* const track = found->participant->tracks.find(track_sid);
    if (track == nullptr) {
        return make_error(ErrorCode::kNotFound, "track is not found");
    }
    if (!muted && track->info.muted()) {
        return make_error(ErrorCode::kConflict, "a track is opened again by whose it is only");
    }
    if (track->info.muted() != muted && found->participant->session) {
        proto::SignalResponse response;
        response.mutable_mute()->set_sid(track_sid);
        response.mutable_mute()->set_muted(muted);
        found->participant->session->send(response);
    }
    track->info.set_muted(muted);
    found->room->changed(*found->participant, Urgency::kNow);
    proto::TrackInfo info = track->info;
    rooms_->end_turn();
    return info;
}

Result<void> RoomsAdministration::update_subscriptions(
    const proto::UpdateSubscriptionsRequest& request) {
    const Result<Found> found = find(request.room(), request.identity());
    if (!found) {
        return std::unexpected(found.error());
    }
    if (!found->participant->session) {
        return make_error(ErrorCode::kConflict, "this participant does not choose what it is sent");
    }
    proto::UpdateSubscription update;
    *update.mutable_track_sids() = request.track_sids();
    *update.mutable_participant_tracks() = request.participant_tracks();
    update.set_subscribe(request.subscribe());
    found->participant->session->update_subscription(update);
    rooms_->end_turn();
    return {};
}

Result<void> RoomsAdministration::send_data(const proto::SendDataRequest& request) {
    const Result<Room*> room = find_room(request.room());
    if (!room) {
        return std::unexpected(room.error());
    }
    ServerData data;
    data.payload = request.data();
    data.reliable = request.kind() == proto::DataPacket::RELIABLE;
    if (request.has_topic()) {
        data.topic = request.topic();
    }
    data.identities.assign(request.destination_identities().begin(),
                           request.destination_identities().end());
    data.sids.assign(request.destination_sids().begin(), request.destination_sids().end());
    data.nonce = request.nonce();
    (*room)->send_data(rooms_->now(), "", route_server_data(data));
    return {};
}

}  // namespace isthmus::signaling::livekit
