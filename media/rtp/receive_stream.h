// What the node knows about one stream that it receives: order, loss, jitter, rate, and the report
// block that tells its sender.
//
// One per SSRC. Retransmissions come on an SSRC of their own: they count there as packets, and
// here, through on_repaired(), only as seen. Loss in reports is thus what the network lost.
//
// Leaves out: asking again (nack_generator.h), storing (retransmission_cache.h).
// Specification: RFC 3550 section 6.4.1, appendices A.1, A.3 and A.8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/rtp/bitrate_meter.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

enum class ArrivalOrder : std::uint8_t {
    kNewest,     // ahead of all before it
    kLate,       // fills a gap
    kDuplicate,  // seen before
    kTooOld,     // further behind than the memory reaches; treat as a duplicate
};

struct Arrival {
    ExtendedSeq seq{};
    ArrivalOrder order = ArrivalOrder::kNewest;

    [[nodiscard]] bool is_new() const {
        return order == ArrivalOrder::kNewest || order == ArrivalOrder::kLate;
    }
};

struct ReceiveCounters {
    std::uint64_t packets = 0;  // without duplicates and repaired ones
    std::uint64_t bytes = 0;    // payload
    std::uint64_t duplicates = 0;
    std::uint64_t late = 0;
    std::uint64_t repaired = 0;  // arrived first as a retransmission
    std::uint64_t jumps = 0;     // restarts of the sequence numbers
};

class ReceiveStream {
  public:
    // `clock_hz` of the payload type.
    ReceiveStream(std::uint32_t ssrc, std::uint32_t clock_hz);

    Arrival on_packet(Instant now, const RtpPacketView& packet);

    // A packet of this stream that came as a retransmission.
    Arrival on_repaired(std::uint16_t seq);

    // The payload type changed to one with another clock; jitter begins anew.
    void set_clock(std::uint32_t clock_hz);

    void on_sender_report(Instant now, const SenderInfo& info);

    // Ends the interval that fraction_lost is about. Nothing before the first packet.
    [[nodiscard]] std::optional<ReportBlock> make_report_block(Instant now);

    [[nodiscard]] std::uint32_t ssrc() const { return ssrc_; }

    [[nodiscard]] std::optional<ExtendedSeq> highest() const { return unwrapper_.highest(); }

    [[nodiscard]] std::int64_t lost() const;  // net of duplicates, never below 0
    [[nodiscard]] double jitter_seconds() const;

    [[nodiscard]] double bits_per_second(Instant now) { return bitrate_.bits_per_second(now); }

    [[nodiscard]] const ReceiveCounters& counters() const { return counters_; }

    // Arrival of the last packet that was new.
    [[nodiscard]] Instant last_packet_at() const { return last_packet_at_; }

  private:
    // Far enough for any retransmission that is still of use. RTP packets.
    static constexpr std::uint64_t kMemory = 1024;
    // MAX_DROPOUT of RFC 3550 appendix A.1. RTP packets.
    static constexpr std::int64_t kJumpMin = 3000;

    Arrival place(std::uint16_t seq);
    // Returns whether `seq` had been marked already.
    bool mark(ExtendedSeq seq);
    void update_jitter(Instant now, RtpTimestamp timestamp);
    [[nodiscard]] std::int64_t expected() const;

    std::uint32_t ssrc_;
    std::uint32_t clock_hz_;
    SeqUnwrapper unwrapper_;
    std::array<std::uint64_t, kMemory / 64> seen_{};  // a bit per packet, at seq modulo kMemory
    ReceiveCounters counters_;
    BitrateMeter bitrate_;

    ExtendedSeq base_{};                // the first packet since the last jump
    std::int64_t expected_before_ = 0;  // before base_
    std::int64_t received_ = 0;         // by themselves, duplicates included as RFC 3550 has it
    std::int64_t expected_prior_ = 0;   // at the last report
    std::int64_t received_prior_ = 0;

    bool has_transit_ = false;
    std::uint32_t transit_ =
        0;  // arrival minus timestamp, in ticks; only differences mean anything
    std::uint32_t jitter_16_ = 0;  // ticks, times 16 as in appendix A.8
    Instant last_packet_at_{};

    std::uint32_t last_sr_ = 0;
    Instant last_sr_at_{};
};

}  // namespace isthmus::media::rtp
