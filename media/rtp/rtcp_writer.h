// Puts RTCP messages into one compound packet in the caller's buffer.
//
// Every call writes a whole RTCP packet or nothing: false means that it does not fit and that the
// caller should send what there is and begin another. Where reduced size was not negotiated the
// caller begins with a report and a CNAME (RFC 3550 section 6.1).
//
// Specification: those in rtcp_messages.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "media/rtp/rtcp_messages.h"

namespace isthmus::media::rtp {

inline constexpr std::size_t kReportBlocksMax = 31;  // five bits

class RtcpWriter {
  public:
    // `out` bounds the compound; it has room for what encryption adds behind it.
    explicit RtcpWriter(std::span<std::byte> out) : out_(out) {}

    // At most kReportBlocksMax blocks.
    [[nodiscard]] bool sender_report(std::uint32_t ssrc,
                                     const SenderInfo& info,
                                     std::span<const ReportBlock> blocks);
    [[nodiscard]] bool receiver_report(std::uint32_t ssrc, std::span<const ReportBlock> blocks);
    // The first 255 bytes of `cname` count.
    [[nodiscard]] bool cname(std::uint32_t ssrc, std::string_view cname);
    // At most 31.
    [[nodiscard]] bool bye(std::span<const std::uint32_t> ssrcs);

    // `seqs` in ascending order, at least one.
    [[nodiscard]] bool nack(std::uint32_t sender_ssrc,
                            std::uint32_t media_ssrc,
                            std::span<const ExtendedSeq> seqs);
    [[nodiscard]] bool pli(std::uint32_t sender_ssrc, std::uint32_t media_ssrc);
    [[nodiscard]] bool fir(std::uint32_t sender_ssrc, std::span<const FirItem> items);
    // At most 255 SSRCs. The bitrate loses what does not fit into 18 bits of mantissa.
    [[nodiscard]] bool remb(std::uint32_t sender_ssrc,
                            std::uint64_t bitrate_bps,
                            std::span<const std::uint32_t> ssrcs);

    // In `deltas`, for a packet that has not arrived.
    static constexpr std::int32_t kNotReceived = std::numeric_limits<std::int32_t>::min();
    // Takes numbers and times from `head`, not its chunks and count. `deltas` has one entry per
    // packet from head.base_seq on, 250 us each, -32768 to 32767, each since the received packet
    // before (the first since head.reference_64ms), or kNotReceived.
    [[nodiscard]] bool transport_feedback(const TransportFeedback& head,
                                          std::span<const std::int32_t> deltas);

    // What one block of congestion control feedback says: packets from begin_seq on, at most
    // CongestionBlock::kPacketsMax.
    struct StreamMetrics {
        std::uint32_t ssrc = 0;
        std::uint16_t begin_seq = 0;
        std::span<const PacketMetric> packets;
    };

    // RFC 8888; `report_time` is the middle of an NTP time.
    [[nodiscard]] bool congestion_feedback(std::uint32_t sender_ssrc,
                                           std::uint32_t report_time,
                                           std::span<const StreamMetrics> streams);

    [[nodiscard]] bool receiver_reference_time(std::uint32_t ssrc, NtpTime now);
    [[nodiscard]] bool dlrr(std::uint32_t ssrc, std::span<const DlrrItem> items);

    [[nodiscard]] std::size_t size() const { return used_; }

    [[nodiscard]] bool empty() const { return used_ == 0; }

    [[nodiscard]] std::span<std::byte> bytes() const { return out_.first(used_); }

  private:
    // Room for one packet of `bytes` (a multiple of 4) with its first four bytes written, or null.
    std::byte* begin_packet(std::uint8_t count, std::uint8_t type, std::size_t bytes);

    std::span<std::byte> out_;
    std::size_t used_ = 0;
};

}  // namespace isthmus::media::rtp
