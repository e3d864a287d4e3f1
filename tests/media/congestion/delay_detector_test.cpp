// Groups, slope and threshold together, and each by itself where it has a say of its own.
#include "media/congestion/delay_detector.h"

#include <chrono>
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::microseconds;
using std::chrono::milliseconds;

GroupDelta delta_of(int index, Duration sent, Duration arrived) {
    return {.sent = sent, .arrived = arrived, .arrived_at = index * arrived};
}

TEST(TrendlineFilter, FindsTheSlopeOfASteadilyGrowingDelay) {
    TrendlineFilter filter;
    double slope = 0;
    for (int i = 1; i <= 200; ++i) {
        slope = filter.on_group(delta_of(i, milliseconds(20), milliseconds(22)));
        if (i < 20) {
            EXPECT_EQ(slope, 0) << "no slope before the window is full";
        }
    }
    EXPECT_NEAR(slope, 2.0 / 22, 0.01);
    EXPECT_EQ(filter.groups(), 200);
}

TEST(TrendlineFilter, FindsNoneInJitter) {
    SeededRandom random(5);
    TrendlineFilter filter;
    Duration queued_before{};
    double largest = 0;
    for (int i = 1; i <= 500; ++i) {
        const Duration queued = microseconds(random.next_u32() % 3000);
        const GroupDelta delta{.sent = milliseconds(20),
                               .arrived = milliseconds(20) + queued - queued_before,
                               .arrived_at = i * milliseconds(20) + queued};
        queued_before = queued;
        largest = std::max(largest, std::abs(filter.on_group(delta)));
    }
    EXPECT_LT(largest, 0.03);
}

// Floats of milliseconds since the connection began would lose the tenths after hours.
TEST(TrendlineFilter, IsAsExactAfterADay) {
    TrendlineFilter filter;
    const int before = 24 * 3600 * 50;
    for (int i = 1; i < before; i += 500) {
        (void)filter.on_group({.sent = milliseconds(20),
                               .arrived = milliseconds(20),
                               .arrived_at = i * milliseconds(20)});
    }
    double slope = 0;
    Duration at = before * milliseconds(20);
    for (int i = 0; i < 100; ++i) {
        at += microseconds(20'200);
        slope = filter.on_group(
            {.sent = milliseconds(20), .arrived = microseconds(20'200), .arrived_at = at});
    }
    EXPECT_NEAR(slope, 0.2 / 20.2, 0.001);
}

TEST(OveruseDetector, WantsTheSlopeToLast) {
    OveruseDetector detector;
    const GroupDelta delta = delta_of(1, milliseconds(8), milliseconds(9));
    EXPECT_EQ(detector.on_slope(0.1, 60, delta), Usage::kNormal);
    EXPECT_EQ(detector.on_slope(0.1, 60, delta), Usage::kOverusing);
    EXPECT_EQ(detector.on_slope(-0.1, 60, delta), Usage::kUnderusing);
    EXPECT_EQ(detector.on_slope(0, 60, delta), Usage::kNormal);
    // A slope that falls again is no overuse yet.
    EXPECT_EQ(detector.on_slope(0.2, 60, delta), Usage::kNormal);
    EXPECT_EQ(detector.on_slope(0.1, 60, delta), Usage::kNormal);
}

TEST(OveruseDetector, RaisesItsThresholdWhileTheSlopeIsAboveIt) {
    OveruseDetector detector;
    int at = 0;
    const auto overuses = [&](double slope, int rounds) {
        int count = 0;
        for (int i = 0; i < rounds; ++i) {
            const GroupDelta delta{.sent = milliseconds(20),
                                   .arrived = milliseconds(21),
                                   .arrived_at = ++at * milliseconds(21)};
            count += detector.on_slope(slope, 60, delta) == Usage::kOverusing ? 1 : 0;
        }
        return count;
    };
    EXPECT_GT(overuses(0.07, 10), 3);
    (void)overuses(0.07, 300);
    EXPECT_EQ(overuses(0.069, 10), 0);
}

struct Path {
    DelayDetector detector;
    Instant now = at_ms(1000);
    Duration arrived = std::chrono::hours(100);

    // A packet each 10 ms, which takes `more` longer than the one before.
    void send(int packets, Duration more) {
        for (int i = 0; i < packets; ++i) {
            now += milliseconds(10);
            arrived += milliseconds(10) + more;
            detector.on_packet(now, {.sent_at = now, .arrived_at = arrived, .received = true});
        }
    }
};

TEST(DelayDetector, SeesAQueueGrowAndDrain) {
    Path path;
    path.send(100, Duration{});
    EXPECT_EQ(path.detector.usage(), Usage::kNormal);
    path.send(60, milliseconds(1));
    EXPECT_EQ(path.detector.usage(), Usage::kOverusing);
    path.send(60, milliseconds(-2));
    EXPECT_EQ(path.detector.usage(), Usage::kUnderusing);
    path.send(100, Duration{});
    EXPECT_EQ(path.detector.usage(), Usage::kNormal);
}

TEST(DelayDetector, ForgetsAllAfterASilence) {
    Path path;
    path.send(100, Duration{});
    path.send(60, milliseconds(1));
    ASSERT_EQ(path.detector.usage(), Usage::kOverusing);
    path.now += std::chrono::seconds(3);
    path.send(1, Duration{});
    EXPECT_EQ(path.detector.usage(), Usage::kNormal);
}

}  // namespace
}  // namespace isthmus::media::congestion
