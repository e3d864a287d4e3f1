#include "media/transport/io/clock.h"

#include <chrono>

#include <gtest/gtest.h>

namespace isthmus::media::transport {
namespace {

TEST(Clock, NeverGoesBack) {
    Instant last = read_clock();
    for (int i = 0; i < 1000; ++i) {
        const Instant now = read_clock();
        EXPECT_GE(now, last);
        last = now;
    }
}

TEST(Clock, GivesTheWallClockAtAnInstant) {
    const auto wall_ns = [] {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    };
    constexpr std::int64_t kSlackNs = 1'000'000'000;  // the machine may stop us in between
    const std::int64_t before = wall_ns();
    const std::int64_t read = read_unix_ns_at(read_clock());
    EXPECT_GT(read, before - kSlackNs);
    EXPECT_LT(read, wall_ns() + kSlackNs);
    EXPECT_NEAR(static_cast<double>(read_unix_ns_at(Instant{})),
                static_cast<double>(read_unix_ns_at_zero()),
                static_cast<double>(kSlackNs));
}

}  // namespace
}  // namespace isthmus::media::transport
