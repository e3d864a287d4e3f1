// What the data stack counts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus::media::data {

struct DataCounters {
    // Now.
    std::size_t associations = 0;
    std::size_t channels = 0;
    std::size_t queued_bytes = 0;  // beside SCTP's own buffers

    // Since the beginning.
    std::uint64_t associations_failed = 0;
    std::uint64_t packets_received = 0;
    std::uint64_t packets_refused = 0;  // too many from one client, or of nobody
    std::uint64_t packets_sent = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_received_bytes = 0;
    std::uint64_t messages_sent = 0;  // counted for each receiver
    std::uint64_t messages_sent_bytes = 0;
    std::uint64_t messages_rate_limited = 0;  // received above messages_per_second_max
    std::uint64_t messages_dropped = 0;       // unreliable, queue full
    std::uint64_t messages_unroutable = 0;    // for a channel that is not open, or too long for it
    std::uint64_t protocol_errors = 0;        // malformed DCEP, unknown payload protocols
    std::uint64_t channels_refused = 0;
};

}  // namespace isthmus::media::data
