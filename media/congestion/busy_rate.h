// What the path carries, measured while a queue stands before its bottleneck.
//
// A packet that took longer than the fastest of the last seconds waited behind others; from one
// such packet to the next the bottleneck worked without a pause, and what arrived in between is what
// it carries of ours. Unlike the throughput (throughput_estimator.h) this does not depend on how
// much was sent before the queue began: a sender of layered media jumps from a low rate to a high
// one, and its first key frame may fill a queue.
//
// Source: the packet-train idea of probes (probe_estimator.h), applied to what is sent anyway.
#pragma once

#include <array>
#include <cstddef>
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

    // How long the newest packet waited, by the fastest of the last seconds.
    [[nodiscard]] Duration queued() const { return queued_; }

  private:
    static constexpr std::size_t kSlots = 4;

    void follow_base(Instant now, Duration transit);
    void begin(const PacketResult& packet);

    // The smallest transit of each slot of time; on two clocks, so it may be anything.
    std::array<Duration, kSlots> bases_{};
    std::size_t slot_ = 0;
    bool started_ = false;
    Instant slot_began_{};

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
