#include "media/sfu/key_frame_wishes.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::sfu {
namespace {

using rtp::at_ms;

TEST(KeyFrameWishes, PassesOnWhoeverLostSomethingNowAndThen) {
    KeyFrameWishes wishes;
    for (int second = 0; second < 100; second += 3) {
        EXPECT_TRUE(wishes.allow(at_ms(second * 1000)));
    }
    EXPECT_EQ(wishes.ignored(), 0U);
}

TEST(KeyFrameWishes, TakesARepetitionForTheSameWish) {
    KeyFrameWishes wishes;
    EXPECT_TRUE(wishes.allow(at_ms(0)));
    EXPECT_FALSE(wishes.allow(at_ms(0)));
    EXPECT_FALSE(wishes.allow(at_ms(299)));
    EXPECT_TRUE(wishes.allow(at_ms(300)));
    EXPECT_EQ(wishes.ignored(), 2U);
}

TEST(KeyFrameWishes, HearsWhoeverNeverStopsEveryTwoSeconds) {
    KeyFrameWishes wishes;
    int passed = 0;
    for (int ms = 0; ms < 100'000; ms += 10) {
        passed += wishes.allow(at_ms(ms)) ? 1 : 0;
    }
    EXPECT_NEAR(passed, 10 + 50, 3);
    EXPECT_TRUE(wishes.allow(at_ms(200'000)));
    EXPECT_TRUE(wishes.allow(at_ms(200'400))) << "it is forgiven";
}

}  // namespace
}  // namespace isthmus::media::sfu
