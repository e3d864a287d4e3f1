// Sixteen bytes at the end of a payload that say when it was sent, so that a receiver in the same
// process, or on a machine with the same clock, knows how long the payload took.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +---------------------------------------------------------------+
// |                             magic                             |
// |                nanoseconds on the sender's clock              |
// |                           (64 bits)                           |
// |                lower 32 bits of them, inverted                |
// +---------------------------------------------------------------+
//
// A forwarding node must leave payloads alone, so the stamp arrives; header extensions may not.
// Where it goes so that decoders do not mind is the packetisers' business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/byte_order.h"
#include "base/time.h"

namespace isthmus::media::client {

inline constexpr std::size_t kStampBytes = 16;
inline constexpr std::uint32_t kStampMagic = 0x1575'4d05;

inline void write_stamp(Instant at, std::byte* to) {
    const auto ns = static_cast<std::uint64_t>(at.time_since_epoch().count());
    store_be32(to, kStampMagic);
    store_be64(to + 4, ns);
    store_be32(to + 12, ~static_cast<std::uint32_t>(ns));
}

// Ends a stamp in an AV1 OBU, whose trailing bits are checked (AV1 section 5.3.4).
inline constexpr std::byte kStampTrailer{0x80};

// Nothing where the payload does not end in a stamp. What a peer wrote may be any instant.
[[nodiscard]] inline std::optional<Instant> read_stamp(std::span<const std::byte> payload) {
    const auto read_at_end = [](std::span<const std::byte> bytes) -> std::optional<Instant> {
        if (bytes.size() < kStampBytes) {
            return std::nullopt;
        }
        const std::byte* const from = bytes.data() + bytes.size() - kStampBytes;
        const std::uint64_t ns = load_be64(from + 4);
        if (load_be32(from) != kStampMagic ||
            load_be32(from + 12) != static_cast<std::uint32_t>(~ns)) {
            return std::nullopt;
        }
        return Instant{Duration{static_cast<std::int64_t>(ns)}};
    };
    const auto stamp = read_at_end(payload);
    const bool trailed = !stamp && !payload.empty() && payload.back() == kStampTrailer;
    return trailed ? read_at_end(payload.first(payload.size() - 1)) : stamp;
}

}  // namespace isthmus::media::client
