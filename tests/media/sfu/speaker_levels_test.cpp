#include "media/sfu/speaker_levels.h"

#include <gtest/gtest.h>

namespace isthmus::media::sfu {
namespace {

constexpr auto kAlice = static_cast<SpeakerId>(0);
constexpr auto kBob = static_cast<SpeakerId>(5);

// 20 packets make an interval.
std::vector<SpeakerId> interval(SpeakerLevels& levels, SpeakerId id, int dbov, bool speaking) {
    for (int i = 0; dbov >= 0 && i < 20; ++i) {
        levels.on_level(id, static_cast<std::uint8_t>(dbov));
    }
    return levels.finish_interval([&](SpeakerId one) { return one == id && speaking; });
}

TEST(SpeakerLevels, TellWhoBeganToSpeakAndHowLoud) {
    SpeakerLevels levels;
    EXPECT_EQ(interval(levels, kBob, 6, true), std::vector{kBob});
    EXPECT_TRUE(levels.told(kBob).active);
    // Half of full scale, smoothed by two thirds, in eighths upwards.
    EXPECT_DOUBLE_EQ(levels.told(kBob).level, 0.375);
    EXPECT_EQ(levels.told(kAlice), SpeakerLevel{});
}

TEST(SpeakerLevels, TellOnlyWhatChanged) {
    SpeakerLevels levels;
    for (int i = 0; i < 5; ++i) {
        interval(levels, kBob, 7, true);
    }
    EXPECT_TRUE(interval(levels, kBob, 7, true).empty());
    EXPECT_FALSE(interval(levels, kBob, 20, true).empty()) << "quieter";
}

TEST(SpeakerLevels, TellOnceOfWhoFellSilentWithOrWithoutPackets) {
    SpeakerLevels levels;
    interval(levels, kAlice, 6, true);
    EXPECT_EQ(interval(levels, kAlice, -1, false), std::vector{kAlice});
    EXPECT_EQ(levels.told(kAlice), SpeakerLevel{});
    EXPECT_TRUE(interval(levels, kAlice, -1, false).empty());
    EXPECT_TRUE(interval(levels, kAlice, 90, false).empty()) << "noise is nothing new";
    interval(levels, kAlice, 6, true);
    EXPECT_EQ(interval(levels, kAlice, 127, false), std::vector{kAlice});
}

TEST(SpeakerLevels, BeginAnewForWhoGetsTheIdOfAnother) {
    SpeakerLevels levels;
    interval(levels, kAlice, 0, true);
    levels.forget(kAlice);
    EXPECT_EQ(levels.told(kAlice), SpeakerLevel{});
    EXPECT_TRUE(interval(levels, kAlice, -1, false).empty());
}

TEST(SpeakerLevels, AreNeverAboveOneOrBelowZero) {
    SpeakerLevels levels;
    for (int i = 0; i < 20; ++i) {
        interval(levels, kAlice, 0, true);
    }
    EXPECT_DOUBLE_EQ(levels.told(kAlice).level, 1.0);
    levels.on_level(kAlice, 255);
    interval(levels, kAlice, -1, true);
    EXPECT_GE(levels.told(kAlice).level, 0.0);
}

}  // namespace
}  // namespace isthmus::media::sfu
