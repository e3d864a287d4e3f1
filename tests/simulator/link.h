// One direction of a line: delay, jitter, seeded loss, duplication and reordering, a rate with a
// queue that drops its tail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace isthmus::simulator {

struct LinkConfig {
    Duration delay = std::chrono::milliseconds(10);
    Duration jitter{};      // 0 to this much more, order kept
    double loss = 0;        // 0 to 1, each datagram by itself
    double loss_burst = 1;  // mean length of a run of losses, in datagrams
    double duplicate = 0;   // 0 to 1; the copy follows at once
    double reorder = 0;     // 0 to 1: held back by reorder_delay, so that later ones overtake
    Duration reorder_delay = std::chrono::milliseconds(30);
    std::uint64_t rate_bps = 0;  // 0: unlimited
    std::size_t queue_bytes = 65'536;
};

struct LinkCounters {
    std::uint64_t datagrams = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t queue_dropped = 0;
};

class Link {
  public:
    Link(const LinkConfig& config, std::uint64_t seed) : config_(config), random_(seed) {}

    // When a datagram sent now arrives: not at all, once or twice.
    [[nodiscard]] std::vector<Instant> pass(Instant now, std::size_t bytes);

    // For a stream: never lost, in order.
    [[nodiscard]] Instant pass_reliably(Instant now, std::size_t bytes);

    void set_config(const LinkConfig& config) { config_ = config; }

    [[nodiscard]] const LinkConfig& config() const { return config_; }

    [[nodiscard]] const LinkCounters& counters() const { return counters_; }

  private:
    [[nodiscard]] bool chance(double probability);
    [[nodiscard]] bool lose();
    [[nodiscard]] bool queue_is_full(Instant now, std::size_t bytes) const;
    [[nodiscard]] Instant serialize(Instant now, std::size_t bytes);
    [[nodiscard]] Instant in_order(Instant arrival);

    LinkConfig config_;
    SeededRandom random_;
    LinkCounters counters_;
    Instant free_at_;
    Instant last_arrival_;
    bool losing_ = false;
};

}  // namespace isthmus::simulator
