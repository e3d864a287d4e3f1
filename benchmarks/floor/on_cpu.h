// Which core a thread stays on, and how long it ran.
#pragma once

#include <ctime>

#include <pthread.h>
#include <sched.h>

namespace isthmus::floor {

// As well as the machine allows; a figure of two threads on one core is still a figure.
inline void stay_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof set, &set));
}

[[nodiscard]] inline double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace isthmus::floor
