// What the path carries, measured while a queue stands before its bottleneck.
//
// A packet that took longer than the fastest of late waited behind others; from one
// such packet to the next the bottleneck worked without a pause, and what arrived in between is
// what it carries of ours. Unlike the throughput (throughput_estimator.h) this does not depend on
// how much was sent before the queue began: a sender of layered media jumps from a low rate to a
// high one, and its first key frame may fill a queue.
//
// Source: the packet-train idea of probes (probe_estimator.h), applied to what is sent anyway.
#pragma once

#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/packet_result.h"

namespace isthmus::media::congestion {

class BusyRate {
  public:
    // Received packets, in order of their numbers.
    void on_packet(Instant now, const PacketResult& packet);

    // Over the queue's last moments; nothing where there was none for a while.
    [[nodiscard]] std::optional<DataRate> rate(Instant now) const;

    // How long the newest packet waited, by the fastest of late.
    [[nodiscard]] Duration queued() const { return queued_; }

  private:
    void follow_base(Instant now, Duration transit);
    void begin(Duration arrived_at);

    // The smallest transit, creeping up; by two clocks, so it may be anything.
    std::optional<Duration> base_;
    Instant base_at_{};
    Duration queued_{};
    bool busy_ = false;
    Duration began_{};  // the busy time's first packet arrived; does not count itself
    Duration last_{};
    std::int64_t bytes_ = 0;
    std::uint32_t packets_ = 0;

    std::optional<DataRate> rate_;
    Instant measured_at_{};
};

}  // namespace isthmus::media::congestion
