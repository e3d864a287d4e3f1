// RTP packets of a test's own making, with the header extensions that the scenario tests use.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "media/rtp/header_extensions.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::testing {

// As negotiated in the sections of meeting.h, and beside them.
inline constexpr std::uint8_t kMidId = 4;
inline constexpr std::uint8_t kRidId = 5;
inline constexpr std::uint8_t kDescriptorId = 6;

// What is empty is left out.
struct RawExtensions {
    std::string mid = "video";
    std::string rid = {};
    rtp::Bytes descriptor = {};
};

inline rtp::Bytes make_raw_rtp(rtp::RtpParts parts, const RawExtensions& extensions) {
    const auto element = [&parts](std::uint8_t id, std::span<const std::byte> value) {
        if (!value.empty()) {
            rtp::append(parts.extension, rtp::bytes({id, static_cast<int>(value.size())}));
            rtp::append(parts.extension, value);
        }
    };
    element(kMidId, std::as_bytes(std::span(extensions.mid)));
    element(kRidId, std::as_bytes(std::span(extensions.rid)));
    element(kDescriptorId, extensions.descriptor);
    parts.extension.resize((parts.extension.size() + 3) / 4 * 4);
    if (!parts.extension.empty()) {
        parts.extension_profile = rtp::kTwoByteExtensionProfile;
    }
    return rtp::make_rtp(parts);
}

}  // namespace isthmus::media::testing
