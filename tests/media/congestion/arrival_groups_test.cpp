#include "media/congestion/arrival_groups.h"

#include <chrono>

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::milliseconds;

TEST(ArrivalGroups, MeasuresFromTheEndOfOneGroupToTheEndOfTheNext) {
    ArrivalGroups groups;
    EXPECT_FALSE(groups.on_packet(at_ms(0), milliseconds(500)));
    EXPECT_FALSE(groups.on_packet(at_ms(4), milliseconds(505)));  // within 5 ms
    EXPECT_FALSE(groups.on_packet(at_ms(33), milliseconds(540)));
    EXPECT_FALSE(groups.on_packet(at_ms(36), milliseconds(544)));
    const auto delta = groups.on_packet(at_ms(66), milliseconds(570));
    ASSERT_TRUE(delta);
    EXPECT_EQ(delta->sent, milliseconds(32));
    EXPECT_EQ(delta->arrived, milliseconds(39));
    EXPECT_EQ(delta->arrived_at, milliseconds(544));
}

// A radio that delivers all that it gathered at once: one group, however far apart they were sent.
TEST(ArrivalGroups, JoinsWhatArrivesAsABurst) {
    ArrivalGroups groups;
    (void)groups.on_packet(at_ms(0), milliseconds(500));
    for (int i = 1; i < 4; ++i) {
        EXPECT_FALSE(groups.on_packet(at_ms(10 * i), milliseconds(500 + i)));
    }
    EXPECT_FALSE(groups.on_packet(at_ms(100), milliseconds(600)));
    const auto delta = groups.on_packet(at_ms(200), milliseconds(700));
    ASSERT_TRUE(delta);
    EXPECT_EQ(delta->sent, milliseconds(70));
    EXPECT_EQ(delta->arrived, milliseconds(97));
}

TEST(ArrivalGroups, LeavesOutWhatWasSentBeforeTheGroup) {
    ArrivalGroups groups;
    (void)groups.on_packet(at_ms(0), milliseconds(500));
    (void)groups.on_packet(at_ms(20), milliseconds(520));
    EXPECT_FALSE(groups.on_packet(at_ms(10), milliseconds(521)));
    const auto delta = groups.on_packet(at_ms(40), milliseconds(540));
    ASSERT_TRUE(delta);
    EXPECT_EQ(delta->arrived, milliseconds(20));
}

TEST(ArrivalGroups, BeginsAnewWhereTheReceiversClockJumps) {
    for (const int jump_ms : {10'000, -10'000}) {
        ArrivalGroups groups;
        (void)groups.on_packet(at_ms(0), milliseconds(50'000));
        (void)groups.on_packet(at_ms(20), milliseconds(50'020));
        EXPECT_TRUE(groups.on_packet(at_ms(40), milliseconds(50'040)));
        EXPECT_TRUE(groups.on_packet(at_ms(60), milliseconds(50'060 + jump_ms)));
        EXPECT_FALSE(groups.on_packet(at_ms(80), milliseconds(50'080 + jump_ms)));
        // From here on it is whole again.
        (void)groups.on_packet(at_ms(100), milliseconds(50'100 + jump_ms));
        const auto delta = groups.on_packet(at_ms(120), milliseconds(50'120 + jump_ms));
        ASSERT_TRUE(delta) << jump_ms;
        EXPECT_EQ(delta->arrived, milliseconds(20));
    }
}

}  // namespace
}  // namespace isthmus::media::congestion
