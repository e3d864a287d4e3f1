// Encoders that make the recordings: libvpx (VP8), OpenH264, libaom (AV1), each in real-time mode
// as browsers use them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "media/client/recording.h"
#include "media/rtp/payload_format.h"
#include "tools/load/moving_picture.h"

namespace isthmus::load {

struct VideoEncoderConfig {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t bitrate_bps = 0;
    std::uint32_t fps = 30;
};

class VideoEncoder {
  public:
    virtual ~VideoEncoder() = default;
    // The first frame is a key frame. A frame that the encoder left out has no units.
    [[nodiscard]] virtual Result<media::client::RecordedFrame> encode(const Picture& picture) = 0;
};

[[nodiscard]] Result<std::unique_ptr<VideoEncoder>> make_vp8_encoder(
    const VideoEncoderConfig& config);
[[nodiscard]] Result<std::unique_ptr<VideoEncoder>> make_h264_encoder(
    const VideoEncoderConfig& config);
[[nodiscard]] Result<std::unique_ptr<VideoEncoder>> make_av1_encoder(
    const VideoEncoderConfig& config);

// VP8, H.264 or AV1; kInvalidArgument for others.
[[nodiscard]] Result<std::unique_ptr<VideoEncoder>> make_video_encoder(
    media::rtp::Codec codec, const VideoEncoderConfig& config);

}  // namespace isthmus::load
