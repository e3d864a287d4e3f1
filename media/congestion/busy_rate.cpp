#include "media/congestion/busy_rate.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// How fast the base creeps up. Two clocks drift apart by 0.2 ms a second at most, and a new route
// that is longer by 50 ms is believed after two minutes; faster, and a queue that stands for long
// would be taken for the path.
constexpr double kCreep = 0.0004;
// Above the jitter of an empty path; below, it is not known that the bottleneck had work.
constexpr Duration kQueued = std::chrono::milliseconds(10);
// A measurement takes at least this.
constexpr Duration kSpanMin = std::chrono::milliseconds(30);
constexpr std::uint32_t kPacketsMin = 4;
// And at most: then the older half is forgotten.
constexpr Duration kSpanMax = std::chrono::milliseconds(300);
// After which it says nothing of now.
constexpr Duration kFresh = std::chrono::milliseconds(600);

}  // namespace

void BusyRate::follow_base(Instant now, Duration transit) {
    // Most packets of a feedback message have the same time.
    if (base_ && now != base_at_) {
        const auto since = static_cast<double>((now - base_at_).count());
        *base_ += Duration(static_cast<Duration::rep>(since * kCreep));
    }
    base_at_ = now;
    base_ = base_ ? std::min(*base_, transit) : transit;
}

void BusyRate::begin(Duration arrived_at) {
    busy_ = true;
    began_ = arrived_at;
    last_ = arrived_at;
    bytes_ = 0;
    packets_ = 0;
}

void BusyRate::on_packet(Instant now, const PacketResult& packet) {
    const Duration arrived_at = packet.arrived_at.value_or(Duration::zero());
    const Duration transit = arrived_at - packet.sent_at.time_since_epoch();
    follow_base(now, transit);
    queued_ = transit - base_.value_or(transit);
    if (queued_ < kQueued) {
        busy_ = false;
        return;
    }
    if (!busy_ || arrived_at < last_) {
        begin(arrived_at);
        return;
    }
    last_ = arrived_at;
    bytes_ += packet.bytes;
    ++packets_;
    const Duration span = last_ - began_;
    if (span < kSpanMin || packets_ < kPacketsMin) {
        return;
    }
    rate_ = DataSize::bytes(bytes_) / span;
    measured_at_ = now;
    if (span > kSpanMax) {
        began_ += span / 2;
        bytes_ /= 2;
        packets_ /= 2;
    }
}

std::optional<DataRate> BusyRate::rate(Instant now) const {
    return rate_ && now - measured_at_ <= kFresh ? rate_ : std::nullopt;
}

}  // namespace isthmus::media::congestion
