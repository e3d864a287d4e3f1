// H.264 profiles and levels as profile-level-id names them.
//
// Specification: RFC 6184 section 8.1 (table 5), ITU-T H.264 annex A.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace isthmus::media::rtp {

enum class H264Profile : std::uint8_t {
    kConstrainedBaseline,
    kBaseline,
    kExtended,
    kMain,
    kConstrainedHigh,
    kHigh,
};

struct H264ProfileLevel {
    // RFC 6184 section 8.1: Baseline at level 1 where nothing is said.
    H264Profile profile = H264Profile::kBaseline;
    // level_idc; level 1b, whichever way it is written, is 10.5: all are doubled.
    std::uint8_t level_twice = 20;

    // Six hexadecimal digits. Nothing for others and for profiles that are not listed above.
    [[nodiscard]] static std::optional<H264ProfileLevel> parse(std::string_view profile_level_id);

    friend bool operator==(const H264ProfileLevel&, const H264ProfileLevel&) = default;
};

// Does every stream of profile `stream` conform to `decoder` as well?
[[nodiscard]] bool decodes(H264Profile decoder, H264Profile stream);

}  // namespace isthmus::media::rtp
