#include "tests/simulator/link.h"

#include <gtest/gtest.h>

namespace isthmus::simulator {
namespace {

using std::chrono::milliseconds;

const Instant kStart = Instant{} + std::chrono::hours(1);

TEST(Link, DelaysAndNothingElseByDefault) {
    Link link({.delay = milliseconds(25)}, 1);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(link.pass(kStart, 1200), (std::vector{kStart + milliseconds(25)}));
    }
}

TEST(Link, LosesTheShareThatItWasTold) {
    for (const double burst : {1.0, 5.0}) {
        Link link({.loss = 0.2, .loss_burst = burst}, 7);
        int lost = 0;
        int runs = 0;
        bool before = false;
        for (int i = 0; i < 20'000; ++i) {
            const bool now = link.pass(kStart, 100).empty();
            lost += now ? 1 : 0;
            runs += now && !before ? 1 : 0;
            before = now;
        }
        EXPECT_NEAR(lost, 4000, 400) << burst;
        // Losses that are independent come in runs of 1 / (1 - 0.2) as well.
        EXPECT_NEAR(static_cast<double>(lost) / runs, burst > 1 ? burst : 1.25, 0.4);
    }
}

TEST(Link, LosesEverythingOrNothingAtTheEnds) {
    Link all({.loss = 1}, 1);
    Link none({.loss = 0}, 1);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(all.pass(kStart, 1).empty());
        EXPECT_EQ(none.pass(kStart, 1).size(), 1U);
    }
}

TEST(Link, KeepsOrderUnderJitterAndBreaksItWhereTold) {
    const auto overtaken = [](const LinkConfig& config) {
        Link link(config, 3);
        int count = 0;
        Instant latest;
        for (int i = 0; i < 1000; ++i) {
            const Instant arrival = link.pass(kStart + milliseconds(i), 100).at(0);
            count += arrival < latest ? 1 : 0;
            latest = std::max(latest, arrival);
        }
        return count;
    };
    EXPECT_EQ(overtaken({.jitter = milliseconds(50)}), 0);
    EXPECT_GT(overtaken({.reorder = 0.1}), 50);
}

TEST(Link, DuplicatesTheShareThatItWasTold) {
    Link link({.duplicate = 0.5}, 3);
    std::size_t copies = 0;
    for (int i = 0; i < 10'000; ++i) {
        copies += link.pass(kStart, 100).size();
    }
    EXPECT_NEAR(static_cast<double>(copies), 15'000, 500);
}

TEST(Link, SendsAtItsRateAndDropsTheTailOfAFullQueue) {
    // 1250 bytes take 10 ms at 1 Mbit/s; five wait in the queue.
    Link link({.delay = milliseconds(1), .rate_bps = 1'000'000, .queue_bytes = 6250}, 1);
    int passed = 0;
    for (int i = 0; i < 20; ++i) {
        const auto arrivals = link.pass(kStart, 1250);
        if (!arrivals.empty()) {
            ++passed;
            EXPECT_EQ(arrivals[0], kStart + milliseconds(1 + 10 * passed));
        }
    }
    EXPECT_EQ(passed, 5);
    EXPECT_EQ(link.counters().queue_dropped, 15U);
    EXPECT_EQ(link.pass(kStart + milliseconds(50), 1250).at(0), kStart + milliseconds(61))
        << "drained";
}

TEST(Link, DoesTheSameForTheSameSeed) {
    const auto arrivals = [](std::uint64_t seed) {
        Link link({.jitter = milliseconds(9), .loss = 0.3, .duplicate = 0.2, .reorder = 0.2}, seed);
        std::vector<std::vector<Instant>> all;
        all.reserve(200);
        for (int i = 0; i < 200; ++i) {
            all.push_back(link.pass(kStart + milliseconds(i), 100));
        }
        return all;
    };
    EXPECT_EQ(arrivals(5), arrivals(5));
    EXPECT_NE(arrivals(5), arrivals(6));
}

}  // namespace
}  // namespace isthmus::simulator
