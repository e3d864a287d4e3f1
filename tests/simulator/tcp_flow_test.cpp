#include "tests/simulator/tcp_flow.h"

#include <chrono>
#include <cstdint>

#include <gtest/gtest.h>

namespace isthmus::simulator {
namespace {

using namespace std::chrono_literals;

double seconds_of(Instant since, const Simulator& simulator) {
    return std::chrono::duration<double>(simulator.now() - since).count();
}

TEST(TcpFlow, FillsTheLine) {
    Simulator simulator;
    Link forward({.delay = 25ms, .rate_bps = 2'000'000, .queue_bytes = 50'000}, 1);
    Link backward({.delay = 25ms}, 2);
    TcpFlow flow(simulator, forward, backward, 0ms);
    flow.start();
    simulator.run_for(60s);
    EXPECT_GT(flow.delivered_bytes() * 8, 60 * 2'000'000 * 0.85);
    EXPECT_GT(forward.counters().queue_dropped, 5U);
    EXPECT_GT(flow.retransmissions(), 5U);
}

TEST(TcpFlow, SendsAllOfAShortFileOverALossyLine) {
    Simulator simulator;
    Link forward({.delay = 25ms, .loss = 0.05, .rate_bps = 2'000'000}, 3);
    Link backward({.delay = 25ms, .loss = 0.05}, 4);
    TcpFlow flow(simulator, forward, backward, 0ms);
    const Instant began = simulator.now();
    flow.start(100'000);
    EXPECT_TRUE(simulator.run_until([&] { return flow.done(); }, 60s));
    EXPECT_GE(flow.delivered_bytes(), 100'000U);
    EXPECT_GT(seconds_of(began, simulator), 0.4);
}

TEST(TcpFlow, SharesALine) {
    Simulator simulator;
    Link forward({.delay = 25ms, .rate_bps = 4'000'000, .queue_bytes = 50'000}, 1);
    Link backward({.delay = 25ms}, 2);
    TcpFlow first(simulator, forward, backward, 0ms);
    TcpFlow second(simulator, forward, backward, 1ms);
    first.start();
    simulator.run_for(5s);
    second.start();
    simulator.run_for(10s);
    const std::uint64_t first_before = first.delivered_bytes();
    const std::uint64_t second_before = second.delivered_bytes();
    simulator.run_for(60s);
    const auto first_share = static_cast<double>(first.delivered_bytes() - first_before);
    const auto second_share = static_cast<double>(second.delivered_bytes() - second_before);
    EXPECT_LT(first_share / second_share, 3);
    EXPECT_GT(first_share / second_share, 0.33);
}

TEST(TcpFlow, StopsAndComesBackAfterAnOutage) {
    Simulator simulator;
    Link forward({.delay = 25ms, .rate_bps = 2'000'000, .queue_bytes = 50'000}, 1);
    Link backward({.delay = 25ms}, 2);
    TcpFlow flow(simulator, forward, backward, 0ms);
    flow.start();
    simulator.run_for(5s);
    forward.set_config({.delay = 25ms, .loss = 1});
    simulator.run_for(1s);
    const std::uint64_t before = flow.delivered_bytes();
    simulator.run_for(2s);
    EXPECT_EQ(flow.delivered_bytes(), before);
    forward.set_config({.delay = 25ms, .rate_bps = 2'000'000, .queue_bytes = 50'000});
    simulator.run_for(10s);
    EXPECT_GT(flow.delivered_bytes(), before + 1'000'000);
}

}  // namespace
}  // namespace isthmus::simulator
