// The rate towards a receiver that says nothing of single packets: what its reports and its own
// estimate (REMB) leave of it.
//
// Nothing is known at the beginning, and nothing limits until something is said against it: those
// who report no more than loss are phones and room systems, on lines that are made for it. Loss
// beyond a third is a queue that drops, and what arrives is what there is; less than that is cut by
// half of it, as loss control has it. Afterwards the limit grows as long as next to nothing is
// lost.
//
// REMB is the limit, with one exception. Whoever makes one cannot see further than half above what
// arrives (libwebrtc's AimdRateControl), so one of about that height says no more than that all is
// well: then the next better set of layers may be tried, and what REMB says of that counts.
//
// Leaves out pacing and layers. Specification: RFC 3550 section 6.4.1, draft-alvestrand-rmcat-remb;
// draft-ietf-rmcat-gcc-02 section 6.
#pragma once

#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/loss_control.h"
#include "media/congestion/probe_controller.h"
#include "media/congestion/round_trip.h"

namespace isthmus::media::congestion {

// What report blocks say of all streams together.
struct ReportedLoss {
    std::uint32_t packets = 0;  // that were sent since the blocks before
    std::uint32_t lost = 0;     // of them
    std::optional<Duration> round_trip;
};

class ReportControl {
  public:
    ReportControl(DataRate min, DataRate max) : min_(min), max_(max) {}

    // `sent` is all that was ever sent, with headers.
    void on_reports(Instant now, const ReportedLoss& reported, DataSize sent);
    void on_remb(Instant now, DataRate limit, DataSize sent);

    void set_wanted(const WantedRates& wanted);

    // For media, with headers; unlimited while nothing limits it.
    [[nodiscard]] DataRate target() const;

    [[nodiscard]] double loss() const { return loss_.loss(); }

    [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_.smoothed(); }

  private:
    void measure(Instant now, DataSize sent);
    [[nodiscard]] DataRate receiver_limit() const;

    DataRate min_;
    DataRate max_;
    LossControl loss_;
    RoundTrip round_trip_;
    DataRate remb_ = DataRate::unlimited();
    DataRate wanted_next_;
    std::optional<Instant> measured_at_;
    DataSize sent_;                      // by then
    std::optional<DataRate> sent_rate_;  // of the last half second or more
};

}  // namespace isthmus::media::congestion
