// What publishers send decodes, stamps included: packetised, put together again as receivers do,
// and given to a decoder.
#include "tools/load/recordings.h"

#include <aom/aom_decoder.h>
#include <aom/aomdx.h>
#include <gtest/gtest.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <wels/codec_api.h>

#include "base/byte_order.h"
#include "media/client/packetiser.h"

namespace isthmus::load {
namespace {

using media::client::Packetiser;
using media::client::PayloadPart;
using media::client::RecordedFrame;
using media::client::Recording;
using media::rtp::Codec;
using Bytes = std::vector<std::byte>;

constexpr VideoEncoderConfig kConfig{
    .width = 320, .height = 180, .bitrate_bps = 1'000'000, .fps = 30};
constexpr std::size_t kFrames = 12;

Recording recorded(Codec codec) {
    auto recording = record(codec, kConfig, kFrames);
    EXPECT_TRUE(recording) << recording.error().message;
    EXPECT_GE(recording->frames.size(), kFrames - 2);
    for (std::size_t i = 1; i < recording->frames.size(); ++i) {
        EXPECT_FALSE(recording->frames[i].key) << i;
    }
    return *recording;
}

std::vector<Bytes> payloads_of(Packetiser& packetiser, const RecordedFrame& frame) {
    std::vector<PayloadPart> parts;
    packetiser.packetise(frame, parts);
    std::vector<Bytes> payloads;
    for (const PayloadPart& part : parts) {
        Bytes payload(part.bytes());
        part.write(Instant{}, payload.data());
        payloads.push_back(std::move(payload));
    }
    return payloads;
}

const std::uint8_t* data_of(const Bytes& bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

TEST(Recordings, DecodeAsVp8) {
    vpx_codec_ctx_t decoder{};
    ASSERT_EQ(vpx_codec_dec_init(&decoder, vpx_codec_vp8_dx(), nullptr, 0), VPX_CODEC_OK);
    Packetiser packetiser(Codec::kVp8, false, 500);
    for (const RecordedFrame& frame : recorded(Codec::kVp8).frames) {
        Bytes whole;
        for (const Bytes& payload : payloads_of(packetiser, frame)) {
            whole.insert(whole.end(), payload.begin() + 4, payload.end());
        }
        ASSERT_EQ(vpx_codec_decode(
                      &decoder, data_of(whole), static_cast<unsigned>(whole.size()), nullptr, 0),
                  VPX_CODEC_OK);
        vpx_codec_iter_t at = nullptr;
        const vpx_image_t* const image = vpx_codec_get_frame(&decoder, &at);
        ASSERT_NE(image, nullptr);
        EXPECT_EQ(image->d_w, kConfig.width);
        int corrupted = 1;
        EXPECT_EQ(vpx_codec_control(&decoder, VP8D_GET_FRAME_CORRUPTED, &corrupted), VPX_CODEC_OK);
        EXPECT_EQ(corrupted, 0);
    }
    vpx_codec_destroy(&decoder);
}

// RFC 6184: single NAL unit packets, STAP-A, FU-A; to Annex B.
Bytes annex_b_of(const std::vector<Bytes>& payloads) {
    Bytes stream;
    const auto begin_unit = [&stream] {
        stream.insert(stream.end(), {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}});
    };
    for (const Bytes& payload : payloads) {
        const unsigned type = load_u8(&payload[0]) & 0x1fU;
        if (type == 24) {
            for (std::size_t at = 1; at < payload.size();) {
                const std::size_t size = load_be16(&payload[at]);
                begin_unit();
                stream.insert(stream.end(),
                              payload.begin() + static_cast<std::ptrdiff_t>(at + 2),
                              payload.begin() + static_cast<std::ptrdiff_t>(at + 2 + size));
                at += 2 + size;
            }
        } else if (type == 28) {
            if ((load_u8(&payload[1]) & 0x80U) != 0) {
                begin_unit();
                stream.push_back((payload[0] & std::byte{0xe0}) | (payload[1] & std::byte{0x1f}));
            }
            stream.insert(stream.end(), payload.begin() + 2, payload.end());
        } else {
            begin_unit();
            stream.insert(stream.end(), payload.begin(), payload.end());
        }
    }
    return stream;
}

TEST(Recordings, DecodeAsH264) {
    ISVCDecoder* decoder = nullptr;
    ASSERT_EQ(WelsCreateDecoder(&decoder), 0);
    SDecodingParam parameters{};
    parameters.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
    ASSERT_EQ(decoder->Initialize(&parameters), cmResultSuccess);
    Packetiser packetiser(Codec::kH264, false, 500);
    std::size_t pictures = 0;
    for (const RecordedFrame& frame : recorded(Codec::kH264).frames) {
        const Bytes stream = annex_b_of(payloads_of(packetiser, frame));
        unsigned char* planes[3] = {};
        SBufferInfo info{};
        EXPECT_EQ(decoder->DecodeFrameNoDelay(
                      data_of(stream), static_cast<int>(stream.size()), planes, &info),
                  dsErrorFree);
        pictures += info.iBufferStatus == 1 ? 1 : 0;
    }
    EXPECT_GE(pictures, kFrames - 2);
    decoder->Uninitialize();
    WelsDestroyDecoder(decoder);
}

// AV1 RTP specification: elements that Z and Y join; each OBU gets a size again.
Bytes low_overhead_of(const std::vector<Bytes>& payloads) {
    Bytes stream{std::byte{0x12}, std::byte{0}};  // temporal delimiter
    Bytes obu;
    for (const Bytes& payload : payloads) {
        const unsigned aggregation = load_u8(&payload[0]);
        obu.insert(obu.end(), payload.begin() + 1, payload.end());
        if ((aggregation & 0x40U) != 0) {
            continue;
        }
        stream.push_back(obu[0] | std::byte{0x02});
        std::size_t size = obu.size() - 1;
        do {
            const std::size_t rest = size >> 7U;
            stream.push_back(static_cast<std::byte>((size & 0x7fU) | (rest > 0 ? 0x80U : 0U)));
            size = rest;
        } while (size > 0);
        stream.insert(stream.end(), obu.begin() + 1, obu.end());
        obu.clear();
    }
    return stream;
}

TEST(Recordings, DecodeAsAv1) {
    aom_codec_ctx_t decoder{};
    ASSERT_EQ(aom_codec_dec_init(&decoder, aom_codec_av1_dx(), nullptr, 0), AOM_CODEC_OK);
    Packetiser packetiser(Codec::kAv1, false, 500);
    for (const RecordedFrame& frame : recorded(Codec::kAv1).frames) {
        const Bytes stream = low_overhead_of(payloads_of(packetiser, frame));
        ASSERT_EQ(aom_codec_decode(&decoder, data_of(stream), stream.size(), nullptr),
                  AOM_CODEC_OK);
        aom_codec_iter_t at = nullptr;
        const aom_image_t* const image = aom_codec_get_frame(&decoder, &at);
        ASSERT_NE(image, nullptr);
        EXPECT_EQ(image->d_w, kConfig.width);
    }
    aom_codec_destroy(&decoder);
}

TEST(Recordings, HoldTheirBitrateRoughly) {
    for (const Codec codec : {Codec::kVp8, Codec::kH264, Codec::kAv1}) {
        const Recording recording = recorded(codec);
        const double bits = static_cast<double>(recording.bytes()) * 8;
        const double seconds = static_cast<double>(kFrames) / kConfig.fps;
        // The key frame weighs heavily in so few frames.
        EXPECT_LT(bits / seconds, 6.0 * kConfig.bitrate_bps) << name_of(codec);
        EXPECT_GT(bits / seconds, 0.05 * kConfig.bitrate_bps) << name_of(codec);
    }
}

TEST(Recordings, AreFillerWherePacketsAreAskedFor) {
    LoadOptions options;
    options.packets_per_frame = 8;
    options.simulcast = true;
    const auto layers = make_recordings(options);
    ASSERT_TRUE(layers);
    ASSERT_EQ(layers->size(), 3U);
    EXPECT_TRUE(layers->back()->filler);
    EXPECT_GT(layers->back()->bytes(), 3 * layers->front()->bytes());
    options.video = false;
    EXPECT_TRUE(make_recordings(options).value().empty());
}

}  // namespace
}  // namespace isthmus::load
