#include "media/relay/relay_rings.h"

#include "base/check.h"

namespace isthmus::media::relay {

RelayRings::RelayRings(std::size_t workers, std::size_t ring_bytes)
    : workers_(static_cast<WorkerIndex>(workers)), rings_(workers * workers) {
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        if (i / workers != i % workers) {
            rings_[i] = std::make_unique<SpscRing>(ring_bytes);
        }
    }
}

SpscRing& RelayRings::between(WorkerIndex from, WorkerIndex to) {
    CHECK(from != to && from < workers_ && to < workers_);
    return *rings_[std::size_t{from} * workers_ + to];
}

}  // namespace isthmus::media::relay
