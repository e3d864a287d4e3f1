// What the node knows about one stream that it sends to one receiver: what has gone out, for sender
// reports, and what the receiver's reports say about it.
//
// Leaves out: numbering (sequence_rewriter.h), which timestamp belongs to now (rtp_clock.h).
// Specification: RFC 3550 section 6.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

// From the receiver's last report block.
struct ReceiverView {
    double loss_ratio = 0;  // 0 to 1, since the report before
    std::int32_t cumulative_lost = 0;
    std::uint32_t highest_seq = 0;
    double jitter_seconds = 0;
    std::optional<Duration> rtt;  // nothing before a report that answers one of ours
};

class SendStream {
  public:
    SendStream(std::uint32_t ssrc, std::uint32_t clock_hz) : ssrc_(ssrc), clock_hz_(clock_hz) {}

    void on_packet_sent(std::size_t payload_bytes) {
        ++packets_;
        bytes_ += payload_bytes;
    }

    // `rtp_now` is the rewritten timestamp that belongs to `now`.
    [[nodiscard]] SenderInfo make_sender_info(NtpTime now, RtpTimestamp rtp_now) const;

    // A report block about this stream; `now` on the clock that our sender reports carry. Returns
    // how many packets were sent since the one before: what its loss ratio is about.
    std::uint64_t on_report_block(NtpTime now, const ReportBlock& block);

    // The payload type changed to one with another clock.
    void set_clock(std::uint32_t clock_hz) { clock_hz_ = clock_hz; }

    [[nodiscard]] std::uint32_t ssrc() const { return ssrc_; }

    [[nodiscard]] std::uint64_t packets() const { return packets_; }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // payload

    [[nodiscard]] const ReceiverView& receiver() const { return receiver_; }

  private:
    std::uint32_t ssrc_;
    std::uint32_t clock_hz_;
    std::uint64_t packets_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t packets_reported_ = 0;
    ReceiverView receiver_;
};

}  // namespace isthmus::media::rtp
