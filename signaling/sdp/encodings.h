// The encodings of one video section that a client says it will send: simulcast by rid (RFC 8851,
// RFC 8853), by a group of SSRCs (a=ssrc-group:SIM, as libwebrtc writes it), or a single one.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "media/rtp/payload_format.h"
#include "media/sfu/connection_description.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

// In the order of a=simulcast, without those that are not described by a=rid or whose payload types
// were not accepted. Empty where the section offers no simulcast.
[[nodiscard]] std::vector<media::sfu::Encoding> read_rid_encodings(
    const MediaDescription& offered,
    const std::vector<media::rtp::PayloadFormat>& accepted,
    std::size_t encodings_max);

// In the order of the SIM group, each with its retransmission stream (FID); without one, the stream
// of the FID group or the only stream. Empty where no SSRC is announced.
[[nodiscard]] std::vector<media::sfu::Encoding> read_ssrc_encodings(const MediaDescription& offered,
                                                                    std::size_t encodings_max);

}  // namespace isthmus::signaling::sdp
