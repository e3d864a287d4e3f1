// SDP fragments of type application/trickle-ice-sdpfrag: what trickle and ICE restart put into
// PATCH. RFC 8840 section 9, RFC 9725 section 4.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "media/transport/ice.h"

namespace isthmus::signaling::sdp {

// A pseudo m= line with its attributes.
struct TrickleSection {
    std::string media_line;  // "audio 9 UDP/TLS/RTP/SAVPF 0"
    std::string mid;
    std::vector<std::string> candidates;  // values of a=candidate, not looked into
    bool end_of_candidates = false;

    friend bool operator==(const TrickleSection&, const TrickleSection&) = default;
};

struct TrickleFragment {
    bool ice_lite = false;
    std::vector<std::string> bundle;  // mids of a=group:BUNDLE
    // One for all, as the media is bundled: from the session part or the sections.
    std::optional<media::transport::IceCredentials> credentials;
    // In the session part, where RFC 8840 has none and some clients put them.
    std::vector<std::string> candidates;
    bool end_of_candidates = false;
    std::vector<TrickleSection> sections;

    friend bool operator==(const TrickleFragment&, const TrickleFragment&) = default;
};

inline constexpr std::size_t kTrickleFragmentBytesMax = 16UL * 1024;

// kInvalidArgument for what is no fragment, for credentials that are cut in half, and for sections
// with different ones.
[[nodiscard]] Result<TrickleFragment> parse_trickle_fragment(std::string_view text);

// Credentials go into the session part. With CRLF.
[[nodiscard]] std::string write_trickle_fragment(const TrickleFragment& fragment);

}  // namespace isthmus::signaling::sdp
