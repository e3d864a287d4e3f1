// Simulated time: events in order of their instant, and of their making where that is the same.
// Nothing here reads a clock, so a run is repeated exactly by its seed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"

namespace isthmus::simulator {

class Simulator {
  public:
    using Action = std::move_only_function<void()>;

    [[nodiscard]] Instant now() const { return now_; }

    // Not before now().
    void at(Instant when, Action action);

    void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

    // Runs what is due until then, and leaves the clock there.
    void run_for(Duration duration);

    // Runs until `done` holds after some event, or for `limit`. Returns whether it held.
    [[nodiscard]] bool run_until(const std::function<bool()>& done, Duration limit);

  private:
    struct Event {
        Instant when;
        std::uint64_t order = 0;
        Action action;
    };

    struct Later {
        bool operator()(const Event& a, const Event& b) const {
            return a.when != b.when ? a.when > b.when : a.order > b.order;
        }
    };

    // Runs the earliest event where it is due by then.
    bool step(Instant limit);

    // Not the epoch: code that takes zero for "never happened" is to be found out.
    Instant now_ = Instant{} + std::chrono::hours(1);
    std::uint64_t order_ = 0;
    std::uint64_t at_this_instant_ = 0;
    std::vector<Event> events_;  // a heap
};

}  // namespace isthmus::simulator
