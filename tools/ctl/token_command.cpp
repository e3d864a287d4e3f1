#include "tools/ctl/token_command.h"

#include <chrono>

#include <spdlog/fmt/fmt.h>

#include "base/config_reader.h"
#include "base/http/utf8.h"
#include "signaling/access/token.h"

namespace isthmus::ctl {

Result<std::string> create_token(const TokenRequest& request,
                                 const Credentials& credentials,
                                 std::int64_t now_unix_s) {
    const auto ttl = parse_duration(request.ttl);
    if (!ttl || *ttl < std::chrono::seconds(1)) {
        return make_error(
            ErrorCode::kInvalidArgument,
            fmt::format("\"{}\" is no lifetime; write e.g. 90s, 30m, 1h or 7d", request.ttl));
    }
    for (const std::string& text : {request.conference, request.identity, request.name}) {
        if (!http::is_utf8(text) || http::has_control_characters(text)) {
            return make_error(ErrorCode::kInvalidArgument,
                              "names must be UTF-8 without control characters");
        }
    }
    if (request.conference.empty() || request.identity.empty()) {
        return make_error(ErrorCode::kInvalidArgument, "conference and identity must not be empty");
    }
    const bool both = !request.publish && !request.subscribe;
    return signaling::access::sign_token(
        {.issuer = credentials.key,
         .identity = request.identity,
         .name = request.name,
         .metadata = {},
         .not_before_unix_s = 0,
         .expires_unix_s =
             now_unix_s + std::chrono::duration_cast<std::chrono::seconds>(*ttl).count(),
         .video = {.room = request.conference,
                   .room_join = true,
                   .can_publish = both || request.publish,
                   .can_subscribe = both || request.subscribe,
                   .hidden = request.hidden,
                   .room_admin = request.admin}},
        credentials.secret);
}

}  // namespace isthmus::ctl
