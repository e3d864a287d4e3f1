// What a queue that does not go away means: that we send too much, however flat the delay is, or
// that others keep it filled (a long TCP flow).
//
// The delay's slope (overuse_detector.h) sees a queue grow. One that grows slowly, or stands full,
// it does not see; the time that packets wait shows it. But a queue that stays although we cut our
// rate again and again is not ours, and to go on giving way to it ends at nothing. While it stands
// the rate follows loss, as those others' does; once the queue is found empty the delay counts
// again.
//
// Source: the mode switch of Copa (Arun and Balakrishnan, NSDI 2018, section 2.2), here on top of
// GCC, whose adaptive threshold alone (draft-ietf-rmcat-gcc-02 section 5.4) is too slow for it.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.h"

namespace isthmus::media::congestion {

class StandingQueue {
  public:
    // Of each packet that arrived: how long it waited.
    void on_packet(Instant now, Duration queued) {
        if (queued < kEmpty) {
            standing_since_.reset();
            cuts_ = 0;
        } else if (!standing_since_) {
            standing_since_ = now;
        }
        if (queued < kTall) {
            tall_since_.reset();
        } else if (!tall_since_) {
            tall_since_ = now;
        }
    }

    // The rate was cut because of the delay.
    void on_cut(Instant now) {
        ++cuts_;
        // The cut shows after a while.
        if (tall_since_) {
            tall_since_ = now;
        }
    }

    // No time to raise anything.
    [[nodiscard]] bool is_high() const { return tall_since_.has_value(); }

    // Too much is sent.
    [[nodiscard]] bool is_tall(Instant now) const {
        return tall_since_ && now - *tall_since_ >= kTallTime;
    }

    // Others keep the queue filled.
    [[nodiscard]] bool is_foreign(Instant now) const {
        return standing_since_ && cuts_ >= kCutsOfProof && now - *standing_since_ >= kStanding;
    }

  private:
    // Well below what we promise (the 95th percentile below 100 ms), for longer than a key frame
    // takes.
    static constexpr Duration kTall = std::chrono::milliseconds(40);
    static constexpr Duration kTallTime = std::chrono::milliseconds(300);
    // A flow that shares a queue with a loss-based one never sees less.
    static constexpr Duration kEmpty = std::chrono::milliseconds(25);
    // Longer than our own queues take to drain, as long as the line is one that media fits on.
    static constexpr Duration kStanding = std::chrono::milliseconds(2500);
    static constexpr int kCutsOfProof = 3;

    std::optional<Instant> standing_since_;
    std::optional<Instant> tall_since_;
    int cuts_ = 0;
};

}  // namespace isthmus::media::congestion
