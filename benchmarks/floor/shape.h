// The traffic whose floor is measured, and what a run of it gave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::floor {

// So many packets, so often, to each receiver.
struct Shape {
    std::string name;
    std::size_t receivers = 400;
    std::size_t packets = 8;           // that belong together: a video frame
    std::size_t payload_bytes = 1152;  // with 20 bytes of header and GCM's tag 1188
    std::size_t bursts_per_second = 30;
    media::transport::SrtpProfile profile = media::transport::SrtpProfile::kAeadAes128Gcm;
    bool gro = false;  // the receivers read with UDP_GRO
};

struct RunResult {
    std::uint64_t sent = 0;
    std::uint64_t accepted = 0;
    double cpu_seconds = 0;  // of the sender's thread
    double messages = 0;
    // Of each receiver's last packet of a burst: from the burst's beginning to authentication.
    Duration latency_p50{};
    Duration latency_p99{};

    [[nodiscard]] double accepted_per_cpu_second() const {
        return cpu_seconds > 0 ? static_cast<double>(accepted) / cpu_seconds : 0;
    }
};

}  // namespace isthmus::floor
