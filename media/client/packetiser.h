// Cuts recorded frames into RTP payloads, as encoders in browsers do.
//
// One per stream: VP8 counts pictures. The last packet of a frame has the marker, and a stamp
// (payload_stamp.h) where no decoder minds it: behind the last partition (VP8), in a filler data
// NAL unit (H.264), in a padding OBU (AV1).
// Specification: RFC 7741, RFC 6184 (single NAL unit, STAP-A, FU-A), AV1 RTP specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "media/client/payload_part.h"
#include "media/client/recording.h"

namespace isthmus::media::client {

class Packetiser {
  public:
    // `payload_bytes_max`: of one packet.
    Packetiser(rtp::Codec codec, bool filler, std::size_t payload_bytes_max);

    // Replaces `parts` by those of `frame`, into which they point.
    void packetise(const RecordedFrame& frame, std::vector<PayloadPart>& parts);

  private:
    void packetise_vp8(const RecordedFrame& frame, std::vector<PayloadPart>& parts);
    void packetise_h264(const RecordedFrame& frame, std::vector<PayloadPart>& parts) const;
    void packetise_av1(const RecordedFrame& frame, std::vector<PayloadPart>& parts) const;
    void add_nal_unit(std::span<const std::byte> unit, std::vector<PayloadPart>& parts) const;

    rtp::Codec codec_;
    bool filler_;
    std::size_t payload_bytes_max_;
    std::uint16_t picture_id_ = 0;
};

// Bytes of a packet's payload that are the codec's RTP format's and not the frame's.
inline constexpr std::size_t kVp8PrefixBytes = 4;
inline constexpr std::size_t kH264PrefixBytes = 2;
inline constexpr std::size_t kAv1PrefixBytes = 1;

}  // namespace isthmus::media::client
