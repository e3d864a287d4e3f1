// Which of the offered payload types the node takes: the codecs that it forwards, each with its
// retransmission type, and Opus with RED. RED for video, ULPFEC, comfort noise and telephone events
// are left out: a browser that is allowed RED puts its video into it from the first packet on.
//
// RFC 2198 section 5, RFC 3264 section 6.1, RFC 4588 section 8, RFC 6184 section 8.2.2, RFC 7587,
// RFC 7741, RFC 9628.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "media/rtp/payload_format.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

// In the order of the offer. `codecs`: those that are allowed here.
[[nodiscard]] std::vector<media::rtp::PayloadFormat> select_payload_formats(
    const MediaDescription& offered, std::span<const media::rtp::Codec> codecs);

// The payload type of flexfec-03 (draft-ietf-payload-flexible-fec-scheme-03 section 5) in a video
// section; nothing where none is offered.
[[nodiscard]] std::optional<std::uint8_t> find_flexfec(const MediaDescription& offered);

// A parameter of a=fmtp "name=value;name=value", names without case.
[[nodiscard]] std::optional<std::string_view> find_fmtp_parameter(std::string_view fmtp,
                                                                  std::string_view name);

}  // namespace isthmus::signaling::sdp
