// The VP8 payload descriptor, and what the frame's own header says in clear.
//
//      0 1 2 3 4 5 6 7
//     +-+-+-+-+-+-+-+-+
//     |X|R|N|S|R| PID |
//  X: |I|L|T|K|  RSV  |
//  I: |M| picture id  |  and 8 bits more where M
//  L: |   TL0PICIDX   |
//  T/K: TID|Y| KEYIDX |
//
// Specification: RFC 7741 section 4.2 and 4.3; frame sizes: RFC 6386 section 9.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "media/rtp/frame_size.h"
#include "media/rtp/payload_prefix.h"

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

    // The size of the key frame that the packet begins; nothing where it is too short, or does not
    // look like VP8, as where it is encrypted.
    [[nodiscard]] std::optional<FrameSize> key_frame_size(std::span<const std::byte> payload) const;
};

// Numbers as one receiver sees them. Only what the publisher's descriptor has is written.
struct Vp8Numbers {
    std::uint16_t picture_id = 0;
    bool long_picture_id = true;
    std::uint8_t tl0_picture_index = 0;
};

// `payload` was parsed as `descriptor`.
[[nodiscard]] PayloadPrefix rewrite_vp8(std::span<const std::byte> payload,
                                        const Vp8Descriptor& descriptor,
                                        const Vp8Numbers& numbers);

}  // namespace isthmus::media::rtp
