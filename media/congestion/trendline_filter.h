// The slope of the one-way delay over the last groups of packets: above zero while a queue grows.
//
// Sums the delay differences, smooths the sum and fits a line through the last twenty by least
// squares, from sums that follow the window. The ring holds floats of milliseconds since the first
// of them, which keeps it small.
//
// Sources: draft-ietf-rmcat-gcc-02 has a Kalman filter here (section 5.3); libwebrtc replaced it by
// this in 2016 (TrendlineEstimator).
#pragma once

#include <array>
#include <cstddef>

#include "media/congestion/arrival_groups.h"

namespace isthmus::media::congestion {

class TrendlineFilter {
  public:
    // The slope, in milliseconds of delay per millisecond: 0 until the window is full.
    double on_group(const GroupDelta& delta);

    // Groups seen, as far as anybody counts.
    [[nodiscard]] int groups() const { return groups_; }

    void reset() { *this = TrendlineFilter(); }

  private:
    static constexpr std::size_t kWindow = 20;

    void put(float x, float y);
    void add(float x, float y, double sign);
    void sum_up();
    [[nodiscard]] double fit() const;

    // At index modulo kWindow; order does not matter to the fit.
    std::array<float, kWindow> arrived_ms_{};
    std::array<float, kWindow> smoothed_ms_{};
    std::size_t next_ = 0;
    // Over the ring: of x, y, x * x and x * y.
    double x_sum_ = 0;
    double y_sum_ = 0;
    double xx_sum_ = 0;
    double xy_sum_ = 0;
    int groups_ = 0;
    Duration first_arrived_at_{};
    double accumulated_ms_ = 0;
    double smoothed_delay_ms_ = 0;
    double slope_ = 0;
};

}  // namespace isthmus::media::congestion
