#include "media/congestion/overuse_detector.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace isthmus::media::congestion {
namespace {

// From slope to the unit of the threshold (libwebrtc: threshold_gain, kMinNumDeltas).
constexpr double kGain = 4.0;
constexpr int kGroupsWeighed = 60;
// SPEC draft-ietf-rmcat-gcc-02#5.4: overuse_time_th.
constexpr Duration kOveruseTime = std::chrono::milliseconds(10);
// Growth and decay of the threshold (libwebrtc's k_up and k_down), its bounds, and how far above it
// a trend is a spike that it does not follow. SPEC draft-ietf-rmcat-gcc-02#5.4
constexpr double kUp = 0.0087;
constexpr double kDown = 0.039;
constexpr double kThresholdMinMs = 6;
constexpr double kThresholdMaxMs = 600;
constexpr double kSpikeMs = 15;
constexpr double kAdaptStepMaxMs = 100;

}  // namespace

Usage OveruseDetector::on_slope(double slope, int groups, const GroupDelta& delta) {
    if (groups < 2) {
        return usage_ = Usage::kNormal;
    }
    const double trend_ms = std::min(groups, kGroupsWeighed) * slope * kGain;
    if (trend_ms > threshold_ms_) {
        // At the first time nobody knows since when: half of the distance.
        over_for_ = over_for_ < Duration::zero() ? delta.sent / 2 : over_for_ + delta.sent;
        ++over_count_;
        if (over_for_ > kOveruseTime && over_count_ > 1 && slope >= slope_before_) {
            over_for_ = Duration::zero();
            over_count_ = 0;
            usage_ = Usage::kOverusing;
        }
    } else {
        over_for_ = Duration(-1);
        over_count_ = 0;
        usage_ = trend_ms < -threshold_ms_ ? Usage::kUnderusing : Usage::kNormal;
    }
    slope_before_ = slope;
    adapt_threshold(trend_ms, delta.arrived_at);
    return usage_;
}

void OveruseDetector::adapt_threshold(double trend_ms, Duration arrived_at) {
    if (!adapted_) {
        adapted_ = true;
        adapted_at_ = arrived_at;
    }
    const double height_ms = std::abs(trend_ms);
    if (height_ms <= threshold_ms_ + kSpikeMs) {
        const std::chrono::duration<double, std::milli> since = arrived_at - adapted_at_;
        const double step_ms = std::clamp(since.count(), 0.0, kAdaptStepMaxMs);
        const double speed = height_ms < threshold_ms_ ? kDown : kUp;
        threshold_ms_ = std::clamp(threshold_ms_ + speed * (height_ms - threshold_ms_) * step_ms,
                                   kThresholdMinMs,
                                   kThresholdMaxMs);
    }
    adapted_at_ = arrived_at;
}

}  // namespace isthmus::media::congestion
