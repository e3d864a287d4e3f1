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
        sum_up();
    }
    put(arrived_ms, static_cast<float>(smoothed_delay_ms_));
    if (groups_ >= static_cast<int>(kWindow)) {
        slope_ = fit();
    }
    return slope_;
}

void TrendlineFilter::put(float x, float y) {
    if (groups_ > static_cast<int>(kWindow)) {
        add(arrived_ms_[next_], smoothed_ms_[next_], -1);
    }
    arrived_ms_[next_] = x;
    smoothed_ms_[next_] = y;
    add(x, y, 1);
    next_ = (next_ + 1) % kWindow;
    if (next_ == 0) {
        // Now and then from the beginning, so that rounding does not add up.
        sum_up();
    }
}

void TrendlineFilter::add(float x, float y, double sign) {
    const double wide_x = x;
    const double wide_y = y;
    x_sum_ += sign * wide_x;
    y_sum_ += sign * wide_y;
    xx_sum_ += sign * wide_x * wide_x;
    xy_sum_ += sign * wide_x * wide_y;
}

// Entries that are not filled yet are zero and add nothing.
void TrendlineFilter::sum_up() {
    x_sum_ = 0;
    y_sum_ = 0;
    xx_sum_ = 0;
    xy_sum_ = 0;
    for (std::size_t i = 0; i < kWindow; ++i) {
        add(arrived_ms_[i], smoothed_ms_[i], 1);
    }
}

double TrendlineFilter::fit() const {
    const double covariance = xy_sum_ - x_sum_ * y_sum_ / kWindow;
    const double variance = xx_sum_ - x_sum_ * x_sum_ / kWindow;
    // Twenty groups lie further apart than this, squared milliseconds, or they are one burst.
    constexpr double kVarianceMin = 0.01;
    return variance > kVarianceMin ? covariance / variance : slope_;
}

}  // namespace isthmus::media::congestion
