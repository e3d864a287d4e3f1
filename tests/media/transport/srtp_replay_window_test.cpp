#include "media/transport/srtp_replay_window.h"

#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace isthmus::media::transport {
namespace {

using Window = SrtpReplayWindow<128>;

TEST(SrtpReplayWindow, TakesAnIndexOnce) {
    Window window;
    for (const SrtpIndex index : {0U, 1U, 127U, 128U, 65535U, 65536U}) {
        EXPECT_TRUE(window.is_new(index)) << index;
        window.note(index);
        EXPECT_FALSE(window.is_new(index)) << index;
    }
}

TEST(SrtpReplayWindow, ForgetsNothingWithinItsWidthAndTakesNothingBehindIt) {
    Window window;
    window.note(1000);
    EXPECT_TRUE(window.is_new(1000 - 127));
    EXPECT_FALSE(window.is_new(1000 - 128));
    window.note(1000 - 127);
    window.note(1001);
    EXPECT_FALSE(window.is_new(1000));
    EXPECT_FALSE(window.is_new(1000 - 127));
}

// SPEC rfc3711#3.3.1
TEST(SrtpReplayWindow, EstimatesTheIndexThatIsClosest) {
    Window window;
    EXPECT_EQ(window.estimate(0), 0U);
    EXPECT_EQ(window.estimate(65535), 65535U);
    window.note(32768);
    EXPECT_EQ(window.estimate(65535), 65535U);  // not of the roll-over counter -1
    EXPECT_EQ(window.estimate(0), 0U);
    window.note(32769);
    EXPECT_EQ(window.estimate(0), 65536U);
    EXPECT_EQ(window.estimate(1), 1U);
    window.note(65535);
    EXPECT_EQ(window.estimate(32766), 65536U + 32766U);
    EXPECT_EQ(window.estimate(32767), 32767U);
    window.note(65536 + 5);
    EXPECT_EQ(window.estimate(65535), 65535U);
    EXPECT_EQ(window.estimate(32774), 32774U);
    EXPECT_EQ(window.estimate(32773), 65536U + 32773U);
    window.note(5 * SrtpIndex{65536} + 40000);
    EXPECT_EQ(window.estimate(40001), 5 * SrtpIndex{65536} + 40001);
    EXPECT_EQ(window.estimate(100), 6 * SrtpIndex{65536} + 100);
}

TEST(SrtpReplayWindow, EndsWithTheLastOf48Bits) {
    Window window;
    const SrtpIndex last = (SrtpIndex{1} << 48U) - 1;
    EXPECT_TRUE(window.is_new(last));
    window.note(last);
    EXPECT_EQ(window.estimate(0), last + 1);
    EXPECT_FALSE(window.is_new(last + 1));
}

// A set of all that was noted knows the same.
TEST(SrtpReplayWindow, AgreesWithASetOfAllThatItSaw) {
    SeededRandom random(11);
    for (int round = 0; round < 50; ++round) {
        Window window;
        std::set<SrtpIndex> seen;
        SrtpIndex highest = 0;
        for (int i = 0; i < 2000; ++i) {
            const std::uint32_t kind = random.next_u32() % 10;
            SrtpIndex at = 0;
            if (kind < 6) {
                at = highest + random.next_u32() % 3;
            } else if (kind < 9) {
                at = highest - std::min<SrtpIndex>(highest, random.next_u32() % 200);
            } else {
                at = highest + random.next_u32() % 300;
            }
            const bool behind = at + 128 <= highest;
            ASSERT_EQ(window.is_new(at), !behind && !seen.contains(at)) << at << " of " << highest;
            if (window.is_new(at)) {
                window.note(at);
                seen.insert(at);
                highest = std::max(highest, at);
            }
        }
    }
}

}  // namespace
}  // namespace isthmus::media::transport
