#include "media/rtp/h264_profile.h"

#include <array>
#include <charconv>
#include <memory>

namespace isthmus::media::rtp {
namespace {

// One row of RFC 6184 table 5: profile-iop under `mask` equals `bits`. constraint_set0_flag is the
// top bit.
struct ProfilePattern {
    std::uint8_t profile_idc;
    std::uint8_t mask;
    std::uint8_t bits;
    H264Profile profile;
};

constexpr std::array kPatterns = {
    ProfilePattern{0x42, 0x4f, 0x40, H264Profile::kConstrainedBaseline},  // x1xx0000
    ProfilePattern{0x4d, 0x8f, 0x80, H264Profile::kConstrainedBaseline},  // 1xxx0000
    ProfilePattern{0x58, 0xcf, 0xc0, H264Profile::kConstrainedBaseline},  // 11xx0000
    ProfilePattern{0x42, 0x4f, 0x00, H264Profile::kBaseline},             // x0xx0000
    ProfilePattern{0x58, 0xcf, 0x80, H264Profile::kBaseline},             // 10xx0000
    ProfilePattern{0x4d, 0xaf, 0x00, H264Profile::kMain},                 // 0x0x0000
    ProfilePattern{0x58, 0xcf, 0x00, H264Profile::kExtended},             // 00xx0000
    ProfilePattern{0x64, 0xff, 0x00, H264Profile::kHigh},                 // 00000000
    ProfilePattern{0x64, 0xff, 0x0c, H264Profile::kConstrainedHigh},      // 00001100
};

constexpr std::uint8_t kConstraintSet3 = 0x10;
constexpr std::uint8_t kLevel1bTwice = 21;

std::uint8_t doubled_level(H264Profile profile, std::uint8_t iop, std::uint8_t level_idc) {
    // ITU-T H.264 A.3.1 and A.3.2: level 1b is 11 with constraint_set3_flag, or 9.
    const bool high = profile == H264Profile::kHigh || profile == H264Profile::kConstrainedHigh;
    if (level_idc == 9 || (!high && level_idc == 11 && (iop & kConstraintSet3) != 0)) {
        return kLevel1bTwice;
    }
    return static_cast<std::uint8_t>(level_idc * 2U);
}

}  // namespace

std::optional<H264ProfileLevel> H264ProfileLevel::parse(std::string_view profile_level_id) {
    std::uint32_t value = 0;
    const char* const begin = std::to_address(profile_level_id.begin());
    const char* const end = std::to_address(profile_level_id.end());
    const auto [parsed_to, error] = std::from_chars(begin, end, value, 16);
    if (profile_level_id.size() != 6 || error != std::errc{} || parsed_to != end) {
        return std::nullopt;
    }
    const auto profile_idc = static_cast<std::uint8_t>(value >> 16U);
    const auto iop = static_cast<std::uint8_t>(value >> 8U);
    const auto level_idc = static_cast<std::uint8_t>(value);
    // 6.2 is the highest that there is.
    if (level_idc == 0 || level_idc > 62) {
        return std::nullopt;
    }
    for (const ProfilePattern& pattern : kPatterns) {
        if (profile_idc == pattern.profile_idc && (iop & pattern.mask) == pattern.bits) {
            return H264ProfileLevel{.profile = pattern.profile,
                                    .level_twice = doubled_level(pattern.profile, iop, level_idc)};
        }
    }
    return std::nullopt;
}

bool decodes(H264Profile decoder, H264Profile stream) {
    if (decoder == stream) {
        return true;
    }
    switch (stream) {
        case H264Profile::kConstrainedBaseline:
            return true;  // the common part of all
        case H264Profile::kBaseline:
            return decoder == H264Profile::kExtended;
        case H264Profile::kMain:
        case H264Profile::kConstrainedHigh:
            return decoder == H264Profile::kHigh;
        case H264Profile::kExtended:
        case H264Profile::kHigh:
            return false;
    }
    return false;
}

}  // namespace isthmus::media::rtp
