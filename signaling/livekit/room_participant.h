// One participant of a room, whichever door it came through; only those that speak the LiveKit
// protocol have a session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "media/worker/connection_id.h"
#include "signaling/livekit/published_tracks.h"

namespace isthmus::signaling::livekit {

class SignalSession;

struct ParticipantProfile {
    std::string sid;  // "PA_..."
    std::string identity;
    std::string name;
    std::string metadata;
    proto::ParticipantPermission permission;
    proto::ParticipantInfo::Kind kind = proto::ParticipantInfo::STANDARD;
    std::int64_t joined_unix_ms = 0;
};

class RoomParticipant {
  public:
    RoomParticipant(const ParticipantProfile& profile, RandomSource& random);
    ~RoomParticipant();
    RoomParticipant(const RoomParticipant&) = delete;
    RoomParticipant& operator=(const RoomParticipant&) = delete;

    [[nodiscard]] const std::string& sid() const { return info.sid(); }

    [[nodiscard]] const std::string& identity() const { return info.identity(); }

    [[nodiscard]] bool hidden() const { return info.permission().hidden(); }

    // What others are told: the tracks that they can be sent too.
    [[nodiscard]] proto::ParticipantInfo snapshot() const;

    // To be called for each change that is told, so that receivers can put it in order.
    void next_version() {
        info.set_version(info.version() + 1);
        as_other_.clear();
    }

    // This version as a part of a serialised JoinResponse, for others who join: made once, however
    // many they are. What changed since comes to them with the next version.
    [[nodiscard]] const std::string& as_other() const;

    // Whether its owner lets `subscriber` have the track (subscription_permission).
    [[nodiscard]] bool lets_have(const RoomParticipant& subscriber,
                                 std::string_view track_sid) const;

    proto::ParticipantInfo info;  // without tracks
    PublishedTracks tracks;
    proto::SubscriptionPermission audience;  // who may subscribe
    std::vector<media::ConnectionId> connections;
    proto::ConnectionQuality quality = proto::EXCELLENT;
    bool quality_told = false;
    bool was_active = false;  // its media connected
    std::unique_ptr<SignalSession> session;

  private:
    mutable std::string as_other_;
};

}  // namespace isthmus::signaling::livekit
