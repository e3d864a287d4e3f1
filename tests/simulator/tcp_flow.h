// A TCP connection that sends as much as it may, as cross traffic: slow start, congestion
// avoidance, fast retransmit and recovery, time-outs.
//
//     sender -- forward --> receiver -- backward --> sender
//
// Every segment is acknowledged at once. A model: windows are counted in segments, nothing is
// carried. Leaves out: SACK, handshake, flow control, delayed acknowledgements. Specification: RFC
// 5681, RFC 6582 (NewReno), RFC 6298.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "base/time.h"
#include "tests/simulator/link.h"
#include "tests/simulator/simulator.h"

namespace isthmus::simulator {

class TcpFlow {
  public:
    // All outlive the flow. `delay` is each way, besides the lines'.
    TcpFlow(Simulator& simulator, Link& forward, Link& backward, Duration delay);

    // Sends so many bytes, or without end.
    void start(std::optional<std::uint64_t> bytes = std::nullopt);
    // Sends nothing new.
    void stop();

    [[nodiscard]] bool done() const { return ending_ && acked_ >= *ending_; }

    [[nodiscard]] std::uint64_t delivered_bytes() const { return acked_ * kSegmentBytes; }

    [[nodiscard]] std::uint64_t retransmissions() const { return retransmissions_; }

  private:
    static constexpr std::uint64_t kSegmentBytes = 1460;
    static constexpr std::size_t kHeaderBytes = 40;

    void send_window();
    void send(std::uint64_t segment);
    void receive(std::uint64_t segment);
    void handle_ack(std::uint64_t next);
    void handle_new_ack(std::uint64_t next);
    void handle_duplicate_ack();
    void measure(Duration sample);
    void arm();
    void handle_timeout();

    [[nodiscard]] double in_flight() const { return static_cast<double>(next_ - acked_); }

    Simulator& simulator_;
    Link& forward_;
    Link& backward_;
    Duration delay_;
    bool running_ = false;
    std::optional<std::uint64_t> ending_;  // the segment behind the last

    // Sender, in segments.
    std::uint64_t next_ = 0;
    std::uint64_t highest_ = 0;  // one behind the highest ever sent
    std::uint64_t acked_ = 0;    // one behind the highest acknowledged
    double window_ = 10;         // RFC 6928
    double threshold_ = 1e9;
    int duplicates_ = 0;
    std::optional<std::uint64_t> recover_;  // in fast recovery, until this is acknowledged
    std::optional<std::uint64_t> timed_;    // the segment whose round trip is measured
    Instant timed_at_{};
    std::optional<Duration> smoothed_;
    Duration variation_{};
    Duration timeout_ = std::chrono::seconds(1);
    std::uint64_t timer_ = 0;  // the newest; older ones that fire are void
    std::uint64_t retransmissions_ = 0;

    // Receiver.
    std::uint64_t expected_ = 0;
    std::set<std::uint64_t> early_;
};

}  // namespace isthmus::simulator
