// Puts publishers' sender reports on the node's time line, so that the node's own reports let
// receivers play sound and picture of one publisher in step.
//
// A publisher's NTP clock may be off by years. SourceClock, one per publisher, finds how far, the
// same for all its streams: that their reports agree with each other is what lip sync rests on.
// RtpClock, one per received stream, then knows the stream's timestamp at any instant. A report to
// a receiver says the node's NTP time of sending and that timestamp, shifted as the packets are
// (SequenceRewriter::timestamp_at), so that round trips can be measured from it as well.
//
// Before a stream's first report nothing is known, and the node sends no report for it: receivers
// average reports over many seconds, and a guess would spoil the first of them.
//
// Specification: RFC 3550 section 6.4.1; RFC 7656 section 3.7 for one clock per CNAME.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

class SourceClock {
  public:
    // A sender report of any of the publisher's streams. Returns the instant that its NTP time
    // means: what RtpClock::on_sender_report() wants.
    Instant on_sender_report(Instant arrival, NtpTime ntp);

    // Times that the publisher's clock was found to have been set.
    [[nodiscard]] std::uint32_t steps() const { return steps_; }

  private:
    // Beyond it the publisher's clock was set; below, it drifts or the network is slow.
    static constexpr Duration kStepMin = std::chrono::seconds(1);
    // How fast the offset follows drift: 200 us per second, more than crystals are off and far less
    // than anybody sees between sound and picture.
    static constexpr std::int64_t kSlewDivisor = 5000;

    struct Anchor {
        NtpTime ntp;
        Instant at;         // what `ntp` means on the node's time line
        Instant slewed_at;  // when that was last corrected
    };

    std::optional<Anchor> anchor_;
    std::uint32_t steps_ = 0;
};

// A stream shows `timestamp` at `at`.
struct ClockAnchor {
    Instant at{};
    RtpTimestamp timestamp{};

    friend bool operator==(const ClockAnchor&, const ClockAnchor&) = default;
};

class RtpClock {
  public:
    explicit RtpClock(std::uint32_t clock_hz) : clock_hz_(clock_hz) {}

    // The stream shows `timestamp` at `at`, which SourceClock gave. Reports that arrive out of
    // order are ignored.
    void on_sender_report(Instant at, RtpTimestamp timestamp);

    // Nothing before the first report.
    [[nodiscard]] std::optional<RtpTimestamp> timestamp_at(Instant instant) const;
    // When a packet with `timestamp` was captured; nothing before the first report.
    [[nodiscard]] std::optional<Instant> instant_of(RtpTimestamp timestamp) const;

    // What the last report said; on another clock, on_sender_report() takes it over.
    [[nodiscard]] const std::optional<ClockAnchor>& anchor() const { return anchor_; }

    [[nodiscard]] std::uint32_t clock_hz() const { return clock_hz_; }

  private:
    std::uint32_t clock_hz_;
    std::optional<ClockAnchor> anchor_;
};

// Ticks of a clock in a duration, rounded down; negative durations give negative ticks.
[[nodiscard]] std::int64_t ticks_in(Duration duration, std::uint32_t clock_hz);
[[nodiscard]] Duration duration_of(std::int64_t ticks, std::uint32_t clock_hz);

}  // namespace isthmus::media::rtp
