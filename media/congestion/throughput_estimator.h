// The rate at which packets arrive at the receiver, from its feedback.
//
// Samples of 150 ms (the first of 500 ms) are merged by how surprising they are: a Bayesian filter,
// so that one odd window moves little and a lasting change moves quickly. Times are the receiver's:
// one that lies gets more than its line carries, up to the configured maximum.
//
// Source: libwebrtc's BitrateEstimator (AcknowledgedBitrateEstimator).
#pragma once

#include <optional>

#include "base/data_rate.h"
#include "base/time.h"

namespace isthmus::media::congestion {

class ThroughputEstimator {
  public:
    // In order of arrival, or nearly.
    void on_packet(Duration arrived_at, DataSize size);

    // The rate is about to change: believe the next samples more.
    void expect_change();

    // Nothing before the first window is full.
    [[nodiscard]] std::optional<DataRate> rate() const;

  private:
    void on_sample(double kbps);

    bool started_ = false;
    Duration last_arrived_at_{};
    Duration window_{};  // how much of it has passed
    DataSize window_size_;
    double kbps_ = -1;
    double variance_ = 50;  // kbit/s squared
};

}  // namespace isthmus::media::congestion
