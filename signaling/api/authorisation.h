// Who may call what of the operations API.
//
// A caller shows a token ("Authorization: Bearer <JWT>") whose grants count, or an API key and its
// secret (HTTP Basic, RFC 7617), which is the operator and may do everything. Loopback is no
// excuse.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/http/message.h"
#include "signaling/access/token.h"

namespace isthmus::signaling::api {

enum class Permission : std::uint8_t {
    kAny,                 // any valid token
    kListConferences,     // roomList
    kReadConference,      // roomList, or roomAdmin for it
    kWatch,               // roomJoin and canSubscribe for the conference, or kReadConference
    kManageParticipants,  // roomAdmin for the conference
    kEndConference,       // roomCreate
    kOperateNode,         // roomCreate, and roomAdmin that is for no room in particular
};

// `conference` is what kReadConference, kWatch and kManageParticipants are about. kUnauthenticated
// or kPermissionDenied with a sentence that names what is missing.
[[nodiscard]] Result<void> authorise(const http::Request& request,
                                     const access::ApiKeys& keys,
                                     std::int64_t now_unix_s,
                                     Permission permission,
                                     std::string_view conference = {});

}  // namespace isthmus::signaling::api
