// Redundant audio data: a packet that carries earlier frames beside its own.
//
//  0                   1                    2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3  4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |1|  block PT   |  timestamp offset         |   block length    |  one per earlier frame
// |0|  block PT   |                                                  the packet's own frame
// |   earlier frames, oldest first ...                            |
// |   own frame ...                                               |
//
// The own frame stays where it lies: its bytes are what follows write_red_prefix(), and what
// RedPayload::primary shows. Specification: RFC 2198 section 3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace isthmus::media::rtp {

// 14 and 10 bits.
inline constexpr std::uint32_t kRedTimestampOffsetMax = (1U << 14U) - 1;
inline constexpr std::size_t kRedBlockBytesMax = (1U << 10U) - 1;
inline constexpr std::size_t kRedBlockHeaderBytes = 4;

enum class RedError : std::uint8_t {
    kTruncatedHeader,  // ends before the header of the own frame
    kTruncatedBlock,   // the earlier frames are longer than the packet
    kTooManyBlocks,    // more than kEarlierMax
};

struct RedBlock {
    std::uint8_t payload_type = 0;
    std::uint16_t timestamp_offset = 0;  // how much older than the packet's timestamp
    std::span<const std::byte> payload;
};

struct RedPayload {
    // Browsers send one to three; libwebrtc's setting ends at nine.
    static constexpr std::size_t kEarlierMax = 9;

    std::array<RedBlock, kEarlierMax> blocks;
    std::size_t block_count = 0;
    std::uint8_t primary_type = 0;
    std::span<const std::byte> primary;  // may be empty

    // Spans point into `payload`.
    [[nodiscard]] static std::expected<RedPayload, RedError> parse(
        std::span<const std::byte> payload);

    // Oldest first, as sent.
    [[nodiscard]] std::span<const RedBlock> earlier() const {
        return std::span(blocks).first(block_count);
    }

    [[nodiscard]] std::size_t header_bytes() const {
        return block_count * kRedBlockHeaderBytes + 1;
    }

    // All blocks are of one payload type, so that one number renames them all.
    [[nodiscard]] bool is_uniform() const;
};

// An earlier frame to be sent again.
struct EarlierFrame {
    std::uint32_t timestamp_offset = 0;
    std::span<const std::byte> payload;
};

// Writes everything that stands before the own frame. `earlier`: oldest first, at most kEarlierMax;
// what the header cannot express and what does not fit is left out, the oldest first. Returns the
// bytes written: at least the one byte of the own frame's header, for which `out` has room.
std::size_t write_red_prefix(std::uint8_t block_type,
                             std::span<const EarlierFrame> earlier,
                             std::span<std::byte> out);

// The headers of `red` with all blocks called `block_type`. Returns the bytes written,
// red.header_bytes(); 0 where `out` is shorter.
std::size_t write_red_headers(const RedPayload& red,
                              std::uint8_t block_type,
                              std::span<std::byte> out);

}  // namespace isthmus::media::rtp
