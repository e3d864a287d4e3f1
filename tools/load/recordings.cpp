#include "tools/load/recordings.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace isthmus::load {

using media::client::FillerShape;
using media::client::Recording;
using media::rtp::Codec;

namespace {

constexpr std::size_t kLayers = 3;
// Long enough that key frames are as rare as in a call, short enough to encode at every start.
constexpr std::uint32_t kRecordedSeconds = 4;

struct LayerShape {
    std::uint32_t width;
    std::uint32_t height;
    std::uint32_t bitrate_divisor;
};

// A quarter of the pixels and about a third of the bits each.
constexpr std::array<LayerShape, kLayers> kShapes = {
    {{320, 180, 9}, {640, 360, 3}, {1280, 720, 1}}};

// Each layer has half the packets of the one above.
[[nodiscard]] LayerRecordings make_filler(const LoadOptions& options, std::size_t layers) {
    LayerRecordings recordings;
    for (std::size_t layer = 0; layer < layers; ++layer) {
        const std::size_t packets =
            std::max<std::size_t>(options.packets_per_frame >> (layers - 1 - layer), 1);
        recordings.push_back(std::make_shared<const Recording>(
            make_filler_recording(FillerShape{.codec = options.codec,
                                              .packets_per_frame = packets,
                                              .payload_bytes = payload_bytes_max(options)})));
    }
    return recordings;
}

}  // namespace

Result<std::unique_ptr<VideoEncoder>> make_video_encoder(Codec codec,
                                                         const VideoEncoderConfig& config) {
    switch (codec) {
        case Codec::kVp8:
            return make_vp8_encoder(config);
        case Codec::kH264:
            return make_h264_encoder(config);
        case Codec::kAv1:
            return make_av1_encoder(config);
        default:
            return make_error(ErrorCode::kInvalidArgument,
                              "there is no encoder for " + std::string(name_of(codec)) +
                                  "; --codec takes vp8, h264 and av1");
    }
}

Result<Recording> record(Codec codec, const VideoEncoderConfig& config, std::size_t frames) {
    auto encoder = make_video_encoder(codec, config);
    if (!encoder) {
        return std::unexpected(encoder.error());
    }
    Recording recording{.codec = codec,
                        .width = static_cast<std::uint16_t>(config.width),
                        .height = static_cast<std::uint16_t>(config.height)};
    Picture picture = make_picture(config.width, config.height);
    for (std::size_t i = 0; i < frames; ++i) {
        draw_moving_picture(static_cast<std::uint32_t>(i), picture);
        auto frame = (*encoder)->encode(picture);
        if (!frame) {
            return std::unexpected(frame.error());
        }
        if (!frame->units.empty()) {
            recording.frames.push_back(std::move(*frame));
        }
    }
    if (recording.frames.empty() || !recording.frames.front().key) {
        return make_error(ErrorCode::kInternal, "the encoder gave no key frame");
    }
    return recording;
}

Result<LayerRecordings> make_recordings(const LoadOptions& options) {
    if (!options.video || options.publishers == 0) {
        return LayerRecordings{};
    }
    const std::size_t layers = options.simulcast ? kLayers : 1;
    if (options.packets_per_frame > 0) {
        return make_filler(options, layers);
    }
    LayerRecordings recordings;
    for (std::size_t layer = kLayers - layers; layer < kLayers; ++layer) {
        const LayerShape& shape = kShapes[layer];
        auto recording = record(options.codec,
                                {.width = shape.width,
                                 .height = shape.height,
                                 .bitrate_bps = options.video_bitrate_bps / shape.bitrate_divisor,
                                 .fps = options.fps},
                                std::size_t{options.fps} * kRecordedSeconds);
        if (!recording) {
            return std::unexpected(recording.error());
        }
        recordings.push_back(std::make_shared<const Recording>(std::move(*recording)));
    }
    return recordings;
}

}  // namespace isthmus::load
