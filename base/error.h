// What a call returns when the environment, the configuration or a request is at fault. Bytes from
// the network that do not parse have enums of their own beside their parsers.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace isthmus {

enum class ErrorCode : std::uint8_t {
    kInvalidArgument,
    kNotFound,
    kConflict,          // the thing exists already, or its state forbids the call
    kPermissionDenied,  // known who asks, and not allowed
    kUnauthenticated,   // not known who asks
    kLimitExceeded,     // a configured limit or a full queue
    kUnavailable,       // now, try later or elsewhere
    kInternal,
};

struct Error {
    ErrorCode code = ErrorCode::kInternal;
    // One sentence for an operator or a client's developer: what is wrong and what to do.
    std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> make_error(ErrorCode code, std::string message) {
    return std::unexpected(Error{.code = code, .message = std::move(message)});
}

}  // namespace isthmus
