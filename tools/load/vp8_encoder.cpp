#include <cstring>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "tools/load/video_encoder.h"

namespace isthmus::load {

using media::client::RecordedFrame;

namespace {

[[nodiscard]] std::unexpected<Error> failed(const char* what) {
    return make_error(ErrorCode::kInternal, std::string("libvpx: ") + what + " failed");
}

class Vp8Encoder final : public VideoEncoder {
  public:
    Vp8Encoder() = default;

    ~Vp8Encoder() override {
        if (open_) {
            vpx_codec_destroy(&codec_);
        }
    }

    Vp8Encoder(const Vp8Encoder&) = delete;
    Vp8Encoder& operator=(const Vp8Encoder&) = delete;

    [[nodiscard]] Result<void> open(const VideoEncoderConfig& config) {
        vpx_codec_enc_cfg_t settings{};
        if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &settings, 0) != VPX_CODEC_OK) {
            return failed("its default configuration");
        }
        settings.g_w = config.width;
        settings.g_h = config.height;
        settings.g_timebase = {.num = 1, .den = static_cast<int>(config.fps)};
        settings.g_lag_in_frames = 0;
        settings.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
        settings.rc_end_usage = VPX_CBR;
        settings.rc_target_bitrate = config.bitrate_bps / 1000;
        settings.rc_min_quantizer = 2;
        settings.rc_max_quantizer = 56;
        settings.rc_buf_sz = 1000;
        settings.rc_buf_initial_sz = 500;
        settings.rc_buf_optimal_sz = 600;
        settings.kf_mode = VPX_KF_DISABLED;  // only where asked for
        if (vpx_codec_enc_init(&codec_, vpx_codec_vp8_cx(), &settings, 0) != VPX_CODEC_OK) {
            return failed("opening the VP8 encoder");
        }
        open_ = true;
        constexpr int kSpeed = -8;
        vpx_codec_control(&codec_, VP8E_SET_CPUUSED, kSpeed);
        return {};
    }

    [[nodiscard]] Result<RecordedFrame> encode(const Picture& picture) override {
        // libvpx takes the planes as one piece without gaps.
        std::vector<std::uint8_t> planes(picture.y);
        planes.insert(planes.end(), picture.u.begin(), picture.u.end());
        planes.insert(planes.end(), picture.v.begin(), picture.v.end());
        vpx_image_t image{};
        vpx_img_wrap(&image, VPX_IMG_FMT_I420, picture.width, picture.height, 1, planes.data());
        const vpx_enc_frame_flags_t flags = index_ == 0 ? VPX_EFLAG_FORCE_KF : 0;
        if (vpx_codec_encode(&codec_, &image, index_++, 1, flags, VPX_DL_REALTIME) !=
            VPX_CODEC_OK) {
            return failed("encoding");
        }
        RecordedFrame frame;
        vpx_codec_iter_t at = nullptr;
        while (const vpx_codec_cx_pkt_t* packet = vpx_codec_get_cx_data(&codec_, &at)) {
            if (packet->kind == VPX_CODEC_CX_FRAME_PKT && packet->data.frame.sz > 0) {
                std::vector<std::byte> unit(packet->data.frame.sz);
                std::memcpy(unit.data(), packet->data.frame.buf, unit.size());
                frame.key = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
                frame.units.push_back(std::move(unit));
            }
        }
        return frame;
    }

  private:
    vpx_codec_ctx_t codec_{};
    bool open_ = false;
    vpx_codec_pts_t index_ = 0;
};

}  // namespace

Result<std::unique_ptr<VideoEncoder>> make_vp8_encoder(const VideoEncoderConfig& config) {
    auto encoder = std::make_unique<Vp8Encoder>();
    if (const auto opened = encoder->open(config); !opened) {
        return std::unexpected(opened.error());
    }
    return encoder;
}

}  // namespace isthmus::load
