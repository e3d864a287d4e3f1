#include "media/rtp/h264_payload.h"

#include <cstdint>

#include "base/byte_order.h"

namespace isthmus::media::rtp {
namespace {

// NAL unit types, RFC 6184 table 1 and ITU-T H.264 table 7-1.
constexpr std::uint8_t kIdrSlice = 5;
constexpr std::uint8_t kSps = 7;
constexpr std::uint8_t kPps = 8;
constexpr std::uint8_t kSingleMax = 23;
constexpr std::uint8_t kStapA = 24;
constexpr std::uint8_t kFuA = 28;
constexpr std::uint8_t kTypeMask = 0x1f;

// A NAL unit of `type` begins here; `body` is what follows its header.
void on_nal_unit(std::uint8_t type, std::span<const std::byte> body, H264Payload& into) {
    into.sps |= type == kSps;
    into.pps |= type == kPps;
    // A picture may have several slices. The first has first_mb_in_slice 0, which is coded as a
    // single one bit.
    into.idr_start |= type == kIdrSlice && !body.empty() && (load_u8(body.data()) & 0x80U) != 0;
}

std::optional<H264Payload> read_aggregate(std::span<const std::byte> units) {
    H264Payload payload;
    while (!units.empty()) {
        if (units.size() < 3) {
            return std::nullopt;
        }
        const std::size_t bytes = load_be16(units.data());
        if (bytes == 0 || bytes > units.size() - 2) {
            return std::nullopt;
        }
        const std::span<const std::byte> unit = units.subspan(2, bytes);
        on_nal_unit(load_u8(unit.data()) & kTypeMask, unit.subspan(1), payload);
        units = units.subspan(2 + bytes);
    }
    return payload;
}

}  // namespace

std::optional<H264Payload> H264Payload::parse(std::span<const std::byte> payload) {
    if (payload.empty()) {
        return std::nullopt;
    }
    const std::uint8_t type = load_u8(payload.data()) & kTypeMask;
    if (type == kStapA && payload.size() > 1) {
        return read_aggregate(payload.subspan(1));
    }
    H264Payload parsed;
    if (type == kFuA) {
        if (payload.size() < 3) {
            return std::nullopt;
        }
        const std::uint8_t fragment = load_u8(&payload[1]);
        if ((fragment & 0x80U) != 0) {  // S
            on_nal_unit(fragment & kTypeMask, payload.subspan(2), parsed);
        }
        return parsed;
    }
    if (type == 0 || type > kSingleMax) {
        return std::nullopt;
    }
    on_nal_unit(type, payload.subspan(1), parsed);
    return parsed;
}

}  // namespace isthmus::media::rtp
