// POST /meet/{conference}/join: hands an access token to whoever opens the meeting page, so that
// people can meet without a server of their own that makes tokens.
//
// Exists only where the configuration names the key that signs them (meet.join_key), or with --dev.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/http/message.h"

namespace isthmus::node {

struct JoinEndpointConfig {
    std::string key;     // the API key's name
    std::string secret;  // signs
};

// Body {"name": "Alice"}; answers {"token", "identity", "conference", "name"}. The identity is made
// here, from the name and chance: nobody can ask for somebody else's and so put them out of the
// conference. `random_token` returns some letters and digits.
void add_join_route(http::Router& router,
                    JoinEndpointConfig config,
                    std::function<std::int64_t()> now_unix_s,
                    std::function<std::string()> random_token);

}  // namespace isthmus::node
