// The lines of an SDP text, sorted into session and sections; GstSDP behind it.
//
// GstSDP forgives nearly everything, so the form of each line is checked here before it sees the
// text: what comes out is what was written. RFC 8866 section 9.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

struct RawAttribute {
    std::string name;
    std::string value;  // empty without ':'
};

struct RawMedia {
    std::string media;
    std::uint16_t port = 0;
    std::string protocol;
    std::vector<std::string> formats;
    std::vector<RawAttribute> attributes;
};

struct RawSession {
    std::string session_id;
    std::string session_version;
    std::vector<RawAttribute> attributes;
    std::vector<RawMedia> media;
};

// RFC 8866 sets no limit; Chromium's longest lines have some 300 bytes.
inline constexpr std::size_t kSdpLineBytesMax = 4096;

[[nodiscard]] Result<RawSession> parse_raw_session(std::string_view text, const SdpLimits& limits);

}  // namespace isthmus::signaling::sdp
