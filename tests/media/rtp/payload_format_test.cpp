#include "media/rtp/payload_format.h"

#include <gtest/gtest.h>

#include "media/rtp/h264_profile.h"

namespace isthmus::media::rtp {
namespace {

PayloadFormat video(Codec codec, std::string fmtp = {}) {
    return {.payload_type = 96,
            .codec = codec,
            .clock_hz = 90000,
            .channels = 1,
            .fmtp = std::move(fmtp),
            .rtx_payload_type = std::nullopt};
}

PayloadFormat h264(const std::string& profile_level_id, const std::string& more = {}) {
    return video(Codec::kH264, "packetization-mode=1;profile-level-id=" + profile_level_id + more);
}

TEST(Codec, GoesByItsNameInAnyCase) {
    for (const Codec codec : {Codec::kOpus,
                              Codec::kPcmu,
                              Codec::kPcma,
                              Codec::kVp8,
                              Codec::kVp9,
                              Codec::kAv1,
                              Codec::kH264}) {
        EXPECT_EQ(codec_from_name(name_of(codec)), codec);
    }
    EXPECT_EQ(codec_from_name("OPUS"), Codec::kOpus);
    EXPECT_EQ(codec_from_name("h264"), Codec::kH264);
    EXPECT_FALSE(codec_from_name("H265"));
    EXPECT_FALSE(codec_from_name(""));
    EXPECT_EQ(kind_of(Codec::kPcma), MediaKind::kAudio);
    EXPECT_EQ(kind_of(Codec::kAv1), MediaKind::kVideo);
}

TEST(H264ProfileLevel, KnowsTheRowsOfTheTable) {
    const auto profile = [](std::string_view id) { return H264ProfileLevel::parse(id)->profile; };
    EXPECT_EQ(profile("42e01f"), H264Profile::kConstrainedBaseline);
    EXPECT_EQ(profile("42C02A"), H264Profile::kConstrainedBaseline);
    EXPECT_EQ(profile("4de01f"), H264Profile::kConstrainedBaseline);
    EXPECT_EQ(profile("58f01f"), H264Profile::kConstrainedBaseline);
    EXPECT_EQ(profile("42001f"), H264Profile::kBaseline);
    EXPECT_EQ(profile("58a01f"), H264Profile::kBaseline);
    EXPECT_EQ(profile("58201f"), H264Profile::kExtended);
    EXPECT_EQ(profile("4d001f"), H264Profile::kMain);
    EXPECT_EQ(profile("4d401f"), H264Profile::kMain);
    EXPECT_EQ(profile("64001f"), H264Profile::kHigh);
    EXPECT_EQ(profile("640c1f"), H264Profile::kConstrainedHigh);
}

TEST(H264ProfileLevel, RefusesWhatIsNotOne) {
    for (const std::string_view id :
         {"", "42e01", "42e01f0", "42e0zz", "-2e01f", "f4001f", "42e000", "42e0ff", "42e11f"}) {
        EXPECT_FALSE(H264ProfileLevel::parse(id)) << id;
    }
}

TEST(H264ProfileLevel, PutsLevel1bBetweenItsNeighbours) {
    const auto level = [](std::string_view id) { return H264ProfileLevel::parse(id)->level_twice; };
    EXPECT_LT(level("42e00a"), level("42f00b"));
    EXPECT_LT(level("42f00b"), level("42e00b"));
    EXPECT_EQ(level("42f00b"), level("42e009"));
    EXPECT_EQ(level("640009"), level("42f00b"));
    EXPECT_EQ(H264ProfileLevel{}, *H264ProfileLevel::parse("42000a"));
}

TEST(CanForward, WantsCodecRateAndChannels) {
    PayloadFormat opus{.codec = Codec::kOpus,
                       .clock_hz = 48000,
                       .channels = 2,
                       .fmtp = {},
                       .rtx_payload_type = {}};
    EXPECT_TRUE(can_forward(opus, opus));
    PayloadFormat mono = opus;
    mono.channels = 1;
    EXPECT_FALSE(can_forward(opus, mono));
    PayloadFormat slow = opus;
    slow.clock_hz = 16000;
    EXPECT_FALSE(can_forward(opus, slow));
    EXPECT_FALSE(can_forward(video(Codec::kVp8), video(Codec::kVp9)));
    PayloadFormat in_band_fec = opus;
    in_band_fec.fmtp = "minptime=10;useinbandfec=1";
    EXPECT_TRUE(can_forward(opus, in_band_fec));
}

TEST(CanForward, ComparesProfilesOfVp9AndAv1) {
    EXPECT_TRUE(can_forward(video(Codec::kVp9), video(Codec::kVp9, "profile-id=0")));
    EXPECT_FALSE(can_forward(video(Codec::kVp9, "profile-id=2"), video(Codec::kVp9)));
    EXPECT_TRUE(
        can_forward(video(Codec::kVp9, "profile-id=2"), video(Codec::kVp9, " Profile-ID = 2 ")));
    EXPECT_TRUE(
        can_forward(video(Codec::kAv1, "level-idx=5;profile=0;tier=0"), video(Codec::kAv1, "")));
    EXPECT_FALSE(can_forward(video(Codec::kAv1), video(Codec::kAv1, "level-idx=5;profile=1")));
}

TEST(CanForward, LetsBetterProfilesDecodeLesserOnes) {
    const char* const constrained_baseline = "42e01f";
    for (const char* const decoder : {"42e01f", "42001f", "4d001f", "64001f", "640c1f"}) {
        EXPECT_TRUE(can_forward(h264(constrained_baseline), h264(decoder))) << decoder;
    }
    EXPECT_TRUE(can_forward(h264("4d001f"), h264("64001f")));
    EXPECT_TRUE(can_forward(h264("640c1f"), h264("64001f")));
    EXPECT_FALSE(can_forward(h264("64001f"), h264("640c1f")));
    EXPECT_FALSE(can_forward(h264("4d001f"), h264("42e01f")));
    EXPECT_FALSE(can_forward(h264("42001f"), h264("42e01f")));
    EXPECT_FALSE(can_forward(h264("42001f"), h264("4d001f")));
    EXPECT_FALSE(can_forward(h264("64001f"), h264("4d001f")));
    EXPECT_FALSE(can_forward(h264("f4001f"), h264("64001f")));
}

TEST(CanForward, ComparesLevelsUnlessTheReceiverSaysThatTheyDoNotMatter) {
    EXPECT_TRUE(can_forward(h264("42e01e"), h264("42e01f")));
    EXPECT_FALSE(can_forward(h264("42e028"), h264("42e01f")));
    EXPECT_TRUE(can_forward(h264("42e028"), h264("42e01f", ";level-asymmetry-allowed=1")));
    EXPECT_FALSE(can_forward(h264("42e028"), h264("42e01f", ";level-asymmetry-allowed=0")));
}

TEST(CanForward, KeepsPacketizationModesApart) {
    const PayloadFormat mode0 = video(Codec::kH264, "profile-level-id=42e01f");
    const PayloadFormat mode1 = h264("42e01f");
    EXPECT_FALSE(can_forward(mode0, mode1));
    EXPECT_FALSE(can_forward(mode1, mode0));
    EXPECT_TRUE(
        can_forward(mode0, video(Codec::kH264, "packetization-mode=0; profile-level-id=42e01f")));
}

TEST(CanForward, TakesBaselineLevelOneWhereNothingIsSaid) {
    EXPECT_TRUE(can_forward(video(Codec::kH264), video(Codec::kH264)));
    EXPECT_TRUE(can_forward(video(Codec::kH264), video(Codec::kH264, "profile-level-id=42001f")));
    EXPECT_FALSE(can_forward(video(Codec::kH264, "profile-level-id=42001f"), video(Codec::kH264)));
}

TEST(FindForwardable, PrefersTheSameProfileThenRetransmission) {
    std::vector<PayloadFormat> wanted = {video(Codec::kVp8), h264("64001f"), h264("42e01f")};
    EXPECT_EQ(find_forwardable(h264("42e01f"), wanted), &wanted[2]);
    EXPECT_EQ(find_forwardable(h264("4d001f"), wanted), &wanted[1]);
    EXPECT_EQ(find_forwardable(video(Codec::kVp8), wanted), &wanted[0]);
    EXPECT_EQ(find_forwardable(video(Codec::kAv1), wanted), nullptr);
    wanted.push_back(h264("42e01f"));
    wanted.back().rtx_payload_type = 97;
    EXPECT_EQ(find_forwardable(h264("42e01f"), wanted), &wanted[3]);
}

}  // namespace
}  // namespace isthmus::media::rtp
