#include "signaling/livekit/room_participant.h"

#include <algorithm>

#include "signaling/livekit/signal_session.h"

namespace isthmus::signaling::livekit {

RoomParticipant::RoomParticipant(const ParticipantProfile& profile, RandomSource& random)
    : tracks(random) {
    info.set_sid(profile.sid);
    info.set_identity(profile.identity);
    info.set_name(profile.name);
    info.set_metadata(profile.metadata);
    info.set_state(proto::ParticipantInfo::JOINED);
    info.set_kind(profile.kind);
    info.set_joined_at(profile.joined_unix_ms / 1000);
    info.set_joined_at_ms(profile.joined_unix_ms);
    info.set_version(1);
    *info.mutable_permission() = profile.permission;
    audience.set_all_participants(true);
}

RoomParticipant::~RoomParticipant() = default;

proto::ParticipantInfo RoomParticipant::snapshot() const {
    proto::ParticipantInfo told = info;
    for (const PublishedTrack& track : tracks.all()) {
        if (track.live) {
            *told.add_tracks() = track.info;
        }
    }
    told.set_is_publisher(told.tracks_size() > 0);
    return told;
}

const std::string& RoomParticipant::as_other() const {
    if (as_other_.empty()) {
        proto::JoinResponse response;
        *response.add_other_participants() = snapshot();
        as_other_ = response.SerializeAsString();
    }
    return as_other_;
}

bool RoomParticipant::lets_have(const RoomParticipant& subscriber,
                                std::string_view track_sid) const {
    if (audience.all_participants()) {
        return true;
    }
    return std::ranges::any_of(audience.track_permissions(), [&](const auto& permission) {
        const bool meant = permission.participant_sid() == subscriber.sid() ||
                           permission.participant_identity() == subscriber.identity();
        return meant &&
               (permission.all_tracks() || std::ranges::find(permission.track_sids(), track_sid) !=
                                               permission.track_sids().end());
    });
}

}  // namespace isthmus::signaling::livekit
