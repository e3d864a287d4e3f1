// Says from the delay's slope whether the path is overused, with a threshold that adapts so that
// flows beside a loss-based one (TCP) are not starved.
//
// Specification: draft-ietf-rmcat-gcc-02 section 5.4; constants as in libwebrtc's
// TrendlineEstimator, whose slope has another unit than the draft's Kalman filter.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "media/congestion/arrival_groups.h"

namespace isthmus::media::congestion {

enum class Usage : std::uint8_t {
    kNormal,
    kOverusing,
    kUnderusing,  // a queue drains
};

class OveruseDetector {
  public:
    // `groups` is how many the slope was made from.
    Usage on_slope(double slope, int groups, const GroupDelta& delta);

    [[nodiscard]] Usage usage() const { return usage_; }

    void reset() { *this = OveruseDetector(); }

  private:
    void adapt_threshold(double trend_ms, Duration arrived_at);

    Usage usage_ = Usage::kNormal;
    double slope_before_ = 0;
    double threshold_ms_ = 12.5;  // libwebrtc's beginning
    Duration over_for_{-1};       // negative: not over the threshold
    int over_count_ = 0;
    Duration adapted_at_{};
    bool adapted_ = false;
};

}  // namespace isthmus::media::congestion
