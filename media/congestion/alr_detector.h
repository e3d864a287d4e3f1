// Is the sender limited by its application, that is, does it send a good deal less than it might
// (application-limited region, ALR)?
//
// A budget of 65 % of the target fills with time and is used up by what is sent: nearly full means
// yes, half used means no. Source: libwebrtc's AlrDetector.
#pragma once

#include <optional>

#include "base/data_rate.h"
#include "base/time.h"

namespace isthmus::media::congestion {

class AlrDetector {
  public:
    explicit AlrDetector(DataRate target) { set_target(target); }

    void set_target(DataRate target);

    void on_sent(Instant now, DataSize size);

    // Time passes without packets, too.
    void update(Instant now) { on_sent(now, DataSize()); }

    // Since when; nothing outside of the region.
    [[nodiscard]] std::optional<Instant> since() const { return since_; }

  private:
    double bytes_per_ns_ = 0;
    double full_bytes_ = 0;
    double budget_bytes_ = 0;  // -full_bytes_ to full_bytes_
    std::optional<Instant> updated_at_;
    std::optional<Instant> since_;
};

}  // namespace isthmus::media::congestion
