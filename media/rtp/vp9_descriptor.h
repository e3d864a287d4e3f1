// The VP9 payload descriptor.
//
// Specification: RFC 9628 section 4.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace isthmus::media::rtp {

struct Vp9Descriptor {
    bool inter_picture_predicted = false;  // P
    bool flexible = false;                 // F
    bool start_of_frame = false;           // B
    bool end_of_frame = false;             // E
    bool scalability_structure = false;    // V
    bool not_reference_for_upper = false;  // Z
    std::optional<std::uint16_t> picture_id;
    bool long_picture_id = false;
    std::optional<std::uint8_t> temporal_layer;  // absent without layer indices
    std::uint8_t spatial_layer = 0;
    bool switching_up_point = false;                // U
    bool inter_layer_predicted = false;             // D
    std::optional<std::uint8_t> tl0_picture_index;  // non-flexible mode with layer indices
    std::size_t bytes = 0;                          // of the descriptor; the VP9 payload follows

    // This packet begins a key frame: the lowest spatial layer of a picture that needs no other.
    [[nodiscard]] bool key_frame() const {
        return start_of_frame && !inter_picture_predicted && spatial_layer == 0;
    }

    // Nothing where the payload ends within the descriptor or right behind it.
    [[nodiscard]] static std::optional<Vp9Descriptor> parse(std::span<const std::byte> payload);
};

}  // namespace isthmus::media::rtp
