#include "media/rtp/send_stream.h"

#include <utility>

namespace isthmus::media::rtp {

SenderInfo SendStream::make_sender_info(NtpTime now, RtpTimestamp rtp_now) const {
    // SPEC rfc3550#6.4.1: both counts wrap.
    return {.ntp = now,
            .rtp = rtp_now,
            .packets = static_cast<std::uint32_t>(packets_),
            .octets = static_cast<std::uint32_t>(bytes_)};
}

std::uint64_t SendStream::on_report_block(NtpTime now, const ReportBlock& block) {
    receiver_.loss_ratio = block.fraction_lost / 256.0;
    receiver_.cumulative_lost = block.cumulative_lost;
    receiver_.highest_seq = block.highest_seq;
    receiver_.jitter_seconds = block.jitter / static_cast<double>(clock_hz_);
    if (const auto rtt = round_trip(now, block.last_sr, block.delay_since_last_sr)) {
        receiver_.rtt = rtt;
    }
    return packets_ - std::exchange(packets_reported_, packets_);
}

}  // namespace isthmus::media::rtp
