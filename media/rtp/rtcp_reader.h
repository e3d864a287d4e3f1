// Takes a compound or reduced-size RTCP packet apart, message by message.
//
//     auto reader = RtcpReader::parse(packet);
//     while (reader && (message = reader->next())) { std::visit(..., *message); }
//
// Packets of unknown type (APP and others) are skipped and counted, as are known ones whose inside
// contradicts its length. Views in messages point into the packet.
//
// Specification: RFC 3550 section 6.1 and appendix A.2, RFC 5506, and those in rtcp_messages.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "media/rtp/rtcp_messages.h"

namespace isthmus::media::rtp {

enum class RtcpError : std::uint8_t {
    kTooShort,    // no whole packet
    kBadVersion,  // not 2, in any of the packets
    kBadLength,   // the packets' lengths do not add up to the datagram
    kBadPadding,  // on another than the last packet, or longer than the packet
};

class RtcpReader {
  public:
    // Checks the frame of the whole compound before any of it is believed.
    [[nodiscard]] static std::expected<RtcpReader, RtcpError> parse(
        std::span<const std::byte> packet);

    // Nothing at the end.
    [[nodiscard]] std::optional<RtcpMessage> next();

    [[nodiscard]] std::uint32_t unknown() const { return unknown_; }

    [[nodiscard]] std::uint32_t malformed() const { return malformed_; }

  private:
    explicit RtcpReader(std::span<const std::byte> rest) : rest_(rest) {}

    std::optional<RtcpMessage> read_packet();
    std::optional<RtcpMessage> next_of_sdes();
    std::optional<RtcpMessage> next_of_xr();

    std::span<const std::byte> rest_;         // packets not begun yet, without padding
    std::span<const std::byte> sdes_chunks_;  // of the SDES packet being read
    std::span<const std::byte> xr_blocks_;    // of the XR packet being read
    std::uint32_t xr_ssrc_ = 0;
    std::uint32_t unknown_ = 0;
    std::uint32_t malformed_ = 0;
};

}  // namespace isthmus::media::rtp
