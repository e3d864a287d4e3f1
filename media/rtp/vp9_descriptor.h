// The VP9 payload descriptor.
//
//      0 1 2 3 4 5 6 7
//     +-+-+-+-+-+-+-+-+
//     |I|P|L|F|B|E|V|Z|
//  I: |M| picture id  |  and 8 bits more where M
//  L: |TID  |U|SID  |D|
//     |   TL0PICIDX   |  non-flexible mode (not F)
//  P,F: | P_DIFF    |N|  up to three times
//  V: scalability structure: |N_S  |Y|G|-|-|-|, sizes where Y, a group of pictures where G
//
// Specification: RFC 9628 section 4.2; frame sizes in the payload: VP9 bitstream specification,
// section 6.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "media/rtp/frame_size.h"
#include "media/rtp/payload_prefix.h"

namespace isthmus::media::rtp {

inline constexpr std::size_t kVp9SpatialLayersMax = 8;
inline constexpr std::size_t kVp9ReferencesMax = 3;
// Pictures of a group that are remembered. libvpx uses up to 8; a longer group is read over.
inline constexpr std::size_t kVp9GroupMax = 16;

// How many pictures ago the pictures were that one refers to.
struct Vp9References {
    std::array<std::uint8_t, kVp9ReferencesMax> differences{};
    std::uint8_t count = 0;

    [[nodiscard]] std::span<const std::uint8_t> all() const {
        return std::span(differences).first(count);
    }
};

// One picture of the group that a stream in non-flexible mode repeats.
struct Vp9GroupPicture {
    std::uint8_t temporal_layer = 0;
    bool switching_up_point = false;
    Vp9References references;
};

struct Vp9Structure {
    std::uint8_t spatial_layers = 1;
    bool has_sizes = false;
    std::array<FrameSize, kVp9SpatialLayersMax> sizes{};
    std::uint8_t group_pictures = 0;  // 0: nothing is said, or more than is remembered
    std::array<Vp9GroupPicture, kVp9GroupMax> group{};
};

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
    Vp9References references;                       // flexible mode
    std::uint8_t structure_at = 0;                  // where V: offset of the structure
    std::size_t bytes = 0;                          // of the descriptor; the VP9 payload follows

    // This packet begins a key frame: the lowest spatial layer of a picture that needs no other.
    [[nodiscard]] bool key_frame() const {
        return start_of_frame && !inter_picture_predicted && spatial_layer == 0;
    }

    // Nothing where the payload ends within the descriptor or right behind it.
    [[nodiscard]] static std::optional<Vp9Descriptor> parse(std::span<const std::byte> payload);

    // The structure of a payload that was parsed as this one; only where V.
    [[nodiscard]] Vp9Structure structure(std::span<const std::byte> payload) const;

    // The size in the frame header of a key frame that the packet begins; nothing where it does not
    // look like VP9.
    [[nodiscard]] std::optional<FrameSize> key_frame_size(std::span<const std::byte> payload) const;
};

// Numbers as one receiver sees them. Only what the publisher's descriptor has is written, in as
// many bits.
struct Vp9Numbers {
    std::uint16_t picture_id = 0;
    std::uint8_t tl0_picture_index = 0;
};

// `payload` was parsed as `descriptor`.
[[nodiscard]] PayloadPrefix rewrite_vp9(std::span<const std::byte> payload,
                                        const Vp9Descriptor& descriptor,
                                        const Vp9Numbers& numbers);

}  // namespace isthmus::media::rtp
