// The rate that the delay on the path allows: raised while it is normal, cut where it grows
// (additive or multiplicative increase, multiplicative decrease).
//
// Specification: draft-ietf-rmcat-gcc-02 section 5.5; constants and the order of things as in
// libwebrtc's AimdRateControl.
#pragma once

#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/link_capacity.h"
#include "media/congestion/overuse_detector.h"

namespace isthmus::media::congestion {

struct RateBounds {
    DataRate min;
    DataRate max;
};

struct PathState {
    Usage usage = Usage::kNormal;
    std::optional<DataRate> throughput;
    // What the path carried while a queue stood (busy_rate.h).
    std::optional<DataRate> busy_rate;
    // Less is sent than the rate would let: what arrives proves nothing about more.
    bool application_limited = false;
    // What is measured shows a probe of ours: too much was its fault.
    bool probing = false;
    // A queue that others keep filled (standing_queue.h): delay says nothing, loss does.
    bool competing = false;
    bool lossy = false;
    // How much of what the application could send it does send, 0 to 1: those with least give way
    // least.
    double served = 0.5;
    // The next rate that there is use for; zero where there is none.
    DataRate wanted;
};

class RateControl {
  public:
    RateControl(DataRate start, RateBounds bounds);

    void set_bounds(RateBounds bounds);

    void set_round_trip(Duration round_trip) { round_trip_ = round_trip; }

    // After each feedback.
    void on_feedback(Instant now, const PathState& path);
    // A probe measured the path.
    void on_probe(Instant now, DataRate rate);
    // Nothing is heard of the receiver.
    void on_silence(Instant now);

    [[nodiscard]] DataRate rate() const { return rate_; }

    // What the overuse before the last cut had found.
    [[nodiscard]] const LinkCapacity& link_capacity() const { return capacity_; }

  private:
    enum class State : std::uint8_t { kHold, kIncrease, kDecrease };

    [[nodiscard]] bool may_cut(Instant now, std::optional<DataRate> throughput) const;
    void cut(Instant now, const PathState& path);
    void compete(Instant now, const PathState& path);
    void raise(Instant now, const PathState& path);
    [[nodiscard]] DataRate step(Duration since) const;
    [[nodiscard]] DataRate additive() const;
    void set(Instant now, DataRate rate);

    RateBounds bounds_;
    DataRate rate_;
    LinkCapacity capacity_;
    State state_ = State::kHold;
    Duration round_trip_;
    std::optional<Instant> changed_at_;
    std::optional<Instant> competing_cut_at_;
    std::optional<Instant> cut_at_;      // where the path was not normal since
    std::optional<Instant> lowered_at_;  // by a cut or by silence
};

}  // namespace isthmus::media::congestion
