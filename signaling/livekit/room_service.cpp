#include "signaling/livekit/room_service.h"

#include <algorithm>
#include <string>
#include <utility>

namespace isthmus::signaling::livekit {
namespace {

namespace pb = ::livekit;

constexpr std::size_t kNonceBytes = 16;

template <typename T>
Result<T> done(const Result<void>& result) {
    return result ? Result<T>(T()) : std::unexpected(result.error());
}

Result<pb::ListRoomsResponse> list(std::vector<pb::Room> rooms,
                                   const pb::ListRoomsRequest& request) {
    pb::ListRoomsResponse response;
    for (pb::Room& room : rooms) {
        const auto& names = request.names();
        if (names.empty() || std::ranges::find(names, room.name()) != names.end()) {
            *response.add_rooms() = std::move(room);
        }
    }
    return response;
}

}  // namespace

RoomService::RoomService(RoomServiceConfig config, RoomAdministration& rooms, http::Router& router)
    : config_(std::move(config)), rooms_(rooms), service_("livekit.RoomService", router) {
    add_room_calls();
    add_participant_calls();
}

Result<void> RoomService::authorize(const http::Request& request, const Grant& grant) const {
    const auto token =
        access::verify_token(request.bearer_token(), config_.keys, config_.now_unix_s());
    if (!token) {
        return std::unexpected(token.error());
    }
    // As LiveKit's servers answer: 401, not 403.
    if (!grant(token->video)) {
        return make_error(ErrorCode::kUnauthenticated, "the token lacks the grant for this call");
    }
    return {};
}

Result<void> RoomService::authorize_admin(const http::Request& request,
                                          const std::string& room) const {
    return authorize(request, [&room](const access::VideoGrant& grant) {
        return grant.room_admin && grant.room == room;
    });
}

template <typename Request, typename Response, typename MayCall, typename Run>
void RoomService::add(std::string_view method, MayCall may_call, Run run) {
    service_.add<Request, Response>(
        method,
        [may_call = std::move(may_call), run = std::move(run)](
            const http::Request& http, const Request& request, twirp::Answer<Response> answer) {
            const Result<void> allowed = may_call(http, request);
            answer(allowed ? run(request) : std::unexpected(allowed.error()));
        });
}

void RoomService::add_room_calls() {
    const auto may_create = [this](const http::Request& http, const auto& /*request*/) {
        return authorize(http, [](const access::VideoGrant& grant) { return grant.room_create; });
    };
    const auto may_list = [this](const http::Request& http, const auto& /*request*/) {
        return authorize(http, [](const access::VideoGrant& grant) { return grant.room_list; });
    };
    const auto may_manage = [this](const http::Request& http, const auto& request) {
        return authorize_admin(http, request.room());
    };
    add<pb::CreateRoomRequest, pb::Room>(
        "CreateRoom", may_create, [this](const pb::CreateRoomRequest& request) {
            return request.name().empty() ? Result<pb::Room>(make_error(ErrorCode::kInvalidArgument,
                                                                        "the room needs a name"))
                                          : rooms_.create_room(request);
        });
    add<pb::ListRoomsRequest, pb::ListRoomsResponse>(
        "ListRooms", may_list, [this](const pb::ListRoomsRequest& request) {
            return list(rooms_.list_rooms(), request);
        });
    add<pb::DeleteRoomRequest, pb::DeleteRoomResponse>(
        "DeleteRoom", may_create, [this](const pb::DeleteRoomRequest& request) {
            return done<pb::DeleteRoomResponse>(rooms_.delete_room(request.room()));
        });
    add<pb::UpdateRoomMetadataRequest, pb::Room>(
        "UpdateRoomMetadata", may_manage, [this](const pb::UpdateRoomMetadataRequest& request) {
            return rooms_.update_room_metadata(request.room(), request.metadata());
        });
    add<pb::SendDataRequest, pb::SendDataResponse>(
        "SendData",
        may_manage,
        [this](const pb::SendDataRequest& request) -> Result<pb::SendDataResponse> {
            if (!request.nonce().empty() && request.nonce().size() != kNonceBytes) {
                return make_error(ErrorCode::kInvalidArgument, "a nonce has 16 bytes");
            }
            return done<pb::SendDataResponse>(rooms_.send_data(request));
        });
}

void RoomService::add_participant_calls() {
    const auto may_manage = [this](const http::Request& http, const auto& request) {
        return authorize_admin(http, request.room());
    };
    add<pb::ListParticipantsRequest, pb::ListParticipantsResponse>(
        "ListParticipants",
        may_manage,
        [this](const pb::ListParticipantsRequest& request) -> Result<pb::ListParticipantsResponse> {
            auto participants = rooms_.list_participants(request.room());
            if (!participants) {
                return std::unexpected(participants.error());
            }
            pb::ListParticipantsResponse response;
            for (pb::ParticipantInfo& participant : *participants) {
                *response.add_participants() = std::move(participant);
            }
            return response;
        });
    add<pb::RoomParticipantIdentity, pb::ParticipantInfo>(
        "GetParticipant", may_manage, [this](const pb::RoomParticipantIdentity& request) {
            return rooms_.get_participant(request.room(), request.identity());
        });
    add<pb::RoomParticipantIdentity, pb::RemoveParticipantResponse>(
        "RemoveParticipant", may_manage, [this](const pb::RoomParticipantIdentity& request) {
            return done<pb::RemoveParticipantResponse>(
                rooms_.remove_participant(request.room(), request.identity()));
        });
    add<pb::MuteRoomTrackRequest, pb::MuteRoomTrackResponse>(
        "MutePublishedTrack",
        may_manage,
        [this](const pb::MuteRoomTrackRequest& request) -> Result<pb::MuteRoomTrackResponse> {
            auto track = rooms_.mute_track(
                request.room(), request.identity(), request.track_sid(), request.muted());
            if (!track) {
                return std::unexpected(track.error());
            }
            pb::MuteRoomTrackResponse response;
            *response.mutable_track() = std::move(*track);
            return response;
        });
    add<pb::UpdateParticipantRequest, pb::ParticipantInfo>(
        "UpdateParticipant", may_manage, [this](const pb::UpdateParticipantRequest& request) {
            return rooms_.update_participant(request);
        });
    add<pb::UpdateSubscriptionsRequest, pb::UpdateSubscriptionsResponse>(
        "UpdateSubscriptions", may_manage, [this](const pb::UpdateSubscriptionsRequest& request) {
            return done<pb::UpdateSubscriptionsResponse>(rooms_.update_subscriptions(request));
        });
}

}  // namespace isthmus::signaling::livekit
