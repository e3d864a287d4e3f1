// Lets a rate through, with bursts (a token bucket that counts things).
#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace isthmus::media::data {

class RateGate {
  public:
    RateGate(double per_second, double burst)
        : per_second_(per_second), burst_(burst), tokens_(burst) {}

    [[nodiscard]] bool take(Instant now) {
        if (now > refilled_at_) {
            const std::chrono::duration<double> since = now - refilled_at_;
            tokens_ = std::min(burst_, tokens_ + since.count() * per_second_);
            refilled_at_ = now;
        }
        if (tokens_ < 1) {
            return false;
        }
        tokens_ -= 1;
        return true;
    }

  private:
    double per_second_;
    double burst_;
    double tokens_;
    Instant refilled_at_{};
};

}  // namespace isthmus::media::data
