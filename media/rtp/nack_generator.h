// Decides which lost RTP packets to ask the sender for again, and when.
//
// One per received stream. A pure state machine: no socket, no clock, no allocation after
// construction. After every call that takes `now`, drain poll_nack() and then re-arm from
// next_timeout(). A jump over more than the window is a restart: what was missing is forgotten.
//
// Specification: RFC 4585 section 6.2.1 (generic NACK).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

struct NackLimits {
    // How far behind the newest packet a missing one may be; older gaps are given up. RTP packets,
    // a power of two.
    std::uint16_t window = 512;
    // Requests for one packet before it is given up.
    std::uint8_t tries = 10;
    // Before the first request: networks reorder, and what is only late need not be sent twice.
    Duration reorder_wait = std::chrono::milliseconds(5);
};

struct NackCounters {
    std::uint64_t requested = 0;  // sequence numbers in all requests, repetitions included
    std::uint64_t recovered = 0;  // arrived after having been asked for
    std::uint64_t given_up = 0;   // asked for in vain, or fallen out of the window
    std::uint64_t resets = 0;     // jumps over more than the window
};

class NackGenerator {
  public:
    explicit NackGenerator(NackLimits limits);

    // Records the arrival of `seq`, by itself or as a retransmission. Late and repeated packets are
    // allowed.
    void on_packet(Instant now, ExtendedSeq seq);

    // Sets the wait between two requests for one packet; at least 1 ms.
    void on_rtt(Duration rtt);

    // What is older than `seq` is of no use any more: a key frame began there.
    void forget_before(ExtendedSeq seq);

    void handle_timeout(Instant now);

    // Returns the sequence numbers of one RTCP message in ascending order, or nothing when drained.
    // The span is valid until the next call.
    [[nodiscard]] std::optional<std::span<const ExtendedSeq>> poll_nack();

    // kNever while nothing is missing.
    [[nodiscard]] Instant next_timeout() const { return next_timeout_; }

    [[nodiscard]] std::size_t missing() const { return missing_; }

    [[nodiscard]] const NackCounters& counters() const { return counters_; }

  private:
    static constexpr std::size_t kBatchMax = 64;

    // At seq modulo the window; `due` is kNever where the packet is not missing.
    struct Slot {
        Instant due = kNever;
        std::uint8_t tries = 0;
    };

    [[nodiscard]] Slot& slot_of(ExtendedSeq seq) {
        return slots_[value_of(seq) & (limits_.window - 1U)];
    }

    void clear(Slot& slot);
    void add_missing(Instant now, ExtendedSeq first, ExtendedSeq end);
    void skip_to(ExtendedSeq oldest);

    NackLimits limits_;
    std::vector<Slot> slots_;  // `window` of them
    std::optional<ExtendedSeq> highest_;
    ExtendedSeq oldest_{};  // nothing before it is missing
    std::size_t missing_ = 0;
    Duration rtt_ = std::chrono::milliseconds(100);
    Instant now_{};
    Instant next_timeout_ = kNever;
    NackCounters counters_;
    std::array<ExtendedSeq, kBatchMax> batch_{};
};

}  // namespace isthmus::media::rtp
