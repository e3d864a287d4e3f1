#include "media/sfu/speech_activity.h"

#include <gtest/gtest.h>

namespace isthmus::media::sfu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant{} + std::chrono::hours(1);

// Plays packets of 20 ms into an activity.
class Microphone {
  public:
    // Returns how many of the packets held speech.
    int level(int packets, std::uint8_t minus_dbov) {
        int speech = 0;
        for (int i = 0; i < packets; ++i) {
            speech += activity.on_level(now, minus_dbov) ? 1 : 0;
            now += milliseconds(20);
        }
        return speech;
    }

    // Words of 200 ms with 40 ms between them.
    int words(int count, std::uint8_t minus_dbov, std::uint8_t room = 70) {
        int speech = 0;
        for (int i = 0; i < count; ++i) {
            speech += level(10, minus_dbov);
            speech += level(2, room);
        }
        return speech;
    }

    SpeechActivity activity;
    Instant now = kStart;
};

TEST(SpeechActivity, HearsTheFirstPacketThatIsLoud) {
    Microphone microphone;
    EXPECT_EQ(microphone.level(50, 70), 0);
    EXPECT_FALSE(microphone.activity.speaking(microphone.now));
    EXPECT_EQ(microphone.level(1, 30), 1);
    EXPECT_TRUE(microphone.activity.speaking(microphone.now));
}

TEST(SpeechActivity, AVoiceStaysAVoiceForMinutes) {
    Microphone microphone;
    microphone.words(500, 35);
    EXPECT_EQ(microphone.words(100, 35), 1000);
}

TEST(SpeechActivity, APauseEndsItAfterTheHangover) {
    Microphone microphone;
    microphone.words(5, 30);
    const Instant last = microphone.activity.last_speech_at();
    EXPECT_TRUE(microphone.activity.speaking(last + SpeechActivity::kHangover));
    EXPECT_FALSE(microphone.activity.speaking(last + SpeechActivity::kHangover + milliseconds(1)));
}

TEST(SpeechActivity, ACoughIsForgottenSooner) {
    Microphone microphone;
    microphone.level(50, 70);
    microphone.level(3, 20);
    const Instant last = microphone.activity.last_speech_at();
    EXPECT_TRUE(microphone.activity.speaking(last + SpeechActivity::kShortHangover));
    EXPECT_FALSE(
        microphone.activity.speaking(last + SpeechActivity::kShortHangover + milliseconds(1)));
}

// Level 0 is the loudest there is: a client that always says it would be heard before everybody.
TEST(SpeechActivity, WhoClaimsToBeLoudAllTheTimeIsNotHeardForLong) {
    Microphone microphone;
    microphone.level(50 * 7, 0);
    EXPECT_EQ(microphone.level(50 * 60, 0), 0);
    EXPECT_FALSE(microphone.activity.speaking(microphone.now));
}

TEST(SpeechActivity, AFanIsNoVoice) {
    Microphone microphone;
    microphone.level(50, 52);
    EXPECT_EQ(microphone.level(500, 50), 0);
    EXPECT_EQ(microphone.level(1, 30), 1) << "a voice above it is";
}

TEST(SpeechActivity, AMicrophoneSwitchedOffAndOnAgainFindsItsFloorAgain) {
    Microphone microphone;
    microphone.level(100, 127);
    microphone.level(150, 55);  // the room, 25 dB above the lowest floor there is
    EXPECT_EQ(microphone.level(100, 55), 0);
}

TEST(SpeechActivity, WithoutPacketsItFallsSilent) {
    Microphone microphone;
    microphone.words(10, 30);
    EXPECT_GT(microphone.activity.loudness(microphone.now), 5);
    EXPECT_GE(microphone.activity.speech_frames(microphone.now), 15U);
    EXPECT_LT(microphone.activity.loudness(microphone.now + seconds(2)), 0.1);
    EXPECT_EQ(microphone.activity.speech_frames(microphone.now + seconds(2)), 0U);
    const ActivityScores silent = microphone.activity.scores(microphone.now + seconds(2));
    const ActivityScores before = microphone.activity.scores(microphone.now);
    EXPECT_LT(silent.long_term, before.long_term);
    EXPECT_LT(silent.medium, before.medium);
}

TEST(SpeechActivity, WithoutLevelsPacketsAboveDtxSizeAreSpeech) {
    SpeechActivity activity;
    Instant now = kStart;
    EXPECT_FALSE(activity.on_unlevelled(now, 1));
    EXPECT_FALSE(activity.on_unlevelled(now, 8));
    EXPECT_FALSE(activity.speaking(now));
    EXPECT_TRUE(activity.on_unlevelled(now += milliseconds(20), 60));
    EXPECT_TRUE(activity.speaking(now));
    EXPECT_FALSE(activity.levelled());
}

TEST(SpeechActivity, LevelsBeyondTheRangeAreSilence) {
    SpeechActivity activity;
    EXPECT_FALSE(activity.on_level(kStart, 255));
    EXPECT_EQ(activity.last_level(), 127);
}

TEST(SpeechActivity, TimeThatStandsStillOrJumpsIsHarmless) {
    SpeechActivity activity;
    EXPECT_TRUE(activity.on_level(kStart, 20));
    EXPECT_TRUE(activity.on_level(kStart, 20));
    EXPECT_EQ(activity.speech_frames(kStart), 1U);
    static_cast<void>(activity.on_level(kStart + std::chrono::hours(1000), 20));
    EXPECT_EQ(activity.speech_frames(kStart + std::chrono::hours(1000)), 1U);
}

}  // namespace
}  // namespace isthmus::media::sfu
