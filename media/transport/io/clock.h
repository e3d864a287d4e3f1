// Reads the machine's clocks: CLOCK_MONOTONIC is the node's time line.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace isthmus::media::transport {

[[nodiscard]] Instant read_clock();

// Wall clock time (CLOCK_REALTIME) at Instant{}, nanoseconds since 1970: the anchor of NTP time
// stamps. Differs between calls where the wall clock was set or slewed.
[[nodiscard]] std::int64_t read_unix_ns_at_zero();

// Wall clock time at `instant`, by the clocks as they stand now.
[[nodiscard]] std::int64_t read_unix_ns_at(Instant instant);

}  // namespace isthmus::media::transport
