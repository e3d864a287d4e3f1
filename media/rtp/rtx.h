// Retransmission packets: the original with a stream of its own and the original's sequence number
// (OSN) in front of the payload.
//
// Specification: RFC 4588 section 4 (SSRC multiplexing).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "media/rtp/rtp_packet.h"

namespace isthmus::media::rtp {

inline constexpr std::size_t kRtxOsnBytes = 2;

enum class RtxError : std::uint8_t {
    kMalformed,  // not RTP
    kEmpty,      // no OSN: padding that a sender probes with
};

// Turns an RTX packet into the packet that it repeats, in place: header extensions and marker stay,
// sequence number, payload type and SSRC become the original's. The result lies within `packet` and
// begins two bytes later.
[[nodiscard]] std::expected<std::span<std::byte>, RtxError> restore_rtx(
    std::span<std::byte> packet, std::uint32_t original_ssrc, std::uint8_t original_payload_type);

// Writes OSN and payload: the OSN is part of what SRTP encrypts, so a retransmission is the one
// time that a payload is copied. `original_seq` is the number that the receiver knows. Returns the
// bytes written; 0 where `out` is shorter than payload and OSN.
std::size_t write_rtx_payload(std::uint16_t original_seq,
                              std::span<const std::byte> payload,
                              std::span<std::byte> out);

}  // namespace isthmus::media::rtp
