// What the benchmarks of this folder measure with.
#pragma once

#include <cstdint>
#include <ctime>
#include <span>

#include "media/transport/datagram.h"

namespace isthmus::media::testing {

// CPU time of this thread.
inline double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Sends nothing.
class CountingSink final : public transport::DatagramSink {
  public:
    void send(std::span<const transport::OutDatagram> datagrams) override {
        count += datagrams.size();
    }

    std::uint64_t count = 0;
};

}  // namespace isthmus::media::testing
