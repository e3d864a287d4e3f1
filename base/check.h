// CHECK stops the program where our own code has a bug; no input from outside may reach one.
// DCHECK is for the hot path and vanishes from release builds.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace isthmus::internal {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
    std::abort();
}

}  // namespace isthmus::internal

#define CHECK(condition)                \
    ((condition) ? static_cast<void>(0) \
                 : ::isthmus::internal::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define DCHECK(condition) CHECK(condition)
#endif
