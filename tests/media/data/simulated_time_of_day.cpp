#include "tests/media/data/simulated_time_of_day.h"

#include <atomic>
#include <chrono>
#include <ctime>

#include <sys/time.h>

namespace isthmus::media::data::testing {
namespace {

constexpr std::int64_t kNone = -1;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): gettimeofday() has no object.
std::atomic<std::int64_t> simulated_us = kNone;

}  // namespace

SimulatedTimeOfDay::~SimulatedTimeOfDay() {
    simulated_us = kNone;
}

void SimulatedTimeOfDay::set(Instant now) {
    simulated_us = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch()).count();
}

}  // namespace isthmus::media::data::testing

// Found by the dynamic linker before the C library's.
extern "C" int gettimeofday(timeval* time, void* /*zone*/) noexcept {
    const std::int64_t us = isthmus::media::data::testing::simulated_us;
    if (us == isthmus::media::data::testing::kNone) {
        timespec real{};
        clock_gettime(CLOCK_REALTIME, &real);
        *time = {.tv_sec = real.tv_sec, .tv_usec = real.tv_nsec / 1000};
    } else {
        *time = {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
    }
    return 0;
}
