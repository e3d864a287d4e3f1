// Decides whether a receiver's wish for a packet is granted: a lost packet is worth sending again,
// a receiver that asks without end is not, and nobody may turn small NACKs into a flood.
//
// One per stream sent to a receiver. Memory is taken at the first wish.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

struct RetransmissionLimits {
    // Times that one packet is sent again. As many as a Chromium receiver asks.
    std::uint8_t tries = 10;
    // Bytes per second in retransmissions, and at once: 2 Mbit/s, one second of it.
    std::size_t bytes_per_second = 250'000;
    std::size_t burst_bytes = 250'000;
    // Wishes looked into, per second and at once; each costs a search. A receiver that loses half
    // of 30 Mbit/s and asks three times wishes for less; a datagram of NACKs can name 5,000.
    std::uint32_t wishes_per_second = 5'000;
};

class RetransmissionPolicy {
  public:
    explicit RetransmissionPolicy(RetransmissionLimits limits);

    // To the receiver; a packet sent again less than this ago is still on its way. Below 5 ms
    // counts as 5 ms.
    void on_rtt(Duration rtt);

    // May the receiver wish for one more packet? Counts. To be asked before the packet is looked
    // for.
    [[nodiscard]] bool consider(Instant now);

    // `seq` is the receiver's number, `bytes` the packet's size. True means that it is sent, and
    // counts.
    [[nodiscard]] bool allow(Instant now, ExtendedSeq seq, std::size_t bytes);

    [[nodiscard]] std::uint64_t allowed() const { return allowed_; }

    [[nodiscard]] std::uint64_t refused_too_soon() const { return refused_too_soon_; }

    [[nodiscard]] std::uint64_t refused_tries() const { return refused_tries_; }

    [[nodiscard]] std::uint64_t refused_rate() const { return refused_rate_; }

    // By consider().
    [[nodiscard]] std::uint64_t refused_wishes() const { return refused_wishes_; }

  private:
    // Packets remembered, at seq modulo it. One that is pushed out by a newer one begins anew; the
    // byte rate still holds.
    static constexpr std::size_t kMemory = 128;

    struct Sent {
        ExtendedSeq seq{};
        Instant at{};
        std::uint8_t tries = 0;
    };

    RetransmissionLimits limits_;
    Duration rtt_ = std::chrono::milliseconds(50);
    std::unique_ptr<std::array<Sent, kMemory>> sent_;
    double tokens_;  // bytes
    Instant refilled_at_{};
    double wishes_;  // that may still be looked into
    Instant wishes_at_ = Instant::min();
    std::uint64_t allowed_ = 0;
    std::uint64_t refused_too_soon_ = 0;
    std::uint64_t refused_tries_ = 0;
    std::uint64_t refused_rate_ = 0;
    std::uint64_t refused_wishes_ = 0;
};

}  // namespace isthmus::media::rtp
