#include "media/rtp/bitrate_meter.h"

#include <algorithm>

namespace isthmus::media::rtp {

void BitrateMeter::move_to(Instant now) {
    const std::int64_t tick = now.time_since_epoch() / kBucket;
    if (!started_) {
        started_ = true;
        first_tick_ = tick;
        tick_ = tick;
        return;
    }
    const std::int64_t first_stale =
        std::max(tick_ + 1, tick - static_cast<std::int64_t>(kBuckets) + 1);
    for (std::int64_t stale = first_stale; stale <= tick; ++stale) {
        buckets_[static_cast<std::size_t>(stale) % kBuckets] = 0;
    }
    tick_ = std::max(tick_, tick);
}

double BitrateMeter::bits_per_second(Instant now) {
    if (!started_) {
        return 0;
    }
    move_to(now);
    const std::int64_t whole =
        std::min(tick_ - first_tick_, static_cast<std::int64_t>(kBuckets) - 1);
    if (whole < static_cast<std::int64_t>(kBuckets) / 2) {
        return 0;
    }
    std::uint64_t bytes = 0;
    for (std::int64_t tick = tick_ - whole; tick < tick_; ++tick) {
        bytes += buckets_[static_cast<std::size_t>(tick) % kBuckets];
    }
    const std::chrono::duration<double> span = kBucket * whole;
    return static_cast<double>(bytes) * 8 / span.count();
}

}  // namespace isthmus::media::rtp
