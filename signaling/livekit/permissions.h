// What a token lets its holder do in a room.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include <signaling/livekit/proto/models.pb.h>

#include "base/http/message.h"
#include "signaling/access/token.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

// The token of a request that would join: in Authorization, else as query parameter access_token.
// Statuses are those that clients tell apart: 401 for whoever may not join, 400 for a token without
// identity or room.
[[nodiscard]] std::expected<access::AccessToken, http::Response> authorize_join(
    const http::Request& request, const access::ApiKeys& keys, std::int64_t now_unix_s);

[[nodiscard]] proto::ParticipantPermission permission_of(const access::VideoGrant& grant);
// The other way, for a fresh token of somebody whose permission changed.
void apply_permission(const proto::ParticipantPermission& permission, access::VideoGrant& grant);

[[nodiscard]] bool may_publish(const proto::ParticipantPermission& permission,
                               proto::TrackSource source);

[[nodiscard]] proto::ParticipantInfo::Kind kind_of(const access::AccessToken& token);

}  // namespace isthmus::signaling::livekit
