// Writes repair packets: the exclusive or of a group of packets of one stream, from which a
// receiver that misses one of them restores it.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |0|0|P|X|  CC   |M| PT recovery |        length recovery        |
// |                          TS recovery                          |
// |   SSRCCount   |                    reserved                   |
// |                             SSRC_i                            |
// |           SN base_i           |k|          Mask [0-14]        |
// |k|                   Mask [15-45] (optional)                   |
// |k|                                                             |
// +-+                   Mask [46-108] (optional)                  |
// |                                                               |
// |     exclusive or of all that follows the fixed headers ...    |
//
// k set: the mask ends here. Bit i of the mask says that packet SN base + i is in the group.
//
// A FlexfecGroup is fed with packets as they are sent, in the order of their numbers, header
// extensions included; it holds one packet's worth of bytes. Leaves out: which packets make a group
// (media/sfu/fec_stream.h), several streams in one group, retransmission and fixed masks (R, F).
// Specification: draft-ietf-payload-flexible-fec-scheme-03 section 4.2, which browsers call
// flexfec-03; RFC 8627, which came of it, has another header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

// The parts of one packet as it leaves, before encryption: they follow each other on the wire.
struct PacketParts {
    std::span<const std::byte> header;  // fixed header, CSRCs and extensions
    std::span<const std::byte> prefix;
    std::span<const std::byte> payload;

    [[nodiscard]] std::size_t size() const {
        return header.size() + prefix.size() + payload.size();
    }
};

class FlexfecGroup {
  public:
    // What recovery_ holds is written before it is read.
    FlexfecGroup() {}  // NOLINT(cppcoreguidelines-pro-type-member-init)

    // From the first packet of a group to the last: the bits of the longest mask.
    static constexpr std::uint64_t kSpanMax = 109;
    static constexpr std::size_t kHeaderBytesMax = 32;
    // Of the packets in a group: their repair packet has to fit into a datagram, too.
    static constexpr std::size_t kPacketBytesMax = 1400;

    void clear();

    // False, and nothing happens, where the packet cannot be in the group: longer than
    // kPacketBytesMax, not newer than the last, or too far from the first.
    bool add(ExtendedSeq seq, const PacketParts& packet);

    [[nodiscard]] std::size_t packets() const { return packets_; }

    // Bytes that write() takes.
    [[nodiscard]] std::size_t bytes() const { return header_bytes() + recovery_bytes_; }

    // The payload of the repair packet for the group, of which there is at least one packet.
    // Returns bytes(), for which `out` has room.
    [[nodiscard]] std::size_t write(std::uint32_t media_ssrc, std::span<std::byte> out) const;

  private:
    [[nodiscard]] std::size_t header_bytes() const;

    [[nodiscard]] bool has(std::uint64_t place) const {
        return (mask_[place / 64] >> (place % 64) & 1U) != 0;
    }

    [[nodiscard]] std::uint64_t mask_bits(std::uint64_t first, std::uint32_t count) const;

    ExtendedSeq base_{};
    std::uint64_t last_ = 0;               // place of the newest packet
    std::array<std::uint64_t, 2> mask_{};  // bit i: packet base_ + i
    std::size_t packets_ = 0;
    std::size_t recovery_bytes_ = 0;          // of recovery_ in use
    std::array<std::byte, 2> first_bytes_{};  // V, P, X, CC, M, PT
    std::uint16_t length_ = 0;
    std::uint32_t timestamp_ = 0;
    std::array<std::byte, kPacketBytesMax> recovery_;
};

}  // namespace isthmus::media::rtp
