// What GET /metrics says. docs/metrics.md names every metric; a test holds the two together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/server.h"
#include "media/sfu/conference_info.h"
#include "media/worker/data_stats.h"

namespace isthmus::signaling::api {

struct ProcessStats {
    double cpu_seconds = 0;
    double start_time_unix_seconds = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t max_fds = 0;
    std::uint64_t threads = 0;
};

// From /proc/self; a figure that cannot be read stays 0.
[[nodiscard]] ProcessStats read_process_stats();

// Of WHIP and WHEP.
struct SignalingStats {
    std::uint64_t sessions_created = 0;
    std::uint64_t sessions_refused = 0;
    std::uint64_t ice_restarts = 0;
    std::uint64_t livekit_joins = 0;
    std::uint64_t livekit_resumes = 0;
    std::uint64_t livekit_refused = 0;
    std::uint64_t livekit_malformed = 0;
    std::uint64_t maintenance_conferences_ended = 0;

    std::uint64_t publishers = 0;  // now
    std::uint64_t viewers = 0;     // now
    std::uint64_t rooms = 0;
    std::uint64_t room_participants = 0;
    std::uint64_t livekit_sessions = 0;
    std::uint64_t maintenance_mode = 0;  // 0 off, 1 pending, 2 on
};

struct MetricsInput {
    std::string_view version;
    const std::vector<media::sfu::WorkerStats>& workers;
    const media::DataStats& data;
    const SignalingStats& signaling;
    const http::ServerCounters& http;
    const ProcessStats& process;
};

// Prometheus text format 0.0.4.
[[nodiscard]] std::string write_metrics(const MetricsInput& input);

}  // namespace isthmus::signaling::api
