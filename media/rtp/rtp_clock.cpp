#include "media/rtp/rtp_clock.h"

#include <algorithm>

namespace isthmus::media::rtp {

std::int64_t ticks_in(Duration duration, std::uint32_t clock_hz) {
    constexpr std::int64_t kNsPerSecond = 1'000'000'000;
    std::int64_t seconds = duration.count() / kNsPerSecond;
    std::int64_t ns = duration.count() % kNsPerSecond;
    if (ns < 0) {
        ns += kNsPerSecond;
        --seconds;
    }
    return seconds * clock_hz + ns * clock_hz / kNsPerSecond;
}

Duration duration_of(std::int64_t ticks, std::uint32_t clock_hz) {
    constexpr std::int64_t kNsPerSecond = 1'000'000'000;
    const std::int64_t rate = clock_hz;
    return Duration(ticks / rate * kNsPerSecond + ticks % rate * kNsPerSecond / rate);
}

Instant SourceClock::on_sender_report(Instant arrival, NtpTime ntp) {
    if (!anchor_) {
        anchor_ = Anchor{.ntp = ntp, .at = arrival, .slewed_at = arrival};
        return arrival;
    }
    const Instant expected = anchor_->at + (ntp - anchor_->ntp);
    const Duration error = arrival - expected;
    if (error > kStepMin || error < -kStepMin) {
        ++steps_;
        anchor_ = Anchor{.ntp = ntp, .at = arrival, .slewed_at = arrival};
        return arrival;
    }
    const Duration limit = std::max(arrival - anchor_->slewed_at, Duration::zero()) / kSlewDivisor;
    const Instant at = expected + std::clamp(error, -limit, limit);
    anchor_ = Anchor{.ntp = ntp, .at = at, .slewed_at = std::max(arrival, anchor_->slewed_at)};
    return at;
}

void RtpClock::on_sender_report(Instant at, RtpTimestamp timestamp) {
    if (!anchor_ || at >= anchor_->at) {
        anchor_ = ClockAnchor{.at = at, .timestamp = timestamp};
    }
}

std::optional<RtpTimestamp> RtpClock::timestamp_at(Instant instant) const {
    if (!anchor_) {
        return std::nullopt;
    }
    return advance(anchor_->timestamp, ticks_in(instant - anchor_->at, clock_hz_));
}

std::optional<Instant> RtpClock::instant_of(RtpTimestamp timestamp) const {
    if (!anchor_) {
        return std::nullopt;
    }
    return anchor_->at + duration_of(distance(anchor_->timestamp, timestamp), clock_hz_);
}

}  // namespace isthmus::media::rtp
