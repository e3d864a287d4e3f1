// What an H.264 RTP payload holds, as far as forwarding cares.
//
// Specification: RFC 6184 section 5 (single NAL unit packets, STAP-A, FU-A; interleaved mode is not
// negotiated); temporal layers: ITU-T H.264 section G.7.3.1.1 (prefix NAL units).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace isthmus::media::rtp {

struct H264Payload {
    bool sps = false;
    bool pps = false;
    bool idr_start = false;      // the beginning of an IDR slice
    bool slice = false;          // anything of a coded picture
    bool reference = false;      // nal_ref_idc of a slice is not 0: other pictures may need it
    bool ends_nal_unit = false;  // no fragment follows
    // Of a prefix NAL unit (type 14) or a slice extension (20); nothing where there is none.
    std::optional<std::uint8_t> temporal_layer;
    // The parameter set behind its NAL unit header, in the payload; empty without one, or where it
    // comes in fragments.
    std::span<const std::byte> sps_body;

    // A decoder may begin here. Encoders send SPS and PPS right before the IDR slice, in packets of
    // the same timestamp: the SPS then comes first.
    [[nodiscard]] bool key_frame_start() const { return sps || idr_start; }

    // Nothing where the payload is empty, of another type, or an aggregate contradicts its lengths.
    [[nodiscard]] static std::optional<H264Payload> parse(std::span<const std::byte> payload);
};

}  // namespace isthmus::media::rtp
