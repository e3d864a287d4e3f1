// How much each worker carries, as far as placing somebody goes: what was measured, and what was
// admitted and does not show yet.
//
// Pure bookkeeping of the signaling thread. The estimate of a worker, as a share of its core, is
//
//     CPU measured + cost of one connection * (connections admitted - connections that load)
//
// with CPU and loading connections smoothed alike (LoadMeter). Thus a burst of joins counts before
// its first packet; the estimate stays the same while reservation becomes measurement; who waits
// for a publisher counts for as long as that takes; and who leaves is off the bill at once, though
// the smoothed CPU still shows them. What a connection costs is learned from all workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "media/worker/load_reading.h"

namespace isthmus::media {

class LoadLedger {
  public:
    explicit LoadLedger(std::size_t workers) : entries_(workers) {}

    void admit(std::size_t worker) { ++entries_[worker].admitted; }

    void release(std::size_t worker);

    void set_reading(std::size_t worker, const LoadReading& reading);

    [[nodiscard]] std::size_t workers() const { return entries_.size(); }

    [[nodiscard]] std::uint32_t admitted(std::size_t worker) const {
        return entries_[worker].admitted;
    }

    [[nodiscard]] const LoadReading& reading(std::size_t worker) const {
        return entries_[worker].reading;
    }

    // Share of the worker's core, from 0; above 1 where more was admitted than it will carry.
    [[nodiscard]] double estimate(std::size_t worker) const;

    // Whether `a` has more room than `b`. Where they are within measurement of each other, the one
    // with fewer packets, then the one with fewer connections.
    [[nodiscard]] bool is_lighter(std::size_t a, std::size_t b) const;

    [[nodiscard]] std::size_t lightest() const;

    // Share of a core that one connection takes which is sent or sends media.
    [[nodiscard]] double connection_cost() const { return connection_cost_; }

  private:
    struct Entry {
        std::uint32_t admitted = 0;
        LoadReading reading;
    };

    void learn_cost();

    // Before anything was measured: a viewer of one video of 2 Mbit/s takes a thousandth of a core
    // on a slow machine; a participant of a meeting is sent several.
    static constexpr double kCostAtFirst = 0.002;

    std::vector<Entry> entries_;
    double connection_cost_ = kCostAtFirst;
};

}  // namespace isthmus::media
