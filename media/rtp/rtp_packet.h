// Takes one RTP packet apart, in place.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
// |                           timestamp                           |
// |                             SSRC                              |
// |                     CC x contributing source                  |
// |      extension profile        |  length in 32-bit words       |
// |                        extension data ...                     |
// |                        payload ...      | padding | pad count |
//
// Leaves out: what the extensions mean (header_extensions.h), RTCP (rtcp_reader.h).
// Specification: RFC 3550 section 5.1 and 5.3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

inline constexpr std::size_t kRtpFixedHeaderBytes = 12;
inline constexpr std::size_t kCsrcsMax = 15;  // four bits

enum class RtpError : std::uint8_t {
    kTooShort,            // less than the fixed header
    kBadVersion,          // not 2
    kTruncatedCsrcs,      // more CSRCs than bytes
    kTruncatedExtension,  // the extension is longer than the packet
    kBadPadding,          // the count is 0 or more than what follows the header
};

// Spans point into the packet that was parsed.
struct RtpPacketView {
    std::span<const std::byte> bytes;  // all of it
    std::uint8_t payload_type = 0;
    bool marker = false;
    std::uint8_t padding_bytes = 0;  // the count itself included; 0 without padding
    std::uint16_t seq = 0;
    std::uint16_t extension_profile = 0;  // 0xbede, 0x1000 to 0x100f, or something else
    RtpTimestamp timestamp{};
    std::uint32_t ssrc = 0;
    std::span<const std::byte> csrcs;      // 4 bytes each
    std::span<const std::byte> extension;  // without its 4-byte header; empty without one
    std::span<const std::byte> payload;    // without padding; empty in a packet of padding only

    [[nodiscard]] static std::expected<RtpPacketView, RtpError> parse(
        std::span<const std::byte> packet);
};

}  // namespace isthmus::media::rtp
