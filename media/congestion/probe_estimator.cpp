#include "media/congestion/probe_estimator.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// Of packets and bytes (libwebrtc: kMinReceivedProbesRatio, kMinReceivedBytesRatio).
constexpr double kWholeEnough = 0.8;
// A cluster that took longer was no burst.
constexpr Duration kSpanMax = std::chrono::seconds(1);
// Arriving faster than sent by more than this is a queue or a clock at work, not the path.
constexpr double kFasterMax = 2.0;
// Arriving slower than this share of the sending rate: the path is full, and a little less than
// what arrived is what it carries.
constexpr double kSlower = 0.9;
constexpr double kOfCapacity = 0.95;
// A probe that verifies lets no more than this be missing.
constexpr double kVerified = 0.95;

}  // namespace

void ProbeEstimator::expect(const ProbeCluster& cluster) {
    clusters_[cluster.id % kClusters] = {.asked = cluster};
}

// Packets are sent, and may arrive, several at the same instant: all of those at the end of the
// sending and at the beginning of the arriving lie outside of the time between.
void ProbeEstimator::add(Cluster& cluster, const PacketResult& packet) {
    const Duration arrived_at = packet.arrived_at.value_or(Duration::zero());
    const bool first = cluster.packets == 0;
    if (first || packet.sent_at < cluster.first_sent) {
        cluster.first_sent = packet.sent_at;
    }
    if (first || packet.sent_at > cluster.last_sent) {
        cluster.last_sent = packet.sent_at;
        cluster.last_sent_bytes = packet.bytes;
    } else if (packet.sent_at == cluster.last_sent) {
        cluster.last_sent_bytes += packet.bytes;
    }
    if (first || arrived_at < cluster.first_arrived) {
        cluster.first_arrived = arrived_at;
        cluster.first_arrived_bytes = packet.bytes;
    } else if (arrived_at == cluster.first_arrived) {
        cluster.first_arrived_bytes += packet.bytes;
    }
    if (first || arrived_at > cluster.last_arrived) {
        cluster.last_arrived = arrived_at;
    }
    ++cluster.packets;
    cluster.bytes += packet.bytes;
}

std::optional<DataRate> ProbeEstimator::rate_of(const Cluster& cluster) {
    const auto packets_min = cluster.asked.packets * kWholeEnough;
    const auto bytes_min = static_cast<double>(cluster.asked.size.bytes()) * kWholeEnough;
    if (cluster.packets < packets_min || static_cast<double>(cluster.bytes) < bytes_min) {
        return std::nullopt;
    }
    const Duration sending = cluster.last_sent - cluster.first_sent;
    const Duration arriving = cluster.last_arrived - cluster.first_arrived;
    if (sending <= Duration::zero() || sending > kSpanMax || arriving <= Duration::zero() ||
        arriving > kSpanMax) {
        return std::nullopt;
    }
    const DataRate sent = DataSize::bytes(cluster.bytes - cluster.last_sent_bytes) / sending;
    const DataRate arrived =
        DataSize::bytes(cluster.bytes - cluster.first_arrived_bytes) / arriving;
    if (sent <= DataRate() || arrived / sent > kFasterMax) {
        return std::nullopt;
    }
    if (!cluster.asked.verifies) {
        return arrived < sent * kSlower ? arrived * kOfCapacity : std::min(sent, arrived);
    }
    // Where others send too, what arrives is a share that grows with what is sent; only what is
    // missing tells of the limit, and by at least as much.
    return arrived < sent * kVerified ? std::max(arrived - (sent - arrived), DataRate())
                                      : std::min(sent, arrived);
}

std::optional<ProbeResult> ProbeEstimator::on_packet(const PacketResult& packet) {
    Cluster& cluster = clusters_[packet.probe % kClusters];
    if (packet.probe == kNoProbe || cluster.asked.id != packet.probe) {
        return std::nullopt;
    }
    add(cluster, packet);
    const auto rate = rate_of(cluster);
    if (!rate) {
        return std::nullopt;
    }
    return ProbeResult{.rate = *rate, .verifies = cluster.asked.verifies};
}

}  // namespace isthmus::media::congestion
