// Measures a rate of bytes over about the last second.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::rtp {

class BitrateMeter {
  public:
    void on_bytes(Instant now, std::size_t bytes) {
        move_to(now);
        buckets_[static_cast<std::size_t>(tick_) % kBuckets] += static_cast<std::uint32_t>(bytes);
    }

    // Bits per second over the whole buckets before `now`; 0 before the first second is over half.
    [[nodiscard]] double bits_per_second(Instant now);

  private:
    static constexpr std::size_t kBuckets = 16;
    // 15 whole buckets make 0.96 s.
    static constexpr Duration kBucket = std::chrono::milliseconds(64);

    void move_to(Instant now);

    std::array<std::uint32_t, kBuckets> buckets_{};
    std::int64_t tick_ = 0;        // the bucket being filled, counted since the clock's origin
    std::int64_t first_tick_ = 0;  // of the first byte ever
    bool started_ = false;
};

}  // namespace isthmus::media::rtp
