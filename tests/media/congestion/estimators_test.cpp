// What is measured: throughput, the busy path's rate, probes, round trips.
#include <chrono>
#include <cstdint>

#include <gtest/gtest.h>

#include "media/congestion/busy_rate.h"
#include "media/congestion/link_capacity.h"
#include "media/congestion/probe_estimator.h"
#include "media/congestion/round_trip.h"
#include "media/congestion/throughput_estimator.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(ThroughputEstimator, FollowsALastingChangeWithinASecond) {
    ThroughputEstimator estimator;
    Duration at = milliseconds(77);
    const auto receive = [&](Duration time, Duration spacing) {
        for (const Duration end = at + time; at < end; at += spacing) {
            estimator.on_packet(at, DataSize::bytes(1250));
        }
    };
    EXPECT_FALSE(estimator.rate());
    receive(std::chrono::seconds(2), milliseconds(10));  // 1 Mbit/s
    ASSERT_TRUE(estimator.rate());
    EXPECT_NEAR(*estimator.rate() / DataRate::kbps(1000), 1, 0.05);
    receive(std::chrono::seconds(1), milliseconds(20));
    EXPECT_NEAR(*estimator.rate() / DataRate::kbps(500), 1, 0.2);
    estimator.expect_change();
    receive(std::chrono::seconds(1), milliseconds(5));
    EXPECT_NEAR(*estimator.rate() / DataRate::kbps(2000), 1, 0.2);
}

TEST(ThroughputEstimator, OutlivesAClockThatGoesBack) {
    ThroughputEstimator estimator;
    for (int i = 0; i < 200; ++i) {
        estimator.on_packet(milliseconds(100'000 + 10 * i), DataSize::bytes(1250));
    }
    for (int i = 0; i < 200; ++i) {
        estimator.on_packet(milliseconds(10 * i), DataSize::bytes(1250));
    }
    EXPECT_NEAR(*estimator.rate() / DataRate::kbps(1000), 1, 0.05);
}

TEST(LinkCapacity, KnowsWhatLiesNearIt) {
    LinkCapacity capacity;
    EXPECT_FALSE(capacity.estimate());
    EXPECT_TRUE(capacity.upper_bound().is_unlimited());
    for (int i = 0; i < 20; ++i) {
        capacity.on_overuse(DataRate::kbps(1000 + 10 * (i % 3)));
    }
    EXPECT_NEAR(*capacity.estimate() / DataRate::kbps(1010), 1, 0.01);
    EXPECT_LT(capacity.lower_bound(), DataRate::kbps(1000));
    EXPECT_GT(capacity.lower_bound(), DataRate::kbps(850));
    EXPECT_LT(capacity.upper_bound(), DataRate::kbps(1150));
    capacity.on_probe(DataRate::kbps(2000));
    EXPECT_NEAR(*capacity.estimate() / DataRate::kbps(1505), 1, 0.01);
}

TEST(RoundTrip, KeepsTheSmallestOfTheLastSeconds) {
    RoundTrip round_trip;
    EXPECT_FALSE(round_trip.smoothed());
    EXPECT_EQ(round_trip.estimate(), milliseconds(200));
    for (int i = 0; i < 100; ++i) {
        round_trip.on_sample(at_ms(1000 + 100 * i), milliseconds(i == 5 ? 40 : 90));
    }
    EXPECT_EQ(round_trip.min(), milliseconds(40));
    EXPECT_NEAR(std::chrono::duration<double>(*round_trip.smoothed()).count(), 0.09, 0.001);
    for (int i = 100; i < 220; ++i) {
        round_trip.on_sample(at_ms(1000 + 100 * i), milliseconds(90));
    }
    EXPECT_EQ(round_trip.min(), milliseconds(90));
}

// A bottleneck of 1 Mbit/s, 40 ms away, that a burst of a high rate comes to after a low one.
TEST(BusyRate, MeasuresThePathWhileAQueueStands) {
    BusyRate busy;
    Instant now = at_ms(5000);
    Duration free_at{};
    const Duration offset = std::chrono::hours(-30);  // the receiver's clock
    const auto send = [&](int packets, Duration spacing) {
        for (int i = 0; i < packets; ++i) {
            now += spacing;
            const Duration sent = now.time_since_epoch();
            free_at = std::max(free_at, sent) + milliseconds(10);  // 1250 bytes
            busy.on_packet(now,
                           {.sent_at = now,
                            .arrived_at = free_at + milliseconds(40) + offset,
                            .bytes = 1250,
                            .received = true});
        }
    };
    send(50, milliseconds(50));
    EXPECT_FALSE(busy.rate(now)) << "200 kbit/s leave the queue empty";
    EXPECT_EQ(busy.queued(), Duration{});
    send(30, milliseconds(2));
    ASSERT_TRUE(busy.rate(now));
    EXPECT_NEAR(*busy.rate(now) / DataRate::kbps(1000), 1, 0.02);
    EXPECT_GT(busy.queued(), milliseconds(200));
    EXPECT_FALSE(busy.rate(now + std::chrono::seconds(1))) << "it says nothing of later";
}

TEST(BusyRate, FollowsClocksThatDriftApart) {
    BusyRate busy;
    for (int i = 0; i < 20'000; ++i) {
        const Instant now = at_ms(20 * i);
        // 200 millionths, as bad as it gets: 80 ms over the test.
        const Duration arrived = milliseconds(20 * i) + microseconds(4 * i);
        busy.on_packet(now,
                       {.sent_at = now, .arrived_at = arrived, .bytes = 500, .received = true});
        ASSERT_LT(busy.queued(), milliseconds(5));
    }
}

struct Probe {
    ProbeCluster cluster;
    DataRate arrives;
    int packets = 0;
};

std::optional<ProbeResult> run(ProbeEstimator& estimator, const Probe& probe) {
    estimator.expect(probe.cluster);
    std::optional<ProbeResult> result;
    for (int i = 0; i < probe.packets; ++i) {
        const DataSize before = DataSize::bytes(1000 * i);
        result = estimator.on_packet({.sent_at = at_ms(100) + before / probe.cluster.rate,
                                      .arrived_at = milliseconds(900) + before / probe.arrives,
                                      .bytes = 1000,
                                      .probe = probe.cluster.id,
                                      .received = true});
    }
    return result;
}

ProbeCluster cluster_of(ProbeClusterId id, DataRate rate, bool verifies) {
    return {.id = id,
            .rate = rate,
            .size = DataSize::bytes(10'000),
            .packets = 5,
            .verifies = verifies};
}

TEST(ProbeEstimator, FindsTheRateThatArrives) {
    ProbeEstimator estimator;
    const DataRate sent = DataRate::kbps(2000);
    auto result = run(estimator, {cluster_of(1, sent, false), DataRate::kbps(2000), 10});
    ASSERT_TRUE(result);
    EXPECT_NEAR(result->rate / sent, 1, 0.001);
    // A bottleneck: a little less than it carries.
    result = run(estimator, {cluster_of(2, sent, false), DataRate::kbps(1000), 10});
    ASSERT_TRUE(result);
    EXPECT_NEAR(result->rate / DataRate::kbps(950), 1, 0.001);
}

TEST(ProbeEstimator, TakesWhatIsMissingOffOnceMoreWhereOthersMaySend) {
    ProbeEstimator estimator;
    const DataRate sent = DataRate::kbps(2000);
    auto result = run(estimator, {cluster_of(3, sent, true), DataRate::kbps(1960), 10});
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->verifies);
    EXPECT_NEAR(result->rate / DataRate::kbps(1960), 1, 0.001);
    result = run(estimator, {cluster_of(4, sent, true), DataRate::kbps(1600), 10});
    ASSERT_TRUE(result);
    EXPECT_NEAR(result->rate / DataRate::kbps(1200), 1, 0.001);
}

TEST(ProbeEstimator, BelievesNoHalfClustersAndNoWonders) {
    ProbeEstimator estimator;
    const DataRate sent = DataRate::kbps(2000);
    EXPECT_FALSE(run(estimator, {cluster_of(1, sent, false), sent, 7})) << "80 % are needed";
    EXPECT_FALSE(run(estimator, {cluster_of(2, sent, false), DataRate::kbps(6000), 10}));
    // Packets of a cluster that nobody asked for.
    EXPECT_FALSE(estimator.on_packet({.bytes = 1000, .probe = 77, .received = true}));
    EXPECT_FALSE(estimator.on_packet({.bytes = 1000, .probe = kNoProbe, .received = true}));
}

}  // namespace
}  // namespace isthmus::media::congestion
