#include "media/congestion/rate_control.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace isthmus::media::congestion {
namespace {

// SPEC draft-ietf-rmcat-gcc-02#5.5: beta, and what the rate may be above what arrives.
constexpr double kCut = 0.85;
// Of several behind one bottleneck all see the overuse. Those that are served well are cut by so
// much more than those that are not, or the differences between them would stay for ever: layers
// are coarse, and nobody grows or shrinks by a little.
constexpr double kCutSpread = 0.2;
constexpr double kAboveThroughput = 1.5;
constexpr DataRate kAboveThroughputMore = DataRate::kbps(10);
constexpr double kAboveWanted = 1.02;
// What arrives on a calm path, once the throughput has forgotten what was before the last cut.
constexpr double kProven = 0.9;
constexpr Duration kProvenAfter = std::chrono::seconds(1);
// The queue goes on growing after a cut, for longer than a key frame that was under way takes.
constexpr double kCutAgain = 0.9;
constexpr Duration kCutAgainAfter = std::chrono::milliseconds(300);
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
// Beside a loss-based flow: RFC 8312's beta, and no more than one cut for each of its losses.
constexpr double kCompetingCut = 0.7;
constexpr Duration kCompetingCutInterval = std::chrono::milliseconds(500);
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
    if (path.competing) {
        compete(now, path);
        return;
    }
    switch (path.usage) {
        case Usage::kOverusing:
            if (!path.probing && may_cut(now, path.throughput)) {
                cut(now, path);
            }
            break;
        case Usage::kUnderusing:
            // The queue drains: let it.
            state_ = State::kHold;
            break;
        case Usage::kNormal:
            cut_at_.reset();
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
    const double kept = kCut + kCutSpread * (0.5 - path.served);
    DataRate target = carried * kept;
    if (target > rate_) {
        if (const auto capacity = capacity_.estimate()) {
            target = *capacity * kept;
        }
    }
    if (carried < capacity_.lower_bound()) {
        capacity_.reset();
    }
    capacity_.on_overuse(carried);
    lowered_at_ = now;
    const bool again = cut_at_ && now - *cut_at_ >= kCutAgainAfter;
    set(now, std::min(target, again ? rate_ * kCutAgain : rate_));
    if (!cut_at_ || again) {
        cut_at_ = now;
    }
}

// As TCP would: a packet more for each round trip, a good deal less for each loss.
void RateControl::compete(Instant now, const PathState& path) {
    if (path.lossy) {
        if (!competing_cut_at_ || now - *competing_cut_at_ >= kCompetingCutInterval + round_trip_) {
            competing_cut_at_ = now;
            set(now, rate_ * kCompetingCut);
        }
        return;
    }
    const Duration since = now - changed_at_.value_or(now);
    changed_at_ = now;
    const DataRate limit =
        std::max(path.wanted * kAboveWanted,
                 path.throughput.value_or(rate_) * kAboveThroughput + kAboveThroughputMore);
    if (rate_ < limit) {
        set(now, std::min(rate_ + additive() * seconds(since), limit));
    }
}

void RateControl::raise(Instant now, const PathState& path) {
    const Duration since = now - changed_at_.value_or(now);
    changed_at_ = now;
    if (!path.throughput) {
        return;
    }
    if (*path.throughput > capacity_.upper_bound()) {
        capacity_.reset();
    }
    // The lowest layer is sent whatever the rate: where it arrives, so much goes through.
    const DataRate proven = *path.throughput * kProven;
    if (rate_ < proven * 0.5 && (!lowered_at_ || now - *lowered_at_ >= kProvenAfter)) {
        set(now, proven);
    }
    const DataRate limit = path.application_limited
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
    return additive() * seconds(since);
}

// For each second.
DataRate RateControl::additive() const {
    const double frame_bits = static_cast<double>(rate_.bps()) * kFrameSeconds;
    const double packets = std::max(1.0, std::ceil(frame_bits / kPacketBits));
    const double response = seconds(round_trip_ + kDetection);
    const auto per_second =
        DataRate::bps(static_cast<std::int64_t>(frame_bits / packets / response));
    return std::max(per_second, kAdditiveMin);
}

void RateControl::on_probe(Instant now, DataRate rate) {
    capacity_.on_probe(rate);
    set(now, rate);
}

void RateControl::on_silence(Instant now) {
    state_ = State::kHold;
    lowered_at_ = now;
    set(now, rate_ * kSilenceCut);
}

}  // namespace isthmus::media::congestion
