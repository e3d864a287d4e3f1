// When packets of one receiver may leave, and how many bytes at once.
//
// Credit grows at the pacing rate while packets wait, up to one release: 5 ms' worth, or two
// packets where that is more. A release spends it on a run of packets that leave together (one GSO
// message); the next comes when there is credit for a whole release or for all that waits, on a
// grid of time that all receivers of a worker share, so that one tick serves many. Audio passes at
// once and is paid for by what comes after. Packets that waited too long raise the rate until they
// are gone.
//
// Leaves out the packets (pacer_queue.h) and who sends them.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/data_rate.h"
#include "base/time.h"

namespace isthmus::media::congestion {

struct PacerConfig {
    Duration release = std::chrono::milliseconds(5);
    DataSize release_min = DataSize::bytes(2500);  // two packets
    // Releases happen at multiples of this. Zero: at any time.
    Duration grid = std::chrono::milliseconds(1);
    // Packets older than this are drained faster than the pacing rate.
    Duration queue_time_max = std::chrono::milliseconds(250);
};

class Pacer {
  public:
    explicit Pacer(const PacerConfig& config, DataRate rate);

    void set_rate(DataRate rate) { rate_ = rate; }

    [[nodiscard]] DataRate rate() const { return rate_; }

    // What may leave now, at most. `oldest` is when the oldest waiting packet was queued.
    [[nodiscard]] DataSize allowance(Instant now, DataSize queued, Instant oldest);

    // Everything that leaves, paced or not; of it too much is a debt, bounded.
    void on_sent(Instant now, DataSize size);

    // When the next release is due; kNever where nothing waits.
    [[nodiscard]] Instant next_release(Instant now, DataSize queued, Instant oldest) const;

    // What one release carries at most.
    [[nodiscard]] DataSize release_size() const;

  private:
    [[nodiscard]] double rate_for(Instant now, DataSize queued, Instant oldest) const;
    [[nodiscard]] double full_at(double bytes_per_ns) const;
    void earn(Instant now, double bytes_per_ns);

    PacerConfig config_;
    DataRate rate_;
    double credit_bytes_ = 0;
    Instant updated_at_;
    bool started_ = false;
};

}  // namespace isthmus::media::congestion
