#include <span>

#include <wels/codec_api.h>

#include "tools/load/video_encoder.h"

namespace isthmus::load {

using media::client::RecordedFrame;

namespace {

[[nodiscard]] std::unexpected<Error> failed(const char* what) {
    return make_error(ErrorCode::kInternal, std::string("OpenH264: ") + what + " failed");
}

class H264Encoder final : public VideoEncoder {
  public:
    explicit H264Encoder(const VideoEncoderConfig& config) : fps_(config.fps) {}

    ~H264Encoder() override {
        if (encoder_ != nullptr) {
            encoder_->Uninitialize();
            WelsDestroySVCEncoder(encoder_);
        }
    }

    H264Encoder(const H264Encoder&) = delete;
    H264Encoder& operator=(const H264Encoder&) = delete;

    [[nodiscard]] Result<void> open(const VideoEncoderConfig& config) {
        if (WelsCreateSVCEncoder(&encoder_) != 0 || encoder_ == nullptr) {
            return failed("making an encoder");
        }
        int level = WELS_LOG_QUIET;
        encoder_->SetOption(ENCODER_OPTION_TRACE_LEVEL, &level);
        SEncParamExt parameters;  // NOLINT: filled by the next call
        encoder_->GetDefaultParams(&parameters);
        parameters.iUsageType = CAMERA_VIDEO_REAL_TIME;
        parameters.iPicWidth = static_cast<int>(config.width);
        parameters.iPicHeight = static_cast<int>(config.height);
        parameters.iTargetBitrate = static_cast<int>(config.bitrate_bps);
        parameters.iMaxBitrate = UNSPECIFIED_BIT_RATE;
        parameters.fMaxFrameRate = static_cast<float>(config.fps);
        parameters.iRCMode = RC_BITRATE_MODE;
        parameters.bEnableFrameSkip = false;
        parameters.uiIntraPeriod = 0;  // only where asked for
        parameters.iMultipleThreadIdc = 1;
        SSpatialLayerConfig& layer = parameters.sSpatialLayers[0];
        layer.iVideoWidth = parameters.iPicWidth;
        layer.iVideoHeight = parameters.iPicHeight;
        layer.fFrameRate = parameters.fMaxFrameRate;
        layer.iSpatialBitrate = parameters.iTargetBitrate;
        layer.uiProfileIdc = PRO_BASELINE;
        if (encoder_->InitializeExt(&parameters) != cmResultSuccess) {
            return failed("opening the H.264 encoder");
        }
        return {};
    }

    [[nodiscard]] Result<RecordedFrame> encode(const Picture& picture) override {
        SSourcePicture source{};
        source.iColorFormat = videoFormatI420;
        source.iPicWidth = static_cast<int>(picture.width);
        source.iPicHeight = static_cast<int>(picture.height);
        source.iStride[0] = source.iPicWidth;
        source.iStride[1] = source.iStride[2] = source.iPicWidth / 2;
        // The library does not write to them.
        source.pData[0] = const_cast<std::uint8_t*>(picture.y.data());
        source.pData[1] = const_cast<std::uint8_t*>(picture.u.data());
        source.pData[2] = const_cast<std::uint8_t*>(picture.v.data());
        source.uiTimeStamp = static_cast<long long>(index_++) * 1000 / fps_;
        SFrameBSInfo info{};
        if (encoder_->EncodeFrame(&source, &info) != cmResultSuccess) {
            return failed("encoding");
        }
        RecordedFrame frame;
        frame.key = info.eFrameType == videoFrameTypeIDR;
        std::vector<std::byte> stream;
        for (int i = 0; i < info.iLayerNum; ++i) {
            const SLayerBSInfo& layer = info.sLayerInfo[i];
            std::size_t bytes = 0;
            for (int nal = 0; nal < layer.iNalCount; ++nal) {
                bytes += static_cast<std::size_t>(layer.pNalLengthInByte[nal]);
            }
            const auto part = std::as_bytes(std::span(layer.pBsBuf, bytes));
            stream.insert(stream.end(), part.begin(), part.end());
        }
        frame.units = media::client::units_of_annex_b(stream);
        return frame;
    }

  private:
    ISVCEncoder* encoder_ = nullptr;
    std::uint32_t fps_;
    std::uint64_t index_ = 0;
};

}  // namespace

Result<std::unique_ptr<VideoEncoder>> make_h264_encoder(const VideoEncoderConfig& config) {
    auto encoder = std::make_unique<H264Encoder>(config);
    if (const auto opened = encoder->open(config); !opened) {
        return std::unexpected(opened.error());
    }
    return encoder;
}

}  // namespace isthmus::load
