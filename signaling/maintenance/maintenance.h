// Maintenance mode: the node begins no conference any more, and those that run finish, or are ended
// at the deadline.
//
//     off --switch_on--> pending --the last conference has gone--> on --switch_off--> off
//
// Driven by the operations API, a timer and whoever hears that a conference has gone. What it
// decides takes effect through MaintainedNode: signaling protocols ask the switchboard whether it
// admits a conference, and know nothing of this. Sans-I/O; signaling thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace isthmus::signaling::maintenance {

enum class Mode : std::uint8_t { kOff, kPending, kOn };

[[nodiscard]] std::string_view to_string(Mode mode);

// Two hours: what administrators of such nodes know, and longer than most meetings.
inline constexpr Duration kDefaultDeadline = std::chrono::hours(2);
inline constexpr Duration kLongestDeadline = std::chrono::hours(24 * 7);

// What it rules over.
struct MaintainedNode {
    std::function<void(bool)> admit_conferences;
    std::function<std::size_t()> conferences;
    // Says goodbye to everybody. Called again where conferences are still there a while later.
    std::function<void()> end_conferences;
    // It is on (or pending), or off: for whoever keeps that over a restart.
    std::function<void(bool)> remember;
};

class Maintenance {
  public:
    explicit Maintenance(MaintainedNode node);

    // From now on; while it is on or pending already, only another deadline counts. 0: at once.
    void switch_on(Instant now, std::optional<Duration> deadline);
    void switch_off();

    // Call when a conference has gone, and at next_timeout().
    void update(Instant now);

    // kNever where nothing is to happen by itself.
    [[nodiscard]] Instant next_timeout() const { return next_; }

    [[nodiscard]] Mode mode() const { return mode_; }

    // When conferences are ended, while pending.
    [[nodiscard]] std::optional<Instant> deadline() const;

    // Conferences that the deadline ended.
    [[nodiscard]] std::uint64_t conferences_ended() const { return ended_; }

  private:
    MaintainedNode node_;
    Mode mode_ = Mode::kOff;
    Instant deadline_ = kNever;
    Instant next_ = kNever;
    std::uint64_t ended_ = 0;
};

}  // namespace isthmus::signaling::maintenance
