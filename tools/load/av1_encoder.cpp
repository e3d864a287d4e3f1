#include <span>

#include <aom/aom_encoder.h>
#include <aom/aomcx.h>

#include "tools/load/video_encoder.h"

namespace isthmus::load {

using media::client::RecordedFrame;

namespace {

[[nodiscard]] std::unexpected<Error> failed(const char* what) {
    return make_error(ErrorCode::kInternal, std::string("libaom: ") + what + " failed");
}

class Av1Encoder final : public VideoEncoder {
  public:
    Av1Encoder() = default;

    ~Av1Encoder() override {
        if (open_) {
            aom_codec_destroy(&codec_);
        }
    }

    Av1Encoder(const Av1Encoder&) = delete;
    Av1Encoder& operator=(const Av1Encoder&) = delete;

    [[nodiscard]] Result<void> open(const VideoEncoderConfig& config) {
        aom_codec_enc_cfg_t settings{};
        if (aom_codec_enc_config_default(aom_codec_av1_cx(), &settings, AOM_USAGE_REALTIME) !=
            AOM_CODEC_OK) {
            return failed("its default configuration");
        }
        settings.g_w = config.width;
        settings.g_h = config.height;
        settings.g_timebase = {.num = 1, .den = static_cast<int>(config.fps)};
        settings.g_lag_in_frames = 0;
        settings.g_error_resilient = 0;
        settings.rc_end_usage = AOM_CBR;
        settings.rc_target_bitrate = config.bitrate_bps / 1000;
        settings.kf_mode = AOM_KF_DISABLED;  // only where asked for
        if (aom_codec_enc_init(&codec_, aom_codec_av1_cx(), &settings, 0) != AOM_CODEC_OK) {
            return failed("opening the AV1 encoder");
        }
        open_ = true;
        constexpr int kSpeed = 10;
        aom_codec_control(&codec_, AOME_SET_CPUUSED, kSpeed);
        return {};
    }

    [[nodiscard]] Result<RecordedFrame> encode(const Picture& picture) override {
        std::vector<std::uint8_t> planes(picture.y);
        planes.insert(planes.end(), picture.u.begin(), picture.u.end());
        planes.insert(planes.end(), picture.v.begin(), picture.v.end());
        aom_image_t image{};
        aom_img_wrap(&image, AOM_IMG_FMT_I420, picture.width, picture.height, 1, planes.data());
        const aom_enc_frame_flags_t flags = index_ == 0 ? AOM_EFLAG_FORCE_KF : 0;
        if (aom_codec_encode(&codec_, &image, index_++, 1, flags) != AOM_CODEC_OK) {
            return failed("encoding");
        }
        RecordedFrame frame;
        aom_codec_iter_t at = nullptr;
        while (const aom_codec_cx_pkt_t* packet = aom_codec_get_cx_data(&codec_, &at)) {
            if (packet->kind == AOM_CODEC_CX_FRAME_PKT) {
                const std::span unit(static_cast<const std::byte*>(packet->data.frame.buf),
                                     packet->data.frame.sz);
                frame.key = (packet->data.frame.flags & AOM_FRAME_IS_KEY) != 0;
                for (auto& obu : media::client::units_of_obus(unit)) {
                    frame.units.push_back(std::move(obu));
                }
            }
        }
        return frame;
    }

  private:
    aom_codec_ctx_t codec_{};
    bool open_ = false;
    aom_codec_pts_t index_ = 0;
};

}  // namespace

Result<std::unique_ptr<VideoEncoder>> make_av1_encoder(const VideoEncoderConfig& config) {
    auto encoder = std::make_unique<Av1Encoder>();
    if (const auto opened = encoder->open(config); !opened) {
        return std::unexpected(opened.error());
    }
    return encoder;
}

}  // namespace isthmus::load
