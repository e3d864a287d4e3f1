// Signal messages as WebSocket frames: protobuf in binary frames, its JSON in text frames. Who
// speaks JSON is answered in JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace livekit {
class JoinRequest;
class SignalRequest;
class SignalResponse;
}  // namespace livekit

namespace isthmus::signaling::livekit {

enum class SignalForm : std::uint8_t { kBinary, kText };

// kInvalidArgument where the frame is no SignalRequest. One without a message in it is, and is a
// kind that this node does not know.
[[nodiscard]] Result<void> decode_signal(std::string_view frame,
                                         SignalForm form,
                                         ::livekit::SignalRequest& into);

[[nodiscard]] std::string encode_signal(const ::livekit::SignalResponse& response, SignalForm form);

// A join whose JoinResponse goes on with `others`, serialised parts of one.
[[nodiscard]] std::string encode_join(const ::livekit::SignalResponse& response,
                                      std::string_view others,
                                      SignalForm form);

// The query's join_request: base64url of a WrappedJoinRequest, which may be gzip'd. Never inflates
// to more than kJoinRequestBytesMax.
[[nodiscard]] Result<void> decode_join_request(std::string_view base64url,
                                               ::livekit::JoinRequest& into);

inline constexpr std::size_t kJoinRequestBytesMax = 1U << 20U;

}  // namespace isthmus::signaling::livekit
