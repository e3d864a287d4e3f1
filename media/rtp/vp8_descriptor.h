// The VP8 payload descriptor.
//
// Specification: RFC 7741 section 4.2 and 4.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace isthmus::media::rtp {

struct Vp8Descriptor {
    bool non_reference = false;
    bool start_of_partition = false;
    std::uint8_t partition = 0;
    std::optional<std::uint16_t> picture_id;
    bool long_picture_id = false;  // 15 bits and not 7
    std::optional<std::uint8_t> tl0_picture_index;
    std::optional<std::uint8_t> temporal_layer;
    bool layer_sync = false;  // Y: may switch up to this temporal layer here
    std::optional<std::uint8_t> key_index;
    std::size_t bytes = 0;   // of the descriptor; the VP8 payload follows
    bool key_frame = false;  // this packet begins a key frame

    // Nothing where the payload ends within the descriptor or right behind it.
    [[nodiscard]] static std::optional<Vp8Descriptor> parse(std::span<const std::byte> payload);
};

}  // namespace isthmus::media::rtp
