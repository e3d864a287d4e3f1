// What signaling negotiated for one media section, as the client sees it; no SDP in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/rtp/header_extension_kind.h"
#include "media/rtp/payload_format.h"

namespace isthmus::media::client {

struct ClientSection {
    std::string mid;
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    bool send = false;
    bool receive = false;
    // Accepted formats in the answer's order; empty where the node rejected the section.
    std::vector<rtp::PayloadFormat> formats;
    rtp::ExtensionIds extensions;
    bool rtcp_reduced_size = false;  // RFC 5506
    // Receiving: arrivals are told by SSRC (RFC 8888), not by the formats' transport_cc.
    bool congestion_feedback = false;
    // Receiving: what the node announced. Nothing means that the stream is found by its MID.
    std::optional<std::uint32_t> ssrc;
    std::optional<std::uint32_t> rtx_ssrc;
    // Sending: the simulcast layers that the node takes, lowest first; empty for one plain
    // encoding.
    std::vector<std::string> rids;
};

}  // namespace isthmus::media::client
