// How a client says what it joins with: one protobuf in the URL (/rtc/v1), or a query parameter for
// each thing (/rtc). Both become the same message.
#pragma once

#include <expected>
#include <string>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/http/message.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

// A sentence for the client's developer where it cannot be read.
[[nodiscard]] std::expected<proto::JoinRequest, std::string> read_join_request(
    const http::Request& request);

// The older form. Nothing in it can be wrong: what is not understood is left out.
[[nodiscard]] proto::JoinRequest read_query(const http::Request& request);

}  // namespace isthmus::signaling::livekit
