// What servers may do to rooms and to who is in them. The rooms of this node implement it; whether
// the caller may is decided before (room_service.h).
//
// Signaling thread. kNotFound where there is no such room, participant or track.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/room_service.pb.h>

#include "base/error.h"

namespace isthmus::signaling::livekit {

class RoomAdministration {
  public:
    virtual ~RoomAdministration() = default;

    // The room that there is, where there is one of that name. It stays without participants until
    // its empty_timeout is over.
    virtual Result<::livekit::Room> create_room(const ::livekit::CreateRoomRequest& request) = 0;
    [[nodiscard]] virtual std::vector<::livekit::Room> list_rooms() const = 0;
    // Everybody has to leave.
    virtual Result<void> delete_room(const std::string& room) = 0;
    virtual Result<::livekit::Room> update_room_metadata(const std::string& room,
                                                         const std::string& metadata) = 0;

    [[nodiscard]] virtual Result<std::vector<::livekit::ParticipantInfo>> list_participants(
        const std::string& room) const = 0;
    [[nodiscard]] virtual Result<::livekit::ParticipantInfo> get_participant(
        const std::string& room, const std::string& identity) const = 0;
    virtual Result<void> remove_participant(const std::string& room,
                                            const std::string& identity) = 0;
    virtual Result<::livekit::ParticipantInfo> update_participant(
        const ::livekit::UpdateParticipantRequest& request) = 0;

    // kConflict for an unmute: a microphone is opened by whose it is.
    virtual Result<::livekit::TrackInfo> mute_track(const std::string& room,
                                                    const std::string& identity,
                                                    const std::string& track_sid,
                                                    bool muted) = 0;
    virtual Result<void> update_subscriptions(
        const ::livekit::UpdateSubscriptionsRequest& request) = 0;
    virtual Result<void> send_data(const ::livekit::SendDataRequest& request) = 0;
};

}  // namespace isthmus::signaling::livekit
