// The rate that loss allows: cut where more than a tenth is lost, raised again where next to
// nothing is. Sees what no delay shows, a bottleneck with a short queue.
//
// Loss that stays the same however much less is sent belongs to the path (a radio), not to a queue:
// it is learned and taken off. Specification: draft-ietf-rmcat-gcc-02 section 6; libwebrtc's newer
// LossBasedBweV2 fits such a model by maximum likelihood, which costs too much for each of hundreds
// of receivers.
#pragma once

#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"

namespace isthmus::media::congestion {

class LossControl {
  public:
    // Packets that are told of from now on count; by itself from the first update().
    void begin(Instant now) { window_began_ = now; }

    // `rate` is what is sent at, at most, while these packets were on their way.
    void on_packets(std::uint32_t received, std::uint32_t lost) {
        received_ += received;
        lost_ += lost;
    }

    // After each feedback. `rate` is the target at the moment, `busy_rate` what the path carried
    // while a queue stood (busy_rate.h): where one stands and drops, that is what there is.
    void update(Instant now, Duration round_trip, DataRate rate, std::optional<DataRate> busy_rate);

    // A probe arrived: so much goes through.
    void on_probe(DataRate rate);

    // So much arrives: where next to nothing is lost, the limit is no less.
    void on_throughput(Instant now, DataRate throughput);

    // What all that could be sent would take: below that a limit stays one, however little is sent.
    void set_use(DataRate most) { use_ = most; }

    // Unlimited while there is no reason for less.
    [[nodiscard]] DataRate limit() const { return limit_; }

    // Of the last window, 0 to 1.
    [[nodiscard]] double loss() const { return loss_; }

    [[nodiscard]] double loss_of_path() const { return loss_of_path_; }

  private:
    void on_loss(Instant now,
                 Duration round_trip,
                 DataRate rate,
                 std::optional<DataRate> busy_rate);
    void learn_loss_of_path();

    DataRate limit_ = DataRate::unlimited();
    DataRate use_;
    std::uint32_t received_ = 0;
    std::uint32_t lost_ = 0;
    double loss_ = 0;
    double loss_of_path_ = 0;
    double loss_before_cuts_ = 0;
    int cuts_ = 0;  // in a row
    std::optional<Instant> window_began_;
    std::optional<Instant> cut_at_;
    std::optional<Instant> updated_at_;
};

}  // namespace isthmus::media::congestion
