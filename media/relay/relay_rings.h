// The rings between all workers of a node: one for each ordered pair.
//
// Made before the workers start, used by them without locks: the ring from a to b is written by
// worker a and read by worker b. A ring's memory is taken when it is first written.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/spsc_ring.h"
#include "media/relay/relay_message.h"

namespace isthmus::media::relay {

class RelayRings {
  public:
    // 2 MiB hold 1,500 large packets: 70 ms of 200 Mbit/s.
    static constexpr std::size_t kRingBytes = std::size_t{2} << 20U;

    explicit RelayRings(std::size_t workers, std::size_t ring_bytes = kRingBytes);

    // Not of one worker to itself.
    [[nodiscard]] SpscRing& between(WorkerIndex from, WorkerIndex to);

    [[nodiscard]] WorkerIndex workers() const { return workers_; }

  private:
    WorkerIndex workers_;
    std::vector<std::unique_ptr<SpscRing>> rings_;  // at from * workers + to
};

}  // namespace isthmus::media::relay
