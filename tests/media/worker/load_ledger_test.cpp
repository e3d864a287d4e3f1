#include "media/worker/load_ledger.h"

#include <gtest/gtest.h>

namespace isthmus::media {
namespace {

void admit(LoadLedger& loads, std::size_t worker, int times) {
    for (int i = 0; i < times; ++i) {
        loads.admit(worker);
    }
}

TEST(LoadLedger, GoesByConnectionsWhereNothingWasMeasured) {
    LoadLedger loads(3);
    EXPECT_EQ(loads.lightest(), 0U);
    loads.admit(0);
    EXPECT_EQ(loads.lightest(), 1U);
    admit(loads, 1, 2);
    admit(loads, 2, 3);
    EXPECT_EQ(loads.lightest(), 0U);
    loads.release(2);
    loads.release(2);
    loads.release(2);
    EXPECT_EQ(loads.lightest(), 2U);
}

TEST(LoadLedger, PrefersManyWhoCostLittleToFewWhoCostMuch) {
    LoadLedger loads(2);
    admit(loads, 0, 10);
    loads.set_reading(0, {.cpu_share = 0.6, .loading = 10});
    admit(loads, 1, 200);
    loads.set_reading(1, {.cpu_share = 0.1, .loading = 200});
    EXPECT_EQ(loads.lightest(), 1U);
}

TEST(LoadLedger, CountsABurstOfJoinsBeforeAnyOfItIsMeasured) {
    LoadLedger loads(2);
    loads.set_reading(0, {.cpu_share = 0.05});
    loads.set_reading(1, {.cpu_share = 0.2});
    admit(loads, 0, 400);
    EXPECT_GT(loads.estimate(0), 0.5);
    EXPECT_EQ(loads.lightest(), 1U);
}

TEST(LoadLedger, LearnsWhatAConnectionCosts) {
    LoadLedger loads(2);
    EXPECT_DOUBLE_EQ(loads.connection_cost(), 0.002);
    admit(loads, 0, 1000);
    loads.set_reading(0, {.cpu_share = 0.1, .loading = 1000});
    EXPECT_NEAR(loads.connection_cost(), 0.0001, 0.00006);
    admit(loads, 1, 10);
    EXPECT_LT(loads.estimate(1), 0.003);
}

// The smoothed CPU and the smoothed number of those who cause it change in step.
TEST(LoadLedger, StaysPutWhileReservationBecomesMeasurement) {
    LoadLedger loads(1);
    const double cost = loads.connection_cost();
    admit(loads, 0, 100);
    const double reserved = loads.estimate(0);
    for (const double seen : {0.0, 18.0, 33.0, 63.0, 86.0, 100.0}) {
        loads.set_reading(0, {.cpu_share = cost * seen, .loading = seen});
        EXPECT_NEAR(loads.estimate(0), reserved, 1e-9) << seen;
    }
    for (int i = 0; i < 100; ++i) {
        loads.release(0);
    }
    EXPECT_NEAR(loads.estimate(0), 0, 1e-9) << "gone at once, though the CPU shows them still";
}

TEST(LoadLedger, KeepsWhoWaitsForAPublisherOnTheBill) {
    LoadLedger loads(2);
    admit(loads, 0, 300);  // viewers of nothing yet
    admit(loads, 1, 100);
    for (int i = 0; i < 1000; ++i) {
        loads.set_reading(0, {.cpu_share = 0.01});
        loads.set_reading(1, {.cpu_share = 0.1, .loading = 100});
    }
    EXPECT_EQ(loads.lightest(), 1U);
}

TEST(LoadLedger, GoesByPacketsWhereEstimatesAreTooCloseToTell) {
    LoadLedger loads(2);
    loads.set_reading(0, {.cpu_share = 0.101, .packets_per_second = 9000});
    loads.set_reading(1, {.cpu_share = 0.119, .packets_per_second = 4000});
    EXPECT_EQ(loads.lightest(), 1U);
    loads.set_reading(1, {.cpu_share = 0.121, .packets_per_second = 4000});
    EXPECT_EQ(loads.lightest(), 0U);
}

TEST(LoadLedger, NeverEstimatesLessThanNothing) {
    LoadLedger loads(1);
    loads.set_reading(0, {.cpu_share = 0.01, .loading = 50});
    EXPECT_EQ(loads.estimate(0), 0);
}

}  // namespace
}  // namespace isthmus::media
