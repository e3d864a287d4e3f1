#include "media/rtp/nack_generator.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::milliseconds;

ExtendedSeq seq(std::int64_t number) {
    return advance(make_extended_seq(1, 0), number);
}

std::vector<std::int64_t> drain(NackGenerator& nacks) {
    std::vector<std::int64_t> asked;
    while (const auto batch = nacks.poll_nack()) {
        EXPECT_LE(batch->size(), 64U);
        for (const ExtendedSeq number : *batch) {
            asked.push_back(distance(seq(0), number));
        }
    }
    return asked;
}

std::vector<std::int64_t> drain_at(NackGenerator& nacks, Instant now) {
    nacks.handle_timeout(now);
    return drain(nacks);
}

NackLimits at_once() {
    return {.reorder_wait = Duration::zero()};
}

using Numbers = std::vector<std::int64_t>;

TEST(NackGenerator, AsksForNothingWhileNothingIsMissing) {
    NackGenerator nacks({});
    for (int i = 0; i < 1000; ++i) {
        nacks.on_packet(at_ms(i), seq(i));
        EXPECT_FALSE(nacks.poll_nack());
        EXPECT_EQ(nacks.next_timeout(), kNever);
    }
}

TEST(NackGenerator, AsksForAGapAtEveryWrap) {
    for (const std::int64_t at : {0, 127, 32767, 65535}) {
        NackGenerator nacks(at_once());
        nacks.on_packet(at_ms(0), seq(at));
        nacks.on_packet(at_ms(1), seq(at + 4));
        EXPECT_EQ(drain(nacks), (Numbers{at + 1, at + 2, at + 3}));
        EXPECT_EQ(nacks.missing(), 3U);
    }
}

TEST(NackGenerator, AsksInsideTheVeryFirstCycle) {
    NackGenerator nacks(at_once());
    nacks.on_packet(at_ms(0), ExtendedSeq{0});
    nacks.on_packet(at_ms(0), ExtendedSeq{2});
    const auto batch = nacks.poll_nack();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->size(), 1U);
}

TEST(NackGenerator, WaitsForReorderedPacketsBeforeItAsks) {
    NackGenerator nacks({.reorder_wait = milliseconds(5)});
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(10), seq(3));
    EXPECT_TRUE(drain(nacks).empty());
    EXPECT_EQ(nacks.next_timeout(), at_ms(15));
    nacks.on_packet(at_ms(12), seq(1));
    EXPECT_EQ(drain_at(nacks, at_ms(14)), Numbers{});
    EXPECT_EQ(drain_at(nacks, at_ms(15)), Numbers{2});
    EXPECT_EQ(nacks.counters().recovered, 0U);
}

TEST(NackGenerator, AsksAgainAfterOneRoundTrip) {
    NackGenerator nacks(at_once());
    nacks.on_rtt(milliseconds(80));
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(2));
    EXPECT_EQ(drain(nacks), Numbers{1});
    EXPECT_EQ(nacks.next_timeout(), at_ms(80));
    EXPECT_EQ(drain_at(nacks, at_ms(79)), Numbers{});
    EXPECT_EQ(drain_at(nacks, at_ms(80)), Numbers{1});
    EXPECT_EQ(drain_at(nacks, at_ms(80)), Numbers{});
    EXPECT_EQ(nacks.next_timeout(), at_ms(160));
}

TEST(NackGenerator, NeverAsksFasterThanOncePerMillisecond) {
    NackGenerator nacks(at_once());
    nacks.on_rtt(Duration::zero());
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(2));
    EXPECT_EQ(drain(nacks), Numbers{1});
    EXPECT_EQ(nacks.next_timeout(), at_ms(1));
}

TEST(NackGenerator, StopsWhenThePacketArrives) {
    NackGenerator nacks(at_once());
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(2));
    EXPECT_EQ(drain(nacks), Numbers{1});
    nacks.on_packet(at_ms(50), seq(1));
    nacks.on_packet(at_ms(51), seq(1));
    EXPECT_EQ(nacks.missing(), 0U);
    EXPECT_EQ(drain_at(nacks, at_ms(1000)), Numbers{});
    EXPECT_EQ(nacks.next_timeout(), kNever);
    EXPECT_EQ(nacks.counters().recovered, 1U);
    EXPECT_EQ(nacks.counters().given_up, 0U);
}

TEST(NackGenerator, GivesUpAfterItsTries) {
    NackGenerator nacks({.tries = 3, .reorder_wait = Duration::zero()});
    nacks.on_rtt(milliseconds(10));
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(2));
    EXPECT_EQ(drain(nacks), Numbers{1});
    EXPECT_EQ(drain_at(nacks, at_ms(10)), Numbers{1});
    EXPECT_EQ(drain_at(nacks, at_ms(20)), Numbers{1});
    EXPECT_EQ(drain_at(nacks, at_ms(30)), Numbers{});
    EXPECT_EQ(nacks.missing(), 0U);
    EXPECT_EQ(nacks.next_timeout(), kNever);
    EXPECT_EQ(nacks.counters().requested, 3U);
    EXPECT_EQ(nacks.counters().given_up, 1U);
}

TEST(NackGenerator, GivesUpWhatFallsOutOfTheWindow) {
    NackGenerator nacks({.window = 8, .reorder_wait = Duration::zero()});
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(2));
    EXPECT_EQ(drain(nacks), Numbers{1});
    for (int i = 3; i <= 8; ++i) {
        nacks.on_packet(at_ms(1), seq(i));
    }
    EXPECT_EQ(nacks.missing(), 1U);
    nacks.on_packet(at_ms(1), seq(9));
    EXPECT_EQ(nacks.missing(), 0U);
    EXPECT_EQ(nacks.counters().given_up, 1U);
    nacks.on_packet(at_ms(2), seq(1));  // too late to matter
    EXPECT_EQ(nacks.counters().recovered, 0U);
}

TEST(NackGenerator, SplitsALargeGapIntoBatches) {
    NackGenerator nacks(at_once());
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(201));
    std::vector<std::size_t> sizes;
    while (const auto batch = nacks.poll_nack()) {
        sizes.push_back(batch->size());
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{64, 64, 64, 8}));
    EXPECT_EQ(nacks.counters().requested, 200U);
}

TEST(NackGenerator, ForgetsAtAJump) {
    NackGenerator nacks(at_once());
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(2));
    nacks.on_packet(at_ms(0), seq(2 + 513));
    EXPECT_EQ(drain(nacks), Numbers{});
    EXPECT_EQ(nacks.next_timeout(), kNever);
    EXPECT_EQ(nacks.counters().resets, 1U);
    EXPECT_EQ(nacks.counters().given_up, 1U);
    nacks.on_packet(at_ms(1), seq(517));
    EXPECT_EQ(drain(nacks), Numbers{516});
}

TEST(NackGenerator, AsksForAGapAsLargeAsTheWindowAllows) {
    NackGenerator nacks(at_once());
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(512));
    EXPECT_EQ(drain(nacks).size(), 511U);
    EXPECT_EQ(nacks.counters().resets, 0U);
}

TEST(NackGenerator, ForgetsWhatAKeyFrameMakesUseless) {
    NackGenerator nacks(at_once());
    nacks.on_packet(at_ms(0), seq(0));
    nacks.on_packet(at_ms(0), seq(5));
    nacks.forget_before(seq(4));
    EXPECT_EQ(drain(nacks), Numbers{4});
    nacks.forget_before(seq(6));
    EXPECT_EQ(nacks.missing(), 0U);
    EXPECT_EQ(nacks.next_timeout(), kNever);
    nacks.on_packet(at_ms(1), seq(7));
    EXPECT_EQ(drain(nacks), Numbers{6});
}

TEST(NackGenerator, AsksForNothingBeforeTheFirstPacket) {
    NackGenerator nacks(at_once());
    nacks.handle_timeout(at_ms(0));
    EXPECT_FALSE(nacks.poll_nack());
    nacks.forget_before(seq(10));
    nacks.on_packet(at_ms(0), seq(5));
    nacks.on_packet(at_ms(0), seq(3));
    EXPECT_EQ(drain(nacks), Numbers{});
}

Numbers missing_of(const std::set<std::int64_t>& arrived, std::int64_t begin, std::int64_t end) {
    Numbers missing;
    for (std::int64_t n = begin; n < end; ++n) {
        if (!arrived.contains(n)) {
            missing.push_back(n);
        }
    }
    return missing;
}

// Against a model: with loss, duplicates and reordering, what is asked for is missing, and all that
// is missing within the window is asked for.
TEST(NackGenerator, AgreesWithAModelUnderRandomTraffic) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        NackGenerator nacks({.window = 64, .tries = 255, .reorder_wait = Duration::zero()});
        nacks.on_rtt(milliseconds(1));
        const std::int64_t first = 65500;
        std::int64_t newest = first;
        std::set<std::int64_t> arrived = {first};
        nacks.on_packet(at_ms(0), seq(first));
        for (int step = 1; step < 3000; ++step) {
            const std::int64_t back = random.next_u32() % 4 == 0 ? random.next_u32() % 80 : 0;
            const std::int64_t number =
                back != 0 ? newest - back : newest + 1 + random.next_u32() % 3;
            nacks.on_packet(at_ms(step), seq(number));
            arrived.insert(number);
            newest = std::max(newest, number);
            ASSERT_EQ(drain_at(nacks, at_ms(step)),
                      missing_of(arrived, std::max(first, newest - 63), newest))
                << "step " << step;
        }
    }
}

}  // namespace
}  // namespace isthmus::media::rtp
