// Counts durations in buckets that are 3 % wide, from 1 us to hours: percentiles of any number of
// samples in 8 KiB. Two may be added up.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace isthmus::load {

class DurationHistogram {
  public:
    // Below zero counts as zero.
    void add(Duration duration) {
        const auto us =
            static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)) / 1000;
        ++buckets_[std::min(bucket_of(us), kBuckets - 1)];
        ++count_;
        max_ = std::max(max_, duration);
    }

    void add(const DurationHistogram& other) {
        for (std::size_t i = 0; i < kBuckets; ++i) {
            buckets_[i] += other.buckets_[i];
        }
        count_ += other.count_;
        max_ = std::max(max_, other.max_);
    }

    // The duration that `share` (0 to 1) of all samples do not exceed; zero without samples.
    [[nodiscard]] Duration percentile(double share) const {
        if (count_ == 0) {
            return {};
        }
        // The nearest rank.
        const auto wanted = std::max<std::uint64_t>(
            static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < kBuckets; ++i) {
            seen += buckets_[i];
            if (seen >= wanted) {
                return std::min(
                    std::chrono::duration_cast<Duration>(std::chrono::microseconds(end_of(i))),
                    max_);
            }
        }
        return max_;
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }

    [[nodiscard]] Duration max() const { return max_; }

  private:
    // 32 buckets for each power of two, and one for each microsecond below 64.
    static constexpr std::size_t kSteps = 32;
    static constexpr std::size_t kBuckets = 32 * kSteps;

    [[nodiscard]] static std::size_t bucket_of(std::uint64_t us) {
        if (us < 2 * kSteps) {
            return static_cast<std::size_t>(us);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(us)) - 6;
        return shift * kSteps + static_cast<std::size_t>(us >> shift);
    }

    // The last value of a bucket.
    [[nodiscard]] static std::uint64_t end_of(std::size_t bucket) {
        if (bucket < 2 * kSteps) {
            return bucket;
        }
        const std::size_t shift = bucket / kSteps - 1;
        return ((static_cast<std::uint64_t>(bucket - shift * kSteps) + 1) << shift) - 1;
    }

    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0;
    Duration max_{};
};

}  // namespace isthmus::load
