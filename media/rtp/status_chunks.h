// Packet status chunks and deltas of transport-wide feedback, written and checked.
//
// Runs of seven or more equal statuses become run lengths; the rest vectors, of 14 where no delta
// is large, else of 7. Statuses follow rtcp_messages.h.
//
// Specification: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.1 to 3.1.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "media/rtp/rtcp_messages.h"

namespace isthmus::media::rtp {

// `deltas` as RtcpWriter::transport_feedback() takes them.
[[nodiscard]] std::size_t status_bytes(std::span<const std::int32_t> deltas);

// Do the bytes suffice for all that the message tells? For as many steps as there are chunks, not
// packets: one chunk can tell of 8191.
[[nodiscard]] bool is_whole(const TransportFeedback& feedback);

// Writes status_bytes(deltas) bytes and returns their end.
std::byte* write_statuses(std::span<const std::int32_t> deltas, std::byte* to);

}  // namespace isthmus::media::rtp
