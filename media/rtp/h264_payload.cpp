#include "media/rtp/h264_payload.h"

#include <cstdint>

#include "base/byte_order.h"

namespace isthmus::media::rtp {
namespace {

// NAL unit types, RFC 6184 table 1 and ITU-T H.264 table 7-1.
constexpr std::uint8_t kSliceMin = 1;
constexpr std::uint8_t kIdrSlice = 5;
constexpr std::uint8_t kSps = 7;
constexpr std::uint8_t kPps = 8;
constexpr std::uint8_t kPrefix = 14;
constexpr std::uint8_t kSliceExtension = 20;
constexpr std::uint8_t kSingleMax = 23;
constexpr std::uint8_t kStapA = 24;
constexpr std::uint8_t kFuA = 28;
constexpr std::uint8_t kTypeMask = 0x1f;
constexpr std::uint8_t kRefIdcMask = 0x60;

// nal_unit_header_svc_extension(): svc_extension_flag, idr_flag, priority_id 6; no_inter_layer,
// dependency_id 3, quality_id 4; temporal_id 3, ...
std::optional<std::uint8_t> svc_temporal_layer(std::span<const std::byte> body) {
    if (body.size() < 3 || (load_u8(body.data()) & 0x80U) == 0) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(load_u8(&body[2]) >> 5U);
}

// A NAL unit whose header is (or, in fragments, would be) `header`; `body` is what follows.
// `begins`: this is its first fragment, or all of it.
void on_nal_unit(std::uint8_t header,
                 std::span<const std::byte> body,
                 bool begins,
                 H264Payload& into) {
    const std::uint8_t type = header & kTypeMask;
    if (type >= kSliceMin && type <= kIdrSlice) {
        into.slice = true;
        into.reference |= (header & kRefIdcMask) != 0;
    }
    if (!begins) {
        return;
    }
    into.sps |= type == kSps;
    into.pps |= type == kPps;
    // A picture may have several slices. The first has first_mb_in_slice 0, which is coded as a
    // single one bit.
    into.idr_start |= type == kIdrSlice && !body.empty() && (load_u8(body.data()) & 0x80U) != 0;
    if (type == kPrefix || type == kSliceExtension) {
        into.temporal_layer = svc_temporal_layer(body);
    }
}

void on_whole_nal_unit(std::span<const std::byte> unit, H264Payload& into) {
    const std::uint8_t header = load_u8(unit.data());
    on_nal_unit(header, unit.subspan(1), true, into);
    if ((header & kTypeMask) == kSps) {
        into.sps_body = unit.subspan(1);
    }
}

std::optional<H264Payload> read_aggregate(std::span<const std::byte> units) {
    H264Payload payload{.ends_nal_unit = true};
    while (!units.empty()) {
        if (units.size() < 3) {
            return std::nullopt;
        }
        const std::size_t bytes = load_be16(units.data());
        if (bytes == 0 || bytes > units.size() - 2) {
            return std::nullopt;
        }
        on_whole_nal_unit(units.subspan(2, bytes), payload);
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
        const auto header = static_cast<std::uint8_t>((load_u8(payload.data()) & kRefIdcMask) |
                                                      (fragment & kTypeMask));
        parsed.ends_nal_unit = (fragment & 0x40U) != 0;                            // E
        on_nal_unit(header, payload.subspan(2), (fragment & 0x80U) != 0, parsed);  // S
        return parsed;
    }
    if (type == 0 || type > kSingleMax) {
        return std::nullopt;
    }
    parsed.ends_nal_unit = true;
    on_whole_nal_unit(payload, parsed);
    return parsed;
}

}  // namespace isthmus::media::rtp
