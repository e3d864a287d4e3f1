// A run of packets sent faster than usual, to see whether the path carries that rate.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/data_rate.h"
#include "media/congestion/packet_result.h"

namespace isthmus::media::congestion {

struct ProbeCluster {
    ProbeClusterId id = kNoProbe;
    DataRate rate;
    // At least.
    DataSize size;
    std::uint32_t packets = 0;
    // Asks whether this rate goes through, not how much does (probe_estimator.h).
    bool verifies = false;
};

// libwebrtc: kMinProbeDuration, kMinProbePacketsSent.
inline constexpr Duration kProbeDuration = std::chrono::milliseconds(15);
// Of one that verifies: long enough for a queue to grow past the noise of frames.
inline constexpr Duration kVerifyDuration = std::chrono::milliseconds(100);
inline constexpr std::uint32_t kProbePackets = 5;

}  // namespace isthmus::media::congestion
