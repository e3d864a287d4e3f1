// What a run found, as figures; text, JSON and HTML are made from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "tools/load/load_options.h"
#include "tools/load/load_sample.h"
#include "tools/load/node_probe.h"

namespace isthmus::load {

// One second of the run, for the charts.
struct SecondSample {
    double at_s = 0;  // end of the second, since the run began
    bool measured = false;
    ParticipantCounts participants;
    double packets_per_s = 0;  // received and authenticated
    double bits_per_s = 0;     // payload received
    double loss_ratio = 0;     // not repaired
    double video_p50_ms = 0;
    double video_p99_ms = 0;
    double audio_p99_ms = 0;
    double load_cpu = 0;  // of the busiest thread, 0 to 1
    double node_cpu = 0;  // of all its threads, in cores
    double node_rss_mib = 0;
};

struct NodeFigures {
    std::vector<NodeThread> threads;  // CPU time within the measurement
    double cpu_s = 0;
    double packets_per_cpu_s = 0;         // packets that clients accepted
    double worker_packets_per_cpu_s = 0;  // by the busiest thread's CPU time alone
    std::uint64_t rss_before_bytes = 0;   // before the viewers joined
    std::uint64_t rss_after_bytes = 0;    // at the end
    double join_cpu_s = 0;                // while the viewers joined
    std::uint64_t joined = 0;             // of them, in that time
};

struct RunReport {
    LoadOptions options;
    std::vector<SecondSample> seconds;
    // The measurement.
    double measured_s = 0;
    MediaCounts media;
    DurationSet durations;  // latencies within it; joins of the whole run
    ParticipantCounts participants;
    double load_cpu_s = 0;
    double load_cpu_peak = 0;  // of one thread in one second, 0 to 1
    double load_ns_per_packet = 0;
    double load_kernel_ns_per_packet = 0;  // of that, in the kernel
    std::uint64_t socket_drops = 0;
    std::optional<NodeFigures> node;
    std::uint64_t trickled = 0;  // PATCHes with a candidate
    std::uint64_t trickles_refused = 0;

    // Why the figures say nothing about the node; empty where they do.
    std::vector<std::string> invalid;
    // Why it is not what was asked for: participants that did not join, limits that broke.
    std::vector<std::string> remarks;
    // With ramp_until_limit: viewers that all limits held for.
    std::optional<std::uint64_t> viewers_within_limits;
    std::string limit_broken;

    [[nodiscard]] double loss_ratio() const;  // by the network, before repair
    [[nodiscard]] double unrepaired_ratio() const;
};

[[nodiscard]] double unrepaired_ratio_of(const MediaCounts& counts);

[[nodiscard]] inline double to_ms(Duration duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

}  // namespace isthmus::load
