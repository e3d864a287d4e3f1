// What servers may do to the rooms of this node.
#pragma once

#include <string>
#include <vector>

#include "signaling/livekit/room_administration.h"
#include "signaling/livekit/rooms.h"

namespace isthmus::signaling::livekit {

class RoomsAdministration final : public RoomAdministration {
  public:
    // `rooms` outlives it.
    explicit RoomsAdministration(Rooms& rooms) : rooms_(&rooms) {}

    Result<proto::Room> create_room(const proto::CreateRoomRequest& request) override;
    [[nodiscard]] std::vector<proto::Room> list_rooms() const override;
    Result<void> delete_room(const std::string& room) override;
    Result<proto::Room> update_room_metadata(const std::string& room,
                                             const std::string& metadata) override;
    [[nodiscard]] Result<std::vector<proto::ParticipantInfo>> list_participants(
        const std::string& room) const override;
    [[nodiscard]] Result<proto::ParticipantInfo> get_participant(
        const std::string& room, const std::string& identity) const override;
    Result<void> remove_participant(const std::string& room, const std::string& identity) override;
    Result<proto::ParticipantInfo> update_participant(
        const proto::UpdateParticipantRequest& request) override;
    Result<proto::TrackInfo> mute_track(const std::string& room,
                                        const std::string& identity,
                                        const std::string& track_sid,
                                        bool muted) override;
    Result<void> update_subscriptions(const proto::UpdateSubscriptionsRequest& request) override;
    Result<void> send_data(const proto::SendDataRequest& request) override;

  private:
    struct Found {
        Room* room = nullptr;
        RoomParticipant* participant = nullptr;
    };

    [[nodiscard]] Result<Room*> find_room(const std::string& room) const;
    [[nodiscard]] Result<Found> find(const std::string& room, const std::string& identity) const;

    Rooms* rooms_;
};

}  // namespace isthmus::signaling::livekit
