#include "tools/load/duration_histogram.h"

#include <gtest/gtest.h>

namespace isthmus::load {
namespace {

using namespace std::chrono_literals;

TEST(DurationHistogram, GivesPercentilesWithinThreePercent) {
    DurationHistogram histogram;
    for (int ms = 1; ms <= 1000; ++ms) {
        histogram.add(std::chrono::milliseconds(ms));
    }
    for (const double share : {0.01, 0.5, 0.95, 0.99}) {
        const double wanted = share * 1000;
        const double given = static_cast<double>(histogram.percentile(share).count()) / 1e6;
        EXPECT_NEAR(given, wanted, wanted * 0.035) << share;
    }
    EXPECT_EQ(histogram.percentile(1), 1000ms);
    EXPECT_EQ(histogram.max(), 1000ms);
    EXPECT_EQ(histogram.count(), 1000U);
}

TEST(DurationHistogram, KeepsSmallDurationsExactly) {
    for (int us = 0; us < 64; ++us) {
        DurationHistogram histogram;
        histogram.add(std::chrono::microseconds(us));
        EXPECT_EQ(histogram.percentile(0.5), std::chrono::microseconds(us));
    }
}

TEST(DurationHistogram, TakesTheNearestRankOfFewSamples) {
    DurationHistogram histogram;
    for (int i = 0; i < 9; ++i) {
        histogram.add(1ms);
    }
    histogram.add(50ms);
    EXPECT_LE(histogram.percentile(0.9), 1050us);
    EXPECT_EQ(histogram.percentile(0.95), 50ms);
}

TEST(DurationHistogram, TakesWhateverAPeerMakesUp) {
    DurationHistogram histogram;
    EXPECT_EQ(histogram.percentile(0.5), Duration::zero());
    histogram.add(Duration::min());
    histogram.add(Duration::max());
    EXPECT_EQ(histogram.count(), 2U);
    EXPECT_EQ(histogram.percentile(0.1), Duration::zero());
    EXPECT_GT(histogram.percentile(1), 1h);
}

TEST(DurationHistogram, AddsUp) {
    DurationHistogram a;
    DurationHistogram b;
    a.add(1ms);
    b.add(9ms);
    b.add(10ms);
    a.add(b);
    EXPECT_EQ(a.count(), 3U);
    EXPECT_EQ(a.max(), 10ms);
    EXPECT_NEAR(static_cast<double>(a.percentile(0.5).count()), 9e6, 3e5);
}

}  // namespace
}  // namespace isthmus::load
