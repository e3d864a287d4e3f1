// Decides when the path is probed, and at which rate.
//
// At the beginning with three and six times the first estimate, then doubling while probes succeed.
// Later where the application sends too little to show what the path carries and has use for more,
// and after a drop, to see whether it has passed; rarer each time that nothing was gained. Leaves
// out how a probe is sent (prober.h) and what it found (probe_estimator.h).
//
// Source: libwebrtc's ProbeController; the rate of a probe comes from what the next better set of
// layers needs (layer_allocator.h), as its "allocation probing" does.
#pragma once

#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/probe_cluster.h"

namespace isthmus::media::congestion {

// What the application has use for.
struct WantedRates {
    // For the next better set of layers; zero where there is none.
    DataRate next;
    // What is sent now.
    DataRate used;
    // For all that it could send. Probes do not go far beyond, but at the beginning.
    DataRate most;
};

// The path as it looks after a feedback or a timeout.
struct ProbeConditions {
    DataRate estimate;
    // No queue grows or drains, nothing is lost.
    bool calm = true;
    bool application_limited = false;
};

class ProbeController {
  public:
    // `first` is the estimate at the beginning, `start_max` how far doubling goes then, and `max`
    // how far it goes at all.
    ProbeController(DataRate first, DataRate start_max, DataRate max);

    // Media begins to flow.
    void begin(Instant now);

    [[nodiscard]] bool begun() const { return begun_; }

    void set_wanted(const WantedRates& wanted);

    // The estimate fell to `estimate`; `before` is what it was.
    void on_drop(Instant now, DataRate before, DataRate estimate);
    // What a probe found, and what became of the estimate.
    void on_result(Instant now, DataRate result, const ProbeConditions& conditions);

    // The next cluster to send, if any; call until there is none.
    [[nodiscard]] std::optional<ProbeCluster> poll(Instant now, const ProbeConditions& conditions);

    // A cluster that poll() gave was not sent after all.
    void on_refused(Instant now);

    [[nodiscard]] Instant next_timeout() const;

  private:
    [[nodiscard]] ProbeCluster make_cluster(DataRate rate, bool verifies);
    void expect(Instant now, DataRate rate);
    [[nodiscard]] std::optional<DataRate> periodic(Instant now, const ProbeConditions& conditions);
    [[nodiscard]] bool in_beginning(Instant now) const;
    [[nodiscard]] DataRate ceiling(Instant now) const;
    // The better served a receiver is, the longer it waits: of several behind one bottleneck those
    // with least come first.
    [[nodiscard]] Duration interval_min() const;

    DataRate first_;
    DataRate start_max_;
    DataRate max_;
    WantedRates wanted_;
    bool begun_ = false;
    Instant begun_at_{};
    ProbeClusterId last_id_ = kNoProbe;

    int initial_left_ = 0;               // clusters of the beginning not given out yet
    std::optional<DataRate> follow_up_;  // the last one succeeded
    DataRate probing_at_;                // of the newest cluster; zero: no result is awaited
    DataRate estimate_before_;           // when it was given out
    Instant result_by_ = kNever;         // after this it is taken for lost
    Instant next_periodic_ = kNever;
    Duration interval_;
    std::optional<DataRate> dropped_from_;
    Instant dropped_at_{};
};

}  // namespace isthmus::media::congestion
