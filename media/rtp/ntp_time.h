// NTP timestamps as RTCP carries them, and their relation to the node's time line.
//
// Nothing here reads a clock: whoever may, gives the anchor.
// Specification: RFC 3550 section 4.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace isthmus::media::rtp {

// Seconds since 1900 in the upper 32 bits, fraction below. Wraps in 2036.
struct NtpTime {
    std::uint64_t value = 0;

    // The middle 32 bits, 1/65536 s: what LSR, DLSR, LRR and DLRR are made of.
    [[nodiscard]] constexpr std::uint32_t middle() const {
        return static_cast<std::uint32_t>(value >> 16U);
    }

    friend auto operator<=>(const NtpTime&, const NtpTime&) = default;
};

// By the shorter way; negative where `from` is later. Exact to 1 ns.
[[nodiscard]] Duration operator-(NtpTime to, NtpTime from);
[[nodiscard]] NtpTime operator+(NtpTime time, Duration by);
// `since_1970` of a wall clock.
[[nodiscard]] NtpTime ntp_from_unix(std::chrono::nanoseconds since_1970);

// Differences in 1/65536 s, as in DLSR. Durations below 0 and above 18 hours are clamped.
[[nodiscard]] std::uint32_t to_middle_units(Duration duration);
[[nodiscard]] Duration from_middle_units(std::uint32_t units);

// Ties NTP to the node's time line at one point; the two then run alike, so that a step of the
// machine's wall clock never shows in a report.
class NtpClock {
  public:
    constexpr NtpClock(Instant anchor, NtpTime at_anchor)
        : anchor_(anchor), at_anchor_(at_anchor) {}

    [[nodiscard]] NtpTime to_ntp(Instant instant) const { return at_anchor_ + (instant - anchor_); }

    [[nodiscard]] Instant to_instant(NtpTime time) const { return anchor_ + (time - at_anchor_); }

  private:
    Instant anchor_;
    NtpTime at_anchor_;
};

// The round trip from a report's LSR and DLSR, or an XR's LRR and DLRR (RFC 3550 section 6.4.1, RFC
// 3611 section 4.5): `now` minus both. Nothing where `last` is 0 (no report seen yet) or the answer
// is not between 0 and 30 s: a peer may write what it likes.
[[nodiscard]] std::optional<Duration> round_trip(NtpTime now,
                                                 std::uint32_t last,
                                                 std::uint32_t delay_since_last);

}  // namespace isthmus::media::rtp
