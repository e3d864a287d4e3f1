#include "tests/simulator/simulator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace isthmus::simulator {
namespace {

// More than any scenario does at once: a core that asks to be woken now, again and again.
constexpr std::uint64_t kEventsPerInstantMax = 1'000'000;

}  // namespace

void Simulator::at(Instant when, Action action) {
    CHECK(when >= now_);
    events_.push_back({.when = when, .order = order_++, .action = std::move(action)});
    std::ranges::push_heap(events_, Later{});
}

bool Simulator::step(Instant limit) {
    if (events_.empty() || events_.front().when > limit) {
        return false;
    }
    std::ranges::pop_heap(events_, Later{});
    Event event = std::move(events_.back());
    events_.pop_back();
    at_this_instant_ = event.when == now_ ? at_this_instant_ + 1 : 0;
    CHECK(at_this_instant_ < kEventsPerInstantMax);
    now_ = event.when;
    event.action();
    return true;
}

void Simulator::run_for(Duration duration) {
    const Instant limit = now_ + duration;
    while (step(limit)) {
    }
    now_ = limit;
}

bool Simulator::run_until(const std::function<bool()>& done, Duration limit) {
    const Instant end = now_ + limit;
    while (!done()) {
        if (!step(end)) {
            now_ = end;
            return done();
        }
    }
    return true;
}

}  // namespace isthmus::simulator
