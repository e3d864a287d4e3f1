// The test cases of RFC 8867 section 5, with what we promise for each. The whole table of figures:
// build/release/benchmarks/media_congestion_scenarios (benchmarks/media/congestion).
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/media/congestion/scenarios.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::congestion {
namespace {

// In every scenario: padding, and video that never stands still.
void expect_common(const Figures& all) {
    EXPECT_LT(all.padding, 0.05) << all.name;
    EXPECT_LT(all.gap_ms, 700) << all.name;
}

TEST(Rfc8867Scenario, FollowsAVariableCapacity) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        const Figures all = variable_capacity(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.5);
        EXPECT_LT(all.queued_ms_p95, 100);
        ASSERT_TRUE(all.settle_s);
        EXPECT_LT(*all.settle_s, 5);
    });
}

TEST(Rfc8867Scenario, SharesAVariableCapacityBetweenTwo) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        const Figures all = variable_capacity_two_flows(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.6);
        EXPECT_LT(all.queued_ms_p95, 100);
        EXPECT_GT(all.jain, 0.9);
    });
}

TEST(Rfc8867Scenario, StandsACongestedFeedbackLink) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        const Figures all = congested_feedback(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.6);
        EXPECT_LT(all.queued_ms_p95, 100);
    });
}

TEST(Rfc8867Scenario, LetsLatecomersIn) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        const Figures all = competing_flows(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.7);
        EXPECT_LT(all.queued_ms_p95, 100);
        EXPECT_GT(all.jain, 0.8);
    });
}

TEST(Rfc8867Scenario, IsFairOverRoundTrips) {
    simulator::for_each_seed(4, [](std::uint64_t seed) {
        const Figures all = round_trip_fairness(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.7);
        EXPECT_LT(all.queued_ms_p95, 100);
        EXPECT_GT(all.jain, 0.9);
    });
}

// The queue is TCP's: 300 ms of it. The lowest layer with audio takes 156 kbit/s.
TEST(Rfc8867Scenario, SurvivesBesideALongTcpFlow) {
    simulator::for_each_seed(4, [](std::uint64_t seed) {
        const Figures all = long_tcp(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.9);
        EXPECT_GT(all.rate_min_kbps, 250);
        EXPECT_LT(all.rate_min_kbps, 1400) << "TCP lives as well";
    });
}

TEST(Rfc8867Scenario, SurvivesBesideShortTcpFlows) {
    simulator::for_each_seed(4, [](std::uint64_t seed) {
        const Figures all = short_tcp(seed);
        expect_common(all);
        EXPECT_GT(all.rate_min_kbps, 200);
        EXPECT_GT(all.jain, 0.9);
    });
}

TEST(Rfc8867Scenario, ComesBackAfterAPause) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        const Figures all = pause_and_resume(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.6);
        EXPECT_LT(all.queued_ms_p95, 100);
        EXPECT_GT(all.jain, 0.75);
    });
}

TEST(EqualFlowsScenario, SharesTheLineEvenly) {
    double jain_sum = 0;
    int runs = 0;
    simulator::for_each_seed(8, [&](std::uint64_t seed) {
        const Figures all = four_equal_flows(seed);
        expect_common(all);
        EXPECT_GT(all.utilisation, 0.5);
        EXPECT_LT(all.queued_ms_p95, 100);
        EXPECT_GT(all.jain, 0.85);
        jain_sum += *all.jain;
        ++runs;
    });
    EXPECT_GT(jain_sum / runs, 0.9);
}

}  // namespace
}  // namespace isthmus::media::congestion
