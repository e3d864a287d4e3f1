// The test cases of RFC 8867 sections 5.1 to 5.8, as simulated scenarios with figures.
//
// All share one bottleneck, as the RFC draws it:
//
//     S1 --+                                  +-- R1
//          +-- A -- forward (the bottleneck) -- B --+
//     Sn --+          <-- backward --         +-- Rn
//
// One-way delay 50 ms, a queue of 300 ms that drops its tail. Media is one simulcast track of three
// layers, each with two temporal layers, 100 to 1500 kbit/s, and audio.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/media/congestion/flow_report.h"
#include "tests/media/congestion/media_flow.h"
#include "tests/simulator/link.h"
#include "tests/simulator/simulator.h"
#include "tests/simulator/tcp_flow.h"

namespace isthmus::media::congestion {

// Seconds from the beginning, and the rate from then on.
struct CapacityChange {
    double at_s = 0;
    std::int64_t kbps = 0;
};

using CapacityPlan = std::vector<CapacityChange>;

class Bottleneck {
  public:
    // Plans begin at 0 s.
    Bottleneck(CapacityPlan forward, CapacityPlan backward, std::uint64_t seed);

    // A flow with the track that all scenarios use, or with others; starts at `at_s`.
    MediaFlow& add_flow(double at_s, Duration delay = {});
    MediaFlow& add_flow(double at_s, FlowConfig config);
    // Media the other way.
    MediaFlow& add_reverse_flow(double at_s);
    simulator::TcpFlow& add_tcp();

    [[nodiscard]] simulator::Simulator& simulator() { return simulator_; }

    // From the beginning until then.
    void run_until(double at_s);

    [[nodiscard]] Span span(double from_s, double to_s) const;
    [[nodiscard]] std::vector<const FlowTrace*> traces() const;
    // Bits that the forward line could carry within the span.
    [[nodiscard]] double capacity_bits(double from_s, double to_s) const;

    [[nodiscard]] const std::deque<MediaFlow>& flows() const { return flows_; }

    // Of it, what the media flows could use.
    [[nodiscard]] double usable_bits(double from_s, double to_s) const;
    // Media received, of what the line could carry or the flows could use.
    [[nodiscard]] double utilisation(double from_s, double to_s) const;

  private:
    void follow(simulator::Link& link, const CapacityPlan& plan);

    simulator::Simulator simulator_;
    Instant began_;
    CapacityPlan plan_;
    simulator::Link forward_;
    simulator::Link backward_;
    std::uint64_t seed_;
    std::deque<MediaFlow> flows_;
    std::deque<MediaFlow> reverse_flows_;
    std::deque<simulator::TcpFlow> tcp_;
};

[[nodiscard]] TrackModel rfc_track();

struct Figures {
    std::string name;
    double utilisation = 0;  // 0 to 1
    double queued_ms_p50 = 0;
    double queued_ms_p95 = 0;
    double loss = 0;                 // 0 to 1
    std::optional<double> jain;      // of the flows' mean rates while all were there
    std::optional<double> settle_s;  // until targets first reach 90 % of a fair share
    double padding = 0;              // the most of any flow
    int switches = 0;                // of layers, all flows
    double gap_ms = 0;               // the longest without a video packet
    double rate_min_kbps = 0;        // the least mean rate of a media flow
};

[[nodiscard]] Figures variable_capacity(std::uint64_t seed);            // 5.1
[[nodiscard]] Figures variable_capacity_two_flows(std::uint64_t seed);  // 5.2
[[nodiscard]] Figures congested_feedback(std::uint64_t seed);           // 5.3
[[nodiscard]] Figures competing_flows(std::uint64_t seed);              // 5.4
[[nodiscard]] Figures round_trip_fairness(std::uint64_t seed);          // 5.5
[[nodiscard]] Figures long_tcp(std::uint64_t seed);                     // 5.6
[[nodiscard]] Figures short_tcp(std::uint64_t seed);                    // 5.7
[[nodiscard]] Figures pause_and_resume(std::uint64_t seed);             // 5.8
// Besides the RFC's: four flows that begin together.
[[nodiscard]] Figures four_equal_flows(std::uint64_t seed);

}  // namespace isthmus::media::congestion
