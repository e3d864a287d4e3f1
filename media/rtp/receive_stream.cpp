#include "media/rtp/receive_stream.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "media/rtp/rtp_clock.h"

namespace isthmus::media::rtp {

ReceiveStream::ReceiveStream(std::uint32_t ssrc, std::uint32_t clock_hz)
    : ssrc_(ssrc), clock_hz_(clock_hz) {
    CHECK(clock_hz > 0);
}

bool ReceiveStream::mark(ExtendedSeq seq) {
    const std::uint64_t place = value_of(seq) % kMemory;
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    const bool marked = (seen_[place / 64] & bit) != 0;
    seen_[place / 64] |= bit;
    return marked;
}

Arrival ReceiveStream::place(std::uint16_t seq) {
    const std::optional<ExtendedSeq> before = unwrapper_.highest();
    const ExtendedSeq extended = unwrapper_.unwrap(seq);
    if (!before) {
        base_ = extended;
        mark(extended);
        return {.seq = extended, .order = ArrivalOrder::kNewest};
    }
    const std::int64_t ahead = distance(*before, extended);
    if (ahead <= -static_cast<std::int64_t>(kMemory)) {
        return {.seq = extended, .order = ArrivalOrder::kTooOld};
    }
    if (ahead <= 0) {
        return {.seq = extended,
                .order = mark(extended) ? ArrivalOrder::kDuplicate : ArrivalOrder::kLate};
    }
    if (ahead >= static_cast<std::int64_t>(kMemory)) {
        seen_.fill(0);
    } else {
        for (std::int64_t i = 1; i < ahead; ++i) {
            const std::uint64_t skipped = value_of(advance(*before, i)) % kMemory;
            seen_[skipped / 64] &= ~(std::uint64_t{1} << (skipped % 64));
        }
    }
    const std::uint64_t newest = value_of(extended) % kMemory;
    seen_[newest / 64] |= std::uint64_t{1} << (newest % 64);
    if (ahead >= kJumpMin) {
        // The sender began anew: what lies between was never sent.
        expected_before_ += distance(base_, *before) + 1;
        base_ = extended;
        ++counters_.jumps;
    }
    return {.seq = extended, .order = ArrivalOrder::kNewest};
}

Arrival ReceiveStream::on_packet(Instant now, const RtpPacketView& packet) {
    const Arrival arrival = place(packet.seq);
    if (!arrival.is_new()) {
        ++counters_.duplicates;
        // SPEC rfc3550#6.4.1: duplicates count as received.
        received_ += arrival.order == ArrivalOrder::kDuplicate ? 1 : 0;
        return arrival;
    }
    ++received_;
    ++counters_.packets;
    counters_.late += arrival.order == ArrivalOrder::kLate ? 1 : 0;
    counters_.bytes += packet.payload.size();
    bitrate_.on_bytes(now, packet.payload.size());
    last_packet_at_ = now;
    update_jitter(now, packet.timestamp);
    return arrival;
}

Arrival ReceiveStream::on_repaired(std::uint16_t seq) {
    const Arrival arrival = place(seq);
    ++(arrival.is_new() ? counters_.repaired : counters_.duplicates);
    return arrival;
}

void ReceiveStream::set_clock(std::uint32_t clock_hz) {
    CHECK(clock_hz > 0);
    if (clock_hz != clock_hz_) {
        clock_hz_ = clock_hz;
        has_transit_ = false;
        jitter_16_ = 0;
    }
}

void ReceiveStream::update_jitter(Instant now, RtpTimestamp timestamp) {
    // SPEC rfc3550#A.8
    const auto arrival = static_cast<std::uint32_t>(ticks_in(now.time_since_epoch(), clock_hz_));
    const std::uint32_t transit = arrival - value_of(timestamp);
    if (has_transit_) {
        const auto difference = static_cast<std::int32_t>(transit - transit_);
        // A timestamp that leaps is a sender that paused or began anew, not jitter.
        const std::int64_t magnitude = std::abs(std::int64_t{difference});
        if (magnitude <= std::int64_t{clock_hz_} * 10) {
            jitter_16_ = static_cast<std::uint32_t>(std::int64_t{jitter_16_} + magnitude -
                                                    ((std::int64_t{jitter_16_} + 8) >> 4));
        }
    }
    transit_ = transit;
    has_transit_ = true;
}

void ReceiveStream::on_sender_report(Instant now, const SenderInfo& info) {
    last_sr_ = info.ntp.middle();
    last_sr_at_ = now;
}

std::int64_t ReceiveStream::expected() const {
    const std::optional<ExtendedSeq> highest = unwrapper_.highest();
    return highest ? expected_before_ + distance(base_, *highest) + 1 : 0;
}

std::int64_t ReceiveStream::lost() const {
    return std::max<std::int64_t>(expected() - received_, 0);
}

double ReceiveStream::jitter_seconds() const {
    return static_cast<double>(jitter_16_) / 16 / static_cast<double>(clock_hz_);
}

std::optional<ReportBlock> ReceiveStream::make_report_block(Instant now) {
    const std::optional<ExtendedSeq> highest = unwrapper_.highest();
    if (!highest) {
        return std::nullopt;
    }
    // SPEC rfc3550#A.3
    const std::int64_t expected_now = expected();
    const std::int64_t expected_interval = expected_now - expected_prior_;
    const std::int64_t lost_interval = expected_interval - (received_ - received_prior_);
    expected_prior_ = expected_now;
    received_prior_ = received_;

    ReportBlock block;
    block.ssrc = ssrc_;
    if (expected_interval > 0 && lost_interval > 0) {
        block.fraction_lost = static_cast<std::uint8_t>(
            std::min<std::int64_t>(lost_interval * 256 / expected_interval, 255));
    }
    block.cumulative_lost = static_cast<std::int32_t>(
        std::clamp<std::int64_t>(expected_now - received_, -0x80'0000, 0x7f'ffff));
    // The sender counts wraps from its first packet, which lies in our cycle 1.
    block.highest_seq = static_cast<std::uint32_t>(value_of(*highest) - 0x1'0000U);
    block.jitter = jitter_16_ >> 4U;
    if (last_sr_ != 0) {
        block.last_sr = last_sr_;
        block.delay_since_last_sr = to_middle_units(now - last_sr_at_);
    }
    return block;
}

}  // namespace isthmus::media::rtp
