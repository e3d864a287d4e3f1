#include "media/congestion/rate_control.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace isthmus::media::congestion {
namespace {

// SPEC draft-ietf-rmcat-gcc-02#5.5: beta, and what the rate may be above what arrives.
constexpr double kCut = 0.85;
constexpr double kAboveThroughput = 1.5;
constexpr DataRate kAboveThroughputMore = DataRate::kbps(10);
// Where little is sent the rate is only held up to this much above it: raising it further is the
// business of probes (probe_controller.h).
constexpr double kAboveLimitedThroughput = 1.15;
// SPEC draft-ietf-rmcat-gcc-02#5.5: eta, per second.
constexpr double kGrowth = 1.08;
constexpr DataRate kGrowthMin = DataRate::kbps(1);
// Near the capacity: one packet for each response time.
constexpr DataRate kAdditiveMin = DataRate::kbps(4);
constexpr double kFrameSeconds = 1.0 / 30;
constexpr double kPacketBits = 1200 * 8;
constexpr Duration kDetection = std::chrono::milliseconds(100);
// Between two cuts: a round trip, within these.
constexpr Duration kCutIntervalMin = std::chrono::milliseconds(10);
constexpr Duration kCutIntervalMax = std::chrono::milliseconds(200);
constexpr Duration kRoundTripDefault = std::chrono::milliseconds(200);
// Without feedback.
constexpr double kSilenceCut = 0.5;

double seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

RateControl::RateControl(DataRate start, RateBounds bounds)
    : bounds_(bounds),
      rate_(std::clamp(start, bounds.min, bounds.max)),
      round_trip_(kRoundTripDefault) {}

void RateControl::set_bounds(RateBounds bounds) {
    bounds_ = bounds;
    rate_ = std::clamp(rate_, bounds.min, bounds.max);
}

void RateControl::set(Instant now, DataRate rate) {
    rate_ = std::clamp(rate, bounds_.min, bounds_.max);
    changed_at_ = now;
}

bool RateControl::may_cut(Instant now, std::optional<DataRate> throughput) const {
    const Duration interval = std::clamp(round_trip_, kCutIntervalMin, kCutIntervalMax);
    return !changed_at_ || state_ != State::kHold || now - *changed_at_ >= interval ||
           (throughput && *throughput < rate_ * 0.5);
}

void RateControl::on_feedback(Instant now, const PathState& path) {
    switch (path.usage) {
        case Usage::kOverusing:
            if (may_cut(now, path.throughput)) {
                cut(now, path);
            }
            break;
        case Usage::kUnderusing:
            // The queue drains: let it.
            state_ = State::kHold;
            break;
        case Usage::kNormal:
            if (state_ != State::kIncrease) {
                state_ = State::kIncrease;
                changed_at_ = now;
            }
            raise(now, path);
            break;
    }
}

void RateControl::cut(Instant now, const PathState& path) {
    // Hold until the queue has drained.
    state_ = State::kHold;
    if (!path.throughput && !path.busy_rate) {
        set(now, rate_ * 0.5);
        return;
    }
    const DataRate carried =
        std::max(path.throughput.value_or(DataRate()), path.busy_rate.value_or(DataRate()));
    DataRate target = carried * kCut;
    if (target > rate_) {
        if (const auto capacity = capacity_.estimate()) {
            target = *capacity * kCut;
        }
    }
    if (carried < capacity_.lower_bound()) {
        capacity_.reset();
    }
    capacity_.on_overuse(carried);
    set(now, std::min(target, rate_));
}

void RateControl::raise(Instant now, const PathState& path) {
    const Duration since = now - *changed_at_;
    changed_at_ = now;
    if (!path.throughput) {
        return;
    }
    if (*path.throughput > capacity_.upper_bound()) {
        capacity_.reset();
    }
    const DataRate limit =
        path.application_limited
            ? *path.throughput * kAboveLimitedThroughput
            : *path.throughput * kAboveThroughput + kAboveThroughputMore;
    if (rate_ < limit) {
        set(now, std::min(rate_ + step(since), limit));
    }
}

// SPEC draft-ietf-rmcat-gcc-02#5.5
DataRate RateControl::step(Duration since) const {
    if (!capacity_.estimate()) {
        const double factor = std::pow(kGrowth, std::min(seconds(since), 1.0)) - 1;
        return std::max(rate_ * factor, kGrowthMin * seconds(since));
    }
    const double frame_bits = static_cast<double>(rate_.bps()) * kFrameSeconds;
    const double packets = std::max(1.0, std::ceil(frame_bits / kPacketBits));
    const double response = seconds(round_trip_ + kDetection);
    const auto per_second = DataRate::bps(static_cast<std::int64_t>(frame_bits / packets / response));
    return std::max(per_second, kAdditiveMin) * seconds(since);
}

void RateControl::on_probe(Instant now, DataRate rate) {
    capacity_.on_probe(rate);
    set(now, rate);
}

void RateControl::on_silence(Instant now) {
    state_ = State::kHold;
    set(now, rate_ * kSilenceCut);
}

}  // namespace isthmus::media::congestion
