// The round trip to the receiver and back, from its feedback.
//
// Feedback comes some time after the packet that it ends with, at most its interval: the samples
// are too long by that. The smallest of the last seconds is near the truth of an empty path.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

#include "base/time.h"

namespace isthmus::media::congestion {

class RoundTrip {
  public:
    void on_sample(Instant now, Duration sample) {
        if (!smoothed_) {
            smoothed_ = sample;
            slot_began_ = now;
        }
        // RFC 6298 section 2.3: alpha is an eighth.
        *smoothed_ += (sample - *smoothed_) / 8;
        if (now - slot_began_ >= kSlot) {
            slot_began_ = now;
            slot_ = (slot_ + 1) % mins_.size();
            mins_[slot_] = sample;
        }
        mins_[slot_] = std::min(mins_[slot_], sample);
    }

    // Nothing before the first feedback.
    [[nodiscard]] std::optional<Duration> smoothed() const { return smoothed_; }

    // Over the last 8 to 10 s.
    [[nodiscard]] std::optional<Duration> min() const {
        return smoothed_ ? std::optional(std::ranges::min(mins_)) : std::nullopt;
    }

    // For those who must reckon with something.
    [[nodiscard]] Duration estimate() const {
        return smoothed_.value_or(std::chrono::milliseconds(200));
    }

  private:
    static constexpr Duration kSlot = std::chrono::seconds(2);

    std::optional<Duration> smoothed_;
    std::array<Duration, 5> mins_ = {
        Duration::max(), Duration::max(), Duration::max(), Duration::max(), Duration::max()};
    std::size_t slot_ = 0;
    Instant slot_began_{};
};

}  // namespace isthmus::media::congestion
