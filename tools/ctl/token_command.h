// isthmusctl token create: signs an access token here, without asking a node.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace isthmus::ctl {

struct TokenRequest {
    std::string conference;
    std::string identity;
    std::string name{};
    bool publish = false;
    bool subscribe = false;  // neither this nor publish: both
    bool hidden = false;
    bool admin = false;  // roomAdmin for the conference
    std::string ttl = "1h";
};

struct Credentials {
    std::string key;
    std::string secret;
};

// kInvalidArgument with what is wrong about the request.
[[nodiscard]] Result<std::string> create_token(const TokenRequest& request,
                                               const Credentials& credentials,
                                               std::int64_t now_unix_s);

}  // namespace isthmus::ctl
