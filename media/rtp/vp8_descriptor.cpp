#include "media/rtp/vp8_descriptor.h"

#include "base/byte_order.h"

namespace isthmus::media::rtp {
namespace {

// Reads what the extension bits announce; false where the payload ends before.
bool read_extension(std::span<const std::byte> payload, std::size_t& at, Vp8Descriptor& into) {
    const auto has = [&](std::size_t bytes) { return payload.size() - at >= bytes; };
    if (!has(1)) {
        return false;
    }
    const std::uint8_t bits = load_u8(&payload[at++]);
    if ((bits & 0x80U) != 0) {  // I
        if (!has(1)) {
            return false;
        }
        into.long_picture_id = (load_u8(&payload[at]) & 0x80U) != 0;
        const std::size_t bytes = into.long_picture_id ? 2 : 1;
        if (!has(bytes)) {
            return false;
        }
        into.picture_id = into.long_picture_id
                              ? static_cast<std::uint16_t>(load_be16(&payload[at]) & 0x7fffU)
                              : load_u8(&payload[at]);
        at += bytes;
    }
    if ((bits & 0x40U) != 0) {  // L
        if (!has(1)) {
            return false;
        }
        into.tl0_picture_index = load_u8(&payload[at++]);
    }
    if ((bits & 0x30U) != 0) {  // T, K
        if (!has(1)) {
            return false;
        }
        const std::uint8_t layer = load_u8(&payload[at++]);
        if ((bits & 0x20U) != 0) {
            into.temporal_layer = static_cast<std::uint8_t>(layer >> 6U);
            into.layer_sync = (layer & 0x20U) != 0;
        }
        if ((bits & 0x10U) != 0) {
            into.key_index = static_cast<std::uint8_t>(layer & 0x1fU);
        }
    }
    return true;
}

}  // namespace

std::optional<Vp8Descriptor> Vp8Descriptor::parse(std::span<const std::byte> payload) {
    if (payload.empty()) {
        return std::nullopt;
    }
    const std::uint8_t first = load_u8(&payload[0]);
    Vp8Descriptor descriptor;
    descriptor.non_reference = (first & 0x20U) != 0;
    descriptor.start_of_partition = (first & 0x10U) != 0;
    descriptor.partition = first & 0x07U;
    std::size_t at = 1;
    if ((first & 0x80U) != 0 && !read_extension(payload, at, descriptor)) {
        return std::nullopt;
    }
    if (at >= payload.size()) {
        return std::nullopt;
    }
    descriptor.bytes = at;
    // SPEC rfc7741#4.3: the inverse key frame flag is in the payload header, which only the first
    // packet of a frame has.
    descriptor.key_frame = descriptor.start_of_partition && descriptor.partition == 0 &&
                           (load_u8(&payload[at]) & 0x01U) == 0;
    return descriptor;
}

std::optional<FrameSize> Vp8Descriptor::key_frame_size(std::span<const std::byte> payload) const {
    // Frame tag of 3 bytes, start code, then both sizes: 14 bits each, little endian, scale above.
    constexpr std::size_t kHeaderBytes = 10;
    constexpr std::uint32_t kStartCode = 0x9d012a;
    if (!key_frame || payload.size() < bytes + kHeaderBytes) {
        return std::nullopt;
    }
    const std::byte* const header = &payload[bytes];
    if (load_be24(header + 3) != kStartCode) {
        return std::nullopt;
    }
    const auto size_at = [header](std::size_t at) {
        return static_cast<std::uint16_t>(
            (std::uint32_t{load_u8(header + at + 1)} << 8U | load_u8(header + at)) & 0x3fffU);
    };
    return FrameSize{.width = size_at(6), .height = size_at(8)};
}

PayloadPrefix rewrite_vp8(std::span<const std::byte> payload,
                          const Vp8Descriptor& descriptor,
                          const Vp8Numbers& numbers) {
    PayloadPrefix prefix;
    if (!descriptor.picture_id && !descriptor.tl0_picture_index) {
        return prefix;
    }
    // The two octets with the flags stay as they are.
    prefix.bytes[prefix.size++] = payload[prefix.replaced++];
    prefix.bytes[prefix.size++] = payload[prefix.replaced++];
    if (descriptor.picture_id) {
        if (numbers.long_picture_id) {
            store_be16(&prefix.bytes[prefix.size],
                       static_cast<std::uint16_t>(numbers.picture_id | 0x8000U));
            prefix.size += 2;
        } else {
            store_u8(&prefix.bytes[prefix.size++],
                     static_cast<std::uint8_t>(numbers.picture_id & 0x7fU));
        }
        prefix.replaced = descriptor.long_picture_id ? 4 : 3;
    }
    if (descriptor.tl0_picture_index) {
        store_u8(&prefix.bytes[prefix.size++], numbers.tl0_picture_index);
        ++prefix.replaced;
    }
    return prefix;
}

}  // namespace isthmus::media::rtp
