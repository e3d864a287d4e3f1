#include "media/transport/io/clock.h"

#include <ctime>
#include <limits>

#include "base/check.h"

namespace isthmus::media::transport {

namespace {

constexpr int kReadings = 5;

[[nodiscard]] std::int64_t read_ns(clockid_t clock) {
    timespec now{};
    CHECK(clock_gettime(clock, &now) == 0);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Instant read_clock() {
    return Instant(Duration(read_ns(CLOCK_MONOTONIC)));
}

std::int64_t read_unix_ns_at_zero() {
    // The reading that was interrupted least, as the time between the two outer ones shows, counts.
    std::int64_t best_gap = std::numeric_limits<std::int64_t>::max();
    std::int64_t offset = 0;
    for (int i = 0; i < kReadings; ++i) {
        const std::int64_t before = read_ns(CLOCK_MONOTONIC);
        const std::int64_t wall = read_ns(CLOCK_REALTIME);
        const std::int64_t gap = read_ns(CLOCK_MONOTONIC) - before;
        if (gap < best_gap) {
            best_gap = gap;
            offset = wall - (before + gap / 2);
        }
    }
    return offset;
}

std::int64_t read_unix_ns_at(Instant instant) {
    return read_unix_ns_at_zero() + instant.time_since_epoch().count();
}

}  // namespace isthmus::media::transport
