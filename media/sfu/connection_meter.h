// What became of a connection's media over the last few seconds, both ways: what a client's bars
// for the quality of its connection are drawn from.
//
// Given totals that only grow; where tracks ended in between they may not, and that interval counts
// as one without loss.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::sfu {

struct ConnectionFigures {
    double loss_up = 0;  // ratio of what the client sent, before anything was repaired
    double loss_down = 0;
    double round_trip_seconds = 0;  // 0 where it is not known
};

class ConnectionMeter {
  public:
    static constexpr Duration kInterval = std::chrono::seconds(5);

    // Of all streams that the client sends.
    struct Received {
        std::uint64_t packets = 0;
        std::uint64_t lost = 0;
    };

    void start(Instant now) { due_at_ = now + kInterval; }

    [[nodiscard]] Instant next_timeout() const { return due_at_; }

    [[nodiscard]] bool is_due(Instant now) const { return now >= due_at_; }

    // Ends the interval; returns the ratio that was lost in it.
    double finish_interval(Instant now, const Received& total);

  private:
    Instant due_at_ = kNever;
    Received before_;
};

}  // namespace isthmus::media::sfu
