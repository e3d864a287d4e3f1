#include "media/congestion/link_capacity.h"

#include <algorithm>
#include <cmath>

namespace isthmus::media::congestion {
namespace {

// Of libwebrtc.
constexpr double kOveruseWeight = 0.05;
constexpr double kProbeWeight = 0.5;
// 0.4: about 14 kbit/s at 500; 2.5: about 35.
constexpr double kDeviationMin = 0.4;
constexpr double kDeviationMax = 2.5;

DataRate from_kbps(double kbps) {
    return DataRate::bps(static_cast<std::int64_t>(kbps * 1000));
}

}  // namespace

void LinkCapacity::update(DataRate sample, double weight) {
    const double kbps = static_cast<double>(sample.bps()) / 1000;
    kbps_ = kbps_ < 0 ? kbps : (1 - weight) * kbps_ + weight * kbps;
    const double error = kbps_ - kbps;
    deviation_ =
        std::clamp((1 - weight) * deviation_ + weight * error * error / std::max(kbps_, 1.0),
                   kDeviationMin,
                   kDeviationMax);
}

void LinkCapacity::on_overuse(DataRate throughput) {
    update(throughput, kOveruseWeight);
}

void LinkCapacity::on_probe(DataRate rate) {
    update(rate, kProbeWeight);
}

double LinkCapacity::spread_kbps() const {
    return 3 * std::sqrt(deviation_ * kbps_);
}

std::optional<DataRate> LinkCapacity::estimate() const {
    return kbps_ < 0 ? std::nullopt : std::optional(from_kbps(kbps_));
}

DataRate LinkCapacity::lower_bound() const {
    return kbps_ < 0 ? DataRate() : from_kbps(std::max(0.0, kbps_ - spread_kbps()));
}

DataRate LinkCapacity::upper_bound() const {
    return kbps_ < 0 ? DataRate::unlimited() : from_kbps(kbps_ + spread_kbps());
}

}  // namespace isthmus::media::congestion
