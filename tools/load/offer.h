// The offers of isthmus-load's clients: what Chromium's say, as far as a node looks at it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/rtp/payload_format.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::load {

// One section that the client sends on. SSRCs are announced where there is no simulcast, as
// browsers do.
struct OfferedTrack {
    media::rtp::MediaKind kind = media::rtp::MediaKind::kVideo;
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;     // video
    std::vector<std::string> rids;  // simulcast, lowest first
};

struct OfferSpec {
    media::transport::IceCredentials ice;
    media::transport::Fingerprint fingerprint;
    std::string cname;
    std::uint64_t session_id = 0;
    std::uint64_t session_version = 1;                        // one more in each offer
    std::vector<OfferedTrack> tracks;                         // sent, on the first sections
    std::vector<media::rtp::MediaKind> receive;               // recvonly sections; more may follow
    media::rtp::Codec video_codec = media::rtp::Codec::kVp8;  // the first of the offer
};

// What a=msid calls the track of section `index`: unique within its participant.
[[nodiscard]] std::string track_id_of(media::rtp::MediaKind kind, std::size_t index);

[[nodiscard]] signaling::sdp::SessionDescription make_offer(const OfferSpec& spec);

}  // namespace isthmus::load
