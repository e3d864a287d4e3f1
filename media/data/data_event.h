// What happens on an association without being asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "media/data/data_message.h"

namespace isthmus::media::data {

// Chosen by whoever opens an association, and never again for another one: a connection's id.
struct AssociationId {
    std::uint64_t value = 0;

    friend auto operator<=>(const AssociationId&, const AssociationId&) = default;
};

// Open both ways; the client's channels as well as the node's own.
struct ChannelOpened {
    std::uint16_t channel = 0;
    std::string label;
    bool ordered = true;
    bool reliable = true;
};

struct ChannelClosed {
    std::uint16_t channel = 0;
};

enum class FailureReason : std::uint8_t {
    kHandshakeTimeout,
    kAborted,  // by the client, or it answers no more
    kShutdown,
    kRestarted,       // the client began again: its channels are gone
    kMessageTooLong,  // more than DataLimits::message_bytes_max in one message
    kReadsTooSlowly,  // a reliable channel's queue is full
    kRefused,         // the node has too many, or no memory
};

[[nodiscard]] constexpr std::string_view to_string(FailureReason reason) {
    switch (reason) {
        case FailureReason::kHandshakeTimeout:
            return "handshake timeout";
        case FailureReason::kAborted:
            return "aborted";
        case FailureReason::kShutdown:
            return "shut down";
        case FailureReason::kRestarted:
            return "restarted";
        case FailureReason::kMessageTooLong:
            return "message too long";
        case FailureReason::kReadsTooSlowly:
            return "client reads too slowly";
        case FailureReason::kRefused:
            return "refused";
    }
    return "unknown";
}

// The association's last event: it is closed already.
struct AssociationFailed {
    FailureReason reason = FailureReason::kAborted;
};

// A DataMessage is one that the client sent.
using DataEvent = std::variant<ChannelOpened, DataMessage, ChannelClosed, AssociationFailed>;

}  // namespace isthmus::media::data
