// What the data channels of all workers count together, beside each worker's own figures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "media/data/io/data_thread.h"

namespace isthmus::media {

struct DataStats {
    data::DataThreadCounters thread;
    std::size_t backlog_bytes = 0;      // that clients sent and signaling has yet to take, now
    std::uint64_t backlog_dropped = 0;  // messages: signaling took them too slowly
};

}  // namespace isthmus::media
