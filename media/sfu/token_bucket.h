// Lets a rate through, with bursts of up to a second's worth.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::sfu {

class TokenBucket {
  public:
    // 0: everything passes.
    explicit TokenBucket(std::uint64_t bits_per_second)
        : bytes_per_second_(static_cast<double>(bits_per_second) / 8), bytes_(bytes_per_second_) {}

    // Takes `bytes` where they are there.
    [[nodiscard]] bool take(Instant now, std::size_t bytes) {
        if (bytes_per_second_ == 0) {
            return true;
        }
        const std::chrono::duration<double> since = now - refilled_at_;
        bytes_ = std::min(bytes_per_second_, bytes_ + since.count() * bytes_per_second_);
        refilled_at_ = now;
        if (bytes_ < static_cast<double>(bytes)) {
            return false;
        }
        bytes_ -= static_cast<double>(bytes);
        return true;
    }

  private:
    double bytes_per_second_;
    double bytes_;
    Instant refilled_at_{};
};

}  // namespace isthmus::media::sfu
