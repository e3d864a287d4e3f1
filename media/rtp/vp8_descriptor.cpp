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

}  // namespace isthmus::media::rtp
