#include "media/congestion/trendline_filter.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// libwebrtc's smoothing coefficient.
constexpr double kSmoothing = 0.9;
constexpr int kGroupsCounted = 1000;
// Floats hold milliseconds to a thousandth for this long; then the ring's times are moved back.
constexpr float kRebaseMs = 8192;

double ms(Duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

double TrendlineFilter::on_group(const GroupDelta& delta) {
    groups_ = std::min(groups_ + 1, kGroupsCounted);
    if (groups_ == 1) {
        first_arrived_at_ = delta.arrived_at;
    }
    accumulated_ms_ += ms(delta.arrived - delta.sent);
    smoothed_delay_ms_ = kSmoothing * smoothed_delay_ms_ + (1 - kSmoothing) * accumulated_ms_;
    auto arrived_ms = static_cast<float>(ms(delta.arrived_at - first_arrived_at_));
    if (arrived_ms > kRebaseMs) {
        for (float& earlier : arrived_ms_) {
            earlier -= arrived_ms;
        }
        // The line's height is of no interest either.
        for (float& earlier : smoothed_ms_) {
            earlier -= static_cast<float>(smoothed_delay_ms_);
        }
        accumulated_ms_ -= smoothed_delay_ms_;
        smoothed_delay_ms_ = 0;
        first_arrived_at_ = delta.arrived_at;
        arrived_ms = 0;
    }
    arrived_ms_[next_] = arrived_ms;
    smoothed_ms_[next_] = static_cast<float>(smoothed_delay_ms_);
    next_ = (next_ + 1) % kWindow;
    if (groups_ >= static_cast<int>(kWindow)) {
        slope_ = fit();
    }
    return slope_;
}

double TrendlineFilter::fit() const {
    double x_sum = 0;
    double y_sum = 0;
    for (std::size_t i = 0; i < kWindow; ++i) {
        x_sum += arrived_ms_[i];
        y_sum += smoothed_ms_[i];
    }
    const double x_mean = x_sum / kWindow;
    const double y_mean = y_sum / kWindow;
    double covariance = 0;
    double variance = 0;
    for (std::size_t i = 0; i < kWindow; ++i) {
        const double x = arrived_ms_[i] - x_mean;
        covariance += x * (smoothed_ms_[i] - y_mean);
        variance += x * x;
    }
    return variance > 0 ? covariance / variance : slope_;
}

}  // namespace isthmus::media::congestion
