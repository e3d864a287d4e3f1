#include "signaling/maintenance/maintenance.h"

#include <algorithm>
#include <utility>

namespace isthmus::signaling::maintenance {
namespace {

// Goodbyes take a moment; a participant that joined meanwhile is said goodbye to again.
constexpr Duration kEndAgain = std::chrono::seconds(5);

}  // namespace

std::string_view to_string(Mode mode) {
    switch (mode) {
        case Mode::kOff:
            return "off";
        case Mode::kPending:
            return "pending";
        case Mode::kOn:
            break;
    }
    return "on";
}

Maintenance::Maintenance(MaintainedNode node) : node_(std::move(node)) {}

void Maintenance::switch_on(Instant now, std::optional<Duration> deadline) {
    const bool was_off = mode_ == Mode::kOff;
    if (was_off) {
        mode_ = Mode::kPending;
        node_.admit_conferences(false);
        node_.remember(true);
    }
    if (was_off || deadline) {
        deadline_ =
            now +
            std::clamp(deadline.value_or(kDefaultDeadline), Duration::zero(), kLongestDeadline);
        next_ = deadline_;
    }
    update(now);
}

void Maintenance::switch_off() {
    if (mode_ == Mode::kOff) {
        return;
    }
    mode_ = Mode::kOff;
    deadline_ = kNever;
    next_ = kNever;
    node_.admit_conferences(true);
    node_.remember(false);
}

void Maintenance::update(Instant now) {
    if (mode_ == Mode::kOff) {
        return;
    }
    const std::size_t conferences = node_.conferences();
    if (conferences == 0) {
        mode_ = Mode::kOn;
        next_ = kNever;
        return;
    }
    // One may come late: its join was on its way when the mode was switched on.
    mode_ = Mode::kPending;
    next_ = std::max(next_ == kNever ? deadline_ : next_, deadline_);
    if (now < next_) {
        return;
    }
    if (next_ == deadline_) {
        ended_ += conferences;
    }
    next_ = now + kEndAgain;
    node_.end_conferences();
}

std::optional<Instant> Maintenance::deadline() const {
    return mode_ == Mode::kPending ? std::optional(deadline_) : std::nullopt;
}

}  // namespace isthmus::signaling::maintenance
