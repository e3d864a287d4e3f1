#include "media/rtp/retransmission_policy.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::milliseconds;

TEST(RetransmissionPolicy, SendsOncePerRoundTrip) {
    RetransmissionPolicy policy({});
    policy.on_rtt(milliseconds(100));
    EXPECT_TRUE(policy.allow(at_ms(0), ExtendedSeq{5}, 1000));
    EXPECT_FALSE(policy.allow(at_ms(99), ExtendedSeq{5}, 1000));
    EXPECT_TRUE(policy.allow(at_ms(99), ExtendedSeq{6}, 1000));
    EXPECT_TRUE(policy.allow(at_ms(100), ExtendedSeq{5}, 1000));
    EXPECT_EQ(policy.allowed(), 3U);
    EXPECT_EQ(policy.refused_too_soon(), 1U);
}

TEST(RetransmissionPolicy, StopsAfterItsTries) {
    RetransmissionPolicy policy({.tries = 3});
    policy.on_rtt(milliseconds(10));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(policy.allow(at_ms(10L * i), ExtendedSeq{5}, 100), i < 3) << i;
    }
    EXPECT_EQ(policy.refused_tries(), 7U);
}

TEST(RetransmissionPolicy, BoundsTheRate) {
    RetransmissionPolicy policy({.tries = 255, .bytes_per_second = 10'000, .burst_bytes = 5'000});
    std::uint64_t number = 0;
    for (int ms = 0; ms < 10'000; ++ms) {
        for (int i = 0; i < 10; ++i) {
            static_cast<void>(policy.allow(at_ms(ms), ExtendedSeq{number++}, 1000));
        }
    }
    // Ten seconds of 10 packets and the burst.
    EXPECT_NEAR(static_cast<double>(policy.allowed()), 105, 1);
    EXPECT_EQ(policy.allowed() + policy.refused_rate(), 100'000U);
}

TEST(RetransmissionPolicy, TellsCyclesOfTheSequenceNumberApart) {
    RetransmissionPolicy policy({.tries = 1});
    EXPECT_TRUE(policy.allow(at_ms(0), make_extended_seq(0, 9), 100));
    EXPECT_TRUE(policy.allow(at_ms(0), make_extended_seq(1, 9), 100));
    EXPECT_FALSE(policy.allow(at_ms(100), make_extended_seq(1, 9), 100));
}

TEST(RetransmissionPolicy, DoesNotBelieveARoundTripOfNothing) {
    RetransmissionPolicy policy({});
    policy.on_rtt(Duration::zero());
    EXPECT_TRUE(policy.allow(at_ms(0), ExtendedSeq{0}, 100));
    EXPECT_FALSE(policy.allow(at_ms(4), ExtendedSeq{0}, 100));
    EXPECT_TRUE(policy.allow(at_ms(5), ExtendedSeq{0}, 100));
}

TEST(RetransmissionPolicy, LooksIntoSoManyWishesAndNoMore) {
    RetransmissionPolicy policy({.wishes_per_second = 100});
    int considered = 0;
    for (int i = 0; i < 1000; ++i) {
        considered += policy.consider(at_ms(5)) ? 1 : 0;
    }
    EXPECT_EQ(considered, 100) << "at once";
    EXPECT_EQ(policy.refused_wishes(), 900U);
    for (int ms = 6; ms <= 1005; ++ms) {
        for (int i = 0; i < 5; ++i) {
            considered += policy.consider(at_ms(ms)) ? 1 : 0;
        }
    }
    EXPECT_NEAR(considered, 200, 1) << "and as many within a second";
    EXPECT_TRUE(policy.consider(at_ms(60'000)));
}

}  // namespace
}  // namespace isthmus::media::rtp
