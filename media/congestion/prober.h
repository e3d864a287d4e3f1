// Spreads probe clusters over time: how many bytes of which cluster are to be sent now.
//
// Whoever drives it sends queued media first and padding for the rest, marks the packets with the
// cluster, and tells on_sent(). Source: libwebrtc's BitrateProber.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/probe_cluster.h"

namespace isthmus::media::congestion {

struct ProbeSend {
    ProbeClusterId cluster = kNoProbe;
    DataRate rate;
    DataSize size;         // due now, at least a byte: one packet more is sent than fits into it
    DataSize packet_size;  // padding in larger packets makes the cluster longer than it needs be
};

class Prober {
  public:
    // Clusters wait for each other; beyond four the newest is left out: false.
    bool add(Instant now, const ProbeCluster& cluster);

    // What is due now.
    [[nodiscard]] std::optional<ProbeSend> poll(Instant now);

    void on_sent(Instant now, ProbeClusterId cluster, DataSize size);

    // The cluster that has begun and not ended, or kNoProbe. What is sent meanwhile for other
    // reasons takes its part of the path and belongs to it as well.
    [[nodiscard]] ProbeClusterId current() const {
        return waiting_ > 0 && queue_[0].began_at ? queue_[0].cluster.id : kNoProbe;
    }

    // kNever while there is nothing to probe.
    [[nodiscard]] Instant next_send() const;

    // When to ask again: later than next_send() where what poll() gave could not be sent.
    [[nodiscard]] Instant next_timeout() const { return std::max(next_send(), retry_at_); }

    [[nodiscard]] bool idle() const { return waiting_ == 0; }

    void clear() { waiting_ = 0; }

  private:
    static constexpr std::size_t kClustersMax = 4;

    struct Progress {
        ProbeCluster cluster;
        Instant added_at;
        std::optional<Instant> began_at;
        DataSize sent;
        std::uint32_t packets = 0;
    };

    void drop_first();

    std::array<Progress, kClustersMax> queue_{};
    std::size_t waiting_ = 0;
    Instant retry_at_ = Instant::min();
};

}  // namespace isthmus::media::congestion
