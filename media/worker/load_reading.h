// What a worker measured of its own load.
#pragma once

namespace isthmus::media {

// All smoothed alike, so that they belong together also while they change.
struct LoadReading {
    double cpu_share = 0;           // of a core: 1 is all of it
    double packets_per_second = 0;  // in and out
    double loading = 0;             // participants that media came from or went to
};

}  // namespace isthmus::media
