// Who may publish to a conference, watch it, and change a session that exists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/http/message.h"
#include "signaling/access/token.h"
#include "signaling/sdp/negotiate.h"

namespace isthmus::signaling::whip {

// Who made a session, and when.
struct SessionOwner {
    std::string issuer;
    std::string identity;  // the token's, may be empty
    std::int64_t created_unix_s = 0;
};

// kUnauthenticated without a good token; kPermissionDenied where it is for another conference or
// lacks roomJoin and, for a publisher, canPublish, for a viewer, canSubscribe.
[[nodiscard]] Result<access::AccessToken> authorize_join(const http::Request& request,
                                                         std::string_view conference,
                                                         sdp::Role role,
                                                         const access::ApiKeys& keys,
                                                         std::int64_t now_unix_s);

// A token of the same issuer and identity is needed (RFC 9725 section 4.7). One that was good when
// the session was made stays good for it, so that a client can end a session that outlived its
// token.
[[nodiscard]] Result<void> authorize_change(const http::Request& request,
                                            const SessionOwner& owner,
                                            const access::ApiKeys& keys,
                                            std::int64_t now_unix_s);

// 1 to 128 characters of UTF-8 without control characters.
[[nodiscard]] bool is_conference_name(std::string_view name);

}  // namespace isthmus::signaling::whip
