// What an H.264 RTP payload holds, as far as forwarding cares.
//
// Specification: RFC 6184 section 5 (single NAL unit packets, STAP-A, FU-A; interleaved mode is not
// negotiated).
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace isthmus::media::rtp {

struct H264Payload {
    bool sps = false;
    bool pps = false;
    bool idr_start = false;  // the beginning of an IDR slice

    // A decoder may begin here. Encoders send SPS and PPS right before the IDR slice, in packets of
    // the same timestamp: the SPS then comes first.
    [[nodiscard]] bool key_frame_start() const { return sps || idr_start; }

    // Nothing where the payload is empty, of another type, or an aggregate contradicts its lengths.
    [[nodiscard]] static std::optional<H264Payload> parse(std::span<const std::byte> payload);
};

}  // namespace isthmus::media::rtp
