// Notices that the receiver has fallen silent although packets are on their way to it.
//
// The path may be gone, or so full that not even feedback comes through: the rate is cut in steps
// until something is heard.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace isthmus::media::congestion {

class FeedbackWatch {
  public:
    void on_sent(Instant now) {
        if (deadline_ == kNever) {
            deadline_ = now + patience_;
        }
    }

    // `all_told`: nothing is on its way any more.
    void on_feedback(Instant now, Duration round_trip, bool all_told) {
        patience_ = std::max(kPatienceMin, 3 * round_trip);
        deadline_ = all_told ? kNever : now + patience_;
    }

    // Is it time to cut? Once for each patience that passes.
    [[nodiscard]] bool is_silent(Instant now) {
        if (now < deadline_) {
            return false;
        }
        deadline_ = now + patience_;
        return true;
    }

    [[nodiscard]] Instant next_timeout() const { return deadline_; }

  private:
    // Several intervals of feedback, which are 50 to 250 ms.
    static constexpr Duration kPatienceMin = std::chrono::milliseconds(800);

    Duration patience_ = kPatienceMin;
    Instant deadline_ = kNever;
};

}  // namespace isthmus::media::congestion
