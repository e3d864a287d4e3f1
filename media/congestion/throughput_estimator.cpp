#include "media/congestion/throughput_estimator.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace isthmus::media::congestion {
namespace {

constexpr Duration kFirstWindow = std::chrono::milliseconds(500);
constexpr Duration kWindow = std::chrono::milliseconds(150);
// How much a sample's distance from the estimate counts against it, and how much the truth is
// taken to wander between two samples, in kbit/s squared.
constexpr double kUncertainty = 10;
constexpr double kWander = 5;
constexpr double kExpectedChange = 200;

}  // namespace

void ThroughputEstimator::on_packet(Duration arrived_at, DataSize size) {
    const Duration window = kbps_ < 0 ? kFirstWindow : kWindow;
    if (!started_ || arrived_at < last_arrived_at_ - window) {
        // The receiver's clock went back.
        started_ = true;
        window_ = Duration::zero();
        window_size_ = DataSize();
    } else if (arrived_at > last_arrived_at_) {
        const Duration since = arrived_at - last_arrived_at_;
        window_ += since;
        if (since > window) {
            window_size_ = DataSize();
            window_ %= window;
        }
    } else {
        // Overtaken on the way.
        window_size_ += size;
        return;
    }
    last_arrived_at_ = arrived_at;
    if (window_ >= window) {
        on_sample(static_cast<double>((window_size_ / window).bps()) / 1000);
        window_ -= window;
        window_size_ = DataSize();
    }
    window_size_ += size;
}

void ThroughputEstimator::on_sample(double kbps) {
    if (kbps_ < 0) {
        kbps_ = kbps;
        return;
    }
    kbps_ = std::max(kbps_, 1.0);
    const double surprise = kUncertainty * std::abs(kbps_ - kbps) / kbps_;
    const double sample_variance = surprise * surprise;
    const double predicted = variance_ + kWander;
    kbps_ = (sample_variance * kbps_ + predicted * kbps) / (sample_variance + predicted);
    variance_ = sample_variance * predicted / (sample_variance + predicted);
}

void ThroughputEstimator::expect_change() {
    variance_ += kExpectedChange;
}

std::optional<DataRate> ThroughputEstimator::rate() const {
    if (kbps_ < 0) {
        return std::nullopt;
    }
    return DataRate::bps(static_cast<std::int64_t>(kbps_ * 1000));
}

}  // namespace isthmus::media::congestion
