// What the bottleneck carried when it was overused, and how sure that is. Near it the rate is
// raised with care, far from it boldly.
//
// Source: draft-ietf-rmcat-gcc-02 section 5.5 (avg_max_bitrate, var_max_bitrate); libwebrtc's
// LinkCapacityEstimator.
#pragma once

#include <optional>

#include "base/data_rate.h"

namespace isthmus::media::congestion {

class LinkCapacity {
  public:
    void on_overuse(DataRate throughput);
    // A probe measured the path: weighs more.
    void on_probe(DataRate rate);

    void reset() { *this = LinkCapacity(); }

    [[nodiscard]] std::optional<DataRate> estimate() const;
    // Within three standard deviations; without an estimate everything is.
    [[nodiscard]] DataRate lower_bound() const;
    [[nodiscard]] DataRate upper_bound() const;

  private:
    void update(DataRate sample, double weight);
    [[nodiscard]] double spread_kbps() const;

    double kbps_ = -1;
    double deviation_ = 0.4;  // variance over mean, in kbit/s
};

}  // namespace isthmus::media::congestion
