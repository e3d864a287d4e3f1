// GET /dev/token: hands a token to whoever asks, so that a page can join without one being copied.
// Exists with --dev only.
#pragma once

#include <cstdint>
#include <functional>

#include "signaling/http/message.h"

namespace isthmus::node {

// ?conference=demo&identity=alice[&name=Alice][&publish=0|1][&subscribe=0|1]; both are 1 unless
// said otherwise. Signed with the dev key, good for twelve hours.
void add_dev_token_route(signaling::http::Router& router, std::function<std::int64_t()> now_unix_s);

}  // namespace isthmus::node
