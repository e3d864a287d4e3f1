// What a probe cluster found: the rate at which its packets arrived.
//
// Source: libwebrtc's ProbeBitrateEstimator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/packet_result.h"
#include "media/congestion/probe_cluster.h"

namespace isthmus::media::congestion {

struct ProbeResult {
    DataRate rate;
    bool verifies = false;  // as asked
};

class ProbeEstimator {
  public:
    // From now on packets of this cluster count.
    void expect(const ProbeCluster& cluster);

    // A received packet with a cluster. A rate where the cluster is whole enough to tell one; the
    // later packets of it improve on that.
    std::optional<ProbeResult> on_packet(const PacketResult& packet);

  private:
    static constexpr std::size_t kClusters = 4;

    struct Cluster {
        ProbeCluster asked;
        std::uint32_t packets = 0;
        std::int64_t bytes = 0;
        Instant first_sent;
        Instant last_sent;
        Duration first_arrived{};
        Duration last_arrived{};
        std::int64_t first_arrived_bytes = 0;
        std::int64_t last_sent_bytes = 0;
    };

    static void add(Cluster& cluster, const PacketResult& packet);
    [[nodiscard]] static std::optional<DataRate> rate_of(const Cluster& cluster);

    // At id modulo kClusters.
    std::array<Cluster, kClusters> clusters_{};
};

}  // namespace isthmus::media::congestion
