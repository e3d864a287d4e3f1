#include "signaling/sdp/payload_formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signaling/sdp/negotiate.h"
#include "tests/signaling/sdp/offers.h"

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::Codec;
using media::rtp::PayloadFormat;

std::vector<PayloadFormat> select(std::string_view section,
                                  const std::vector<Codec>& codecs = NegotiationPolicy{}.codecs) {
    return select_payload_formats(parse_good(offer_of(section)).media.at(0), codecs);
}

std::vector<PayloadFormat> select_video(std::string_view map, std::string_view fmtp) {
    return select("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 " + std::string(map) +
                  "\r\na=fmtp:96 " + std::string(fmtp) + "\r\n");
}

std::vector<int> numbers(const std::vector<PayloadFormat>& formats) {
    std::vector<int> result;
    result.reserve(formats.size());
    for (const PayloadFormat& format : formats) {
        result.push_back(format.payload_type);
    }
    return result;
}

TEST(PayloadFormats, TakesChromiumsVideoCodecsWithTheirRetransmission) {
    const SessionDescription offer =
        parse_good(read_offer("chromium_six_recvonly_and_data_channel.sdp"));
    const auto formats = select_payload_formats(offer.media[3], NegotiationPolicy{}.codecs);
    // Left out: RTX, RED, ULPFEC, FlexFEC, and H.264 High 4:4:4 (f4001f: 41 and 43).
    EXPECT_THAT(numbers(formats),
                testing::ElementsAre(96, 98, 100, 35, 37, 102, 104, 108, 114, 116, 39, 45, 47));
    EXPECT_EQ(formats[0].codec, Codec::kVp8);
    EXPECT_EQ(formats[0].rtx_payload_type, 97);
    EXPECT_TRUE(formats[0].nack && formats[0].pli && formats[0].fir);
    EXPECT_TRUE(formats[0].transport_cc && formats[0].remb);
    EXPECT_EQ(formats[5].codec, Codec::kH264);
    EXPECT_EQ(formats[5].rtx_payload_type, 103);
    EXPECT_EQ(formats[5].fmtp,
              "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f");
}

TEST(PayloadFormats, TakesChromiumsAudioCodecs) {
    const SessionDescription offer =
        parse_good(read_offer("chromium_six_recvonly_and_data_channel.sdp"));
    const auto formats = select_payload_formats(offer.media[0], NegotiationPolicy{}.codecs);
    EXPECT_THAT(numbers(formats), testing::ElementsAre(111, 0, 8));
    EXPECT_EQ(formats[0].channels, 2);
    EXPECT_EQ(formats[0].rtx_payload_type, std::nullopt);
    EXPECT_TRUE(formats[0].transport_cc);
    EXPECT_FALSE(formats[0].nack);
}

TEST(PayloadFormats, OnlyAllowedCodecs) {
    const SessionDescription offer =
        parse_good(read_offer("chromium_six_recvonly_and_data_channel.sdp"));
    EXPECT_THAT(numbers(select_payload_formats(offer.media[3],
                                               std::vector<Codec>{Codec::kAv1, Codec::kOpus})),
                testing::ElementsAre(45, 47));
}

TEST(PayloadFormats, ACodecOfTheOtherKindIsNone) {
    EXPECT_TRUE(select("m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n").empty());
    EXPECT_TRUE(select("m=video 9 UDP/TLS/RTP/SAVPF 0\r\n").empty());
}

TEST(PayloadFormats, NamesCompareWithoutCase) {
    EXPECT_EQ(select_video("vp8/90000", "x").size(), 1U);
    EXPECT_EQ(select("m=audio 9 RTP/SAVPF 96\r\na=rtpmap:96 OPUS/48000/2\r\n").size(), 1U);
}

TEST(PayloadFormats, ClockAndChannelsAreThoseOfTheCodec) {
    EXPECT_TRUE(select_video("VP8/48000", "x").empty());
    EXPECT_TRUE(select("m=audio 9 RTP/SAVPF 96\r\na=rtpmap:96 opus/48000\r\n").empty());
    EXPECT_TRUE(select("m=audio 9 RTP/SAVPF 96\r\na=rtpmap:96 opus/16000/2\r\n").empty());
    EXPECT_TRUE(select("m=audio 9 RTP/SAVPF 96\r\na=rtpmap:96 PCMU/16000\r\n").empty());
}

TEST(PayloadFormats, H264ProfilesAndModes) {
    for (const char* good : {"profile-level-id=42e01f;packetization-mode=1",
                             "profile-level-id=42001f;packetization-mode=0",
                             "packetization-mode=1",
                             "profile-level-id=4D001F",
                             "PROFILE-LEVEL-ID=640c1f",
                             " packetization-mode = 1 ; profile-level-id = 42e01f "}) {
        EXPECT_EQ(select_video("H264/90000", good).size(), 1U) << good;
    }
    for (const char* bad : {"packetization-mode=2",
                            "packetization-mode=x",
                            "packetization-mode=",
                            "profile-level-id=f4001f",
                            "profile-level-id=58001f",
                            "profile-level-id=42e0",
                            "profile-level-id=42e01f0",
                            "profile-level-id=42e01g",
                            "profile-level-id="}) {
        EXPECT_TRUE(select_video("H264/90000", bad).empty()) << bad;
    }
}

TEST(PayloadFormats, Vp9AndAv1Profiles) {
    EXPECT_EQ(select_video("VP9/90000", "profile-id=3").size(), 1U);
    EXPECT_TRUE(select_video("VP9/90000", "profile-id=4").empty());
    EXPECT_EQ(select_video("AV1/90000", "level-idx=5;profile=1;tier=0").size(), 1U);
    EXPECT_TRUE(select_video("AV1/90000", "profile=3").empty());
    EXPECT_TRUE(select_video("AV1/90000", "profile=99999999999").empty());
}

TEST(PayloadFormats, RetransmissionNeedsTheSameClockAndAnExistingType) {
    const auto rtx_of = [](std::string_view lines) {
        return select("m=video 9 RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n" + std::string(lines))
            .at(0)
            .rtx_payload_type;
    };
    EXPECT_EQ(rtx_of("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96;rtx-time=3000\r\n"), 97);
    EXPECT_EQ(rtx_of("a=rtpmap:97 rtx/48000\r\na=fmtp:97 apt=96\r\n"), std::nullopt);
    EXPECT_EQ(rtx_of("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=98\r\n"), std::nullopt);
    EXPECT_EQ(rtx_of("a=rtpmap:97 rtx/90000\r\n"), std::nullopt);
    EXPECT_EQ(rtx_of("a=fmtp:97 apt=96\r\n"), std::nullopt);
}

std::vector<PayloadFormat> select_audio(std::string_view types, std::string_view lines) {
    return select("m=audio 9 UDP/TLS/RTP/SAVPF " + std::string(types) +
                  "\r\na=rtpmap:111 opus/48000/2\r\n" + std::string(lines));
}

TEST(PayloadFormats, TakesRedOfOpusInTheOrderOfTheOffer) {
    const auto after = select_audio("111 63", "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n");
    ASSERT_EQ(after.size(), 1U);
    EXPECT_EQ(after[0].red_payload_type, 63);
    EXPECT_FALSE(after[0].red_first);
    EXPECT_TRUE(after[0].carries(63) && after[0].carries(111) && !after[0].carries(64));
    const auto before =
        select_audio("63 111", "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111/111\r\n");
    ASSERT_EQ(before.size(), 1U);
    EXPECT_EQ(before[0].red_payload_type, 63);
    EXPECT_TRUE(before[0].red_first);
}

TEST(PayloadFormats, RedOfSomethingElseIsNone) {
    for (const char* lines : {"a=rtpmap:63 red/48000/2\r\n",
                              "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/110\r\n",
                              "a=rtpmap:63 red/48000/2\r\na=fmtp:63 110/111\r\n",
                              "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/x\r\n",
                              "a=rtpmap:63 red/8000\r\na=fmtp:63 111/111\r\n"}) {
        const auto formats = select_audio("111 63", lines);
        ASSERT_EQ(formats.size(), 1U) << lines;
        EXPECT_EQ(formats[0].red_payload_type, std::nullopt) << lines;
    }
}

TEST(PayloadFormats, FindsFmtpParameters) {
    EXPECT_EQ(find_fmtp_parameter("a=1;b=2", "b"), "2");
    EXPECT_EQ(find_fmtp_parameter("a=1; B = x=y ;c", "b"), "x=y");
    EXPECT_EQ(find_fmtp_parameter("a=1;c", "c"), "");
    EXPECT_EQ(find_fmtp_parameter("ab=1", "a"), std::nullopt);
    EXPECT_EQ(find_fmtp_parameter("", "a"), std::nullopt);
}

}  // namespace
}  // namespace isthmus::signaling::sdp
