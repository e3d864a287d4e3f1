#include "media/rtp/rtcp_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "media/rtp/rtcp_types.h"
#include "media/rtp/status_chunks.h"

namespace isthmus::media::rtp {
namespace {

constexpr std::size_t kItemsMax = 31;  // the five bits of a packet's count

void store(std::byte* at, const ReportBlock& block) {
    store_be32(at, block.ssrc);
    store_u8(at + 4, block.fraction_lost);
    store_be24(at + 5, static_cast<std::uint32_t>(block.cumulative_lost));
    store_be32(at + 8, block.highest_seq);
    store_be32(at + 12, block.jitter);
    store_be32(at + 16, block.last_sr);
    store_be32(at + 20, block.delay_since_last_sr);
}

void store(std::byte* at, std::span<const ReportBlock> blocks) {
    for (const ReportBlock& block : blocks) {
        store(at, block);
        at += ReportBlock::kWireBytes;
    }
}

std::size_t words_up(std::size_t bytes) {
    return (bytes + 3) / 4 * 4;
}

// Calls `visit(first, following)` for each item that `seqs` needs.
template <typename Visit>
void for_each_nack_item(std::span<const ExtendedSeq> seqs, Visit&& visit) {
    std::size_t i = 0;
    while (i < seqs.size()) {
        const ExtendedSeq first = seqs[i];
        std::uint16_t following = 0;
        for (++i; i < seqs.size(); ++i) {
            const std::int64_t ahead = distance(first, seqs[i]);
            if (ahead < 0 || ahead > 16) {
                break;
            }
            if (ahead > 0) {
                following = static_cast<std::uint16_t>(following | 1U << (ahead - 1));
            }
        }
        visit(seq16_of(first), following);
    }
}

}  // namespace

std::byte* RtcpWriter::begin_packet(std::uint8_t count, std::uint8_t type, std::size_t bytes) {
    DCHECK(bytes % 4 == 0 && count <= kItemsMax);
    if (bytes > out_.size() - used_) {
        return nullptr;
    }
    std::byte* const at = out_.data() + used_;
    used_ += bytes;
    store_u8(at, static_cast<std::uint8_t>(0x80U | count));
    store_u8(at + 1, type);
    store_be16(at + 2, static_cast<std::uint16_t>(bytes / 4 - 1));
    return at;
}

bool RtcpWriter::sender_report(std::uint32_t ssrc,
                               const SenderInfo& info,
                               std::span<const ReportBlock> blocks) {
    CHECK(blocks.size() <= kReportBlocksMax);
    std::byte* const at = begin_packet(static_cast<std::uint8_t>(blocks.size()),
                                       rtcp::kSenderReport,
                                       28 + blocks.size() * ReportBlock::kWireBytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, ssrc);
    store_be64(at + 8, info.ntp.value);
    store_be32(at + 16, value_of(info.rtp));
    store_be32(at + 20, info.packets);
    store_be32(at + 24, info.octets);
    store(at + 28, blocks);
    return true;
}

bool RtcpWriter::receiver_report(std::uint32_t ssrc, std::span<const ReportBlock> blocks) {
    CHECK(blocks.size() <= kReportBlocksMax);
    std::byte* const at = begin_packet(static_cast<std::uint8_t>(blocks.size()),
                                       rtcp::kReceiverReport,
                                       8 + blocks.size() * ReportBlock::kWireBytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, ssrc);
    store(at + 8, blocks);
    return true;
}

bool RtcpWriter::cname(std::uint32_t ssrc, std::string_view cname) {
    const std::string_view text = cname.substr(0, 255);
    // SPEC rfc3550#6.5: at least one zero ends the list.
    const std::size_t bytes = words_up(rtcp::kHeaderBytes + 4 + 2 + text.size() + 1);
    std::byte* const at = begin_packet(1, rtcp::kSourceDescription, bytes);
    if (at == nullptr) {
        return false;
    }
    std::memset(at + 4, 0, bytes - 4);
    store_be32(at + 4, ssrc);
    store_u8(at + 8, rtcp::kCnameItem);
    store_u8(at + 9, static_cast<std::uint8_t>(text.size()));
    std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(), at + 10);
    return true;
}

bool RtcpWriter::bye(std::span<const std::uint32_t> ssrcs) {
    CHECK(ssrcs.size() <= kItemsMax);
    std::byte* at = begin_packet(static_cast<std::uint8_t>(ssrcs.size()),
                                 rtcp::kBye,
                                 rtcp::kHeaderBytes + ssrcs.size() * SsrcItem::kWireBytes);
    if (at == nullptr) {
        return false;
    }
    for (const std::uint32_t ssrc : ssrcs) {
        at += 4;
        store_be32(at, ssrc);
    }
    return true;
}

bool RtcpWriter::nack(std::uint32_t sender_ssrc,
                      std::uint32_t media_ssrc,
                      std::span<const ExtendedSeq> seqs) {
    CHECK(!seqs.empty());
    std::size_t items = 0;
    for_each_nack_item(seqs, [&](std::uint16_t, std::uint16_t) { ++items; });
    std::byte* at = begin_packet(
        rtcp::kGenericNack, rtcp::kTransportLayerFeedback, 12 + items * NackItem::kWireBytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, sender_ssrc);
    store_be32(at + 8, media_ssrc);
    at += 12;
    for_each_nack_item(seqs, [&](std::uint16_t first, std::uint16_t following) {
        store_be16(at, first);
        store_be16(at + 2, following);
        at += NackItem::kWireBytes;
    });
    return true;
}

bool RtcpWriter::pli(std::uint32_t sender_ssrc, std::uint32_t media_ssrc) {
    std::byte* const at =
        begin_packet(rtcp::kPictureLossIndication, rtcp::kPayloadSpecificFeedback, 12);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, sender_ssrc);
    store_be32(at + 8, media_ssrc);
    return true;
}

bool RtcpWriter::fir(std::uint32_t sender_ssrc, std::span<const FirItem> items) {
    CHECK(!items.empty());
    std::byte* at = begin_packet(rtcp::kFullIntraRequest,
                                 rtcp::kPayloadSpecificFeedback,
                                 12 + items.size() * FirItem::kWireBytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, sender_ssrc);
    store_be32(at + 8, 0);  // SPEC rfc5104#4.3.1.2: not used, zero
    at += 12;
    for (const FirItem& item : items) {
        store_be32(at, item.ssrc);
        store_be32(at + 4, std::uint32_t{item.command} << 24U);
        at += FirItem::kWireBytes;
    }
    return true;
}

bool RtcpWriter::remb(std::uint32_t sender_ssrc,
                      std::uint64_t bitrate_bps,
                      std::span<const std::uint32_t> ssrcs) {
    CHECK(ssrcs.size() <= 255);
    std::byte* at = begin_packet(
        rtcp::kApplicationLayer, rtcp::kPayloadSpecificFeedback, 20 + ssrcs.size() * 4);
    if (at == nullptr) {
        return false;
    }
    constexpr std::size_t kMantissaBits = 18;
    const auto width = static_cast<std::size_t>(std::bit_width(bitrate_bps));
    const std::size_t exponent = width > kMantissaBits ? width - kMantissaBits : 0;
    const auto mantissa = static_cast<std::uint32_t>(bitrate_bps >> exponent);
    store_be32(at + 4, sender_ssrc);
    store_be32(at + 8, 0);
    store_be32(at + 12, rtcp::kRembName);
    store_u8(at + 16, static_cast<std::uint8_t>(ssrcs.size()));
    store_be24(at + 17, static_cast<std::uint32_t>(exponent) << 18U | mantissa);
    at += 20;
    for (const std::uint32_t ssrc : ssrcs) {
        store_be32(at, ssrc);
        at += 4;
    }
    return true;
}

bool RtcpWriter::transport_feedback(const TransportFeedback& head,
                                    std::span<const std::int32_t> deltas) {
    CHECK(!deltas.empty() && deltas.size() <= 0xffff);
    const std::size_t bytes = words_up(20 + status_bytes(deltas));
    std::byte* const at =
        begin_packet(rtcp::kTransportWideFeedback, rtcp::kTransportLayerFeedback, bytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, head.sender_ssrc);
    store_be32(at + 8, head.media_ssrc);
    store_be16(at + 12, head.base_seq);
    store_be16(at + 14, static_cast<std::uint16_t>(deltas.size()));
    store_be24(at + 16, static_cast<std::uint32_t>(head.reference_64ms));
    store_u8(at + 19, head.feedback_count);
    std::byte* const end = write_statuses(deltas, at + 20);
    std::memset(end, 0, static_cast<std::size_t>(at + bytes - end));
    return true;
}

bool RtcpWriter::congestion_feedback(std::uint32_t sender_ssrc,
                                     std::uint32_t report_time,
                                     std::span<const StreamMetrics> streams) {
    std::size_t bytes = rtcp::kHeaderBytes + 4 + 4;
    for (const StreamMetrics& stream : streams) {
        CHECK(stream.packets.size() <= CongestionBlock::kPacketsMax);
        bytes += CongestionBlock::kHeaderBytes +
                 words_up(stream.packets.size() * PacketMetric::kWireBytes);
    }
    std::byte* at = begin_packet(rtcp::kCongestionFeedback, rtcp::kTransportLayerFeedback, bytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, sender_ssrc);
    at += 8;
    for (const StreamMetrics& stream : streams) {
        store_be32(at, stream.ssrc);
        store_be16(at + 4, stream.begin_seq);
        store_be16(at + 6, static_cast<std::uint16_t>(stream.packets.size()));
        at += CongestionBlock::kHeaderBytes;
        for (const PacketMetric& packet : stream.packets) {
            store_be16(
                at,
                static_cast<std::uint16_t>((packet.received ? 0x8000U : 0U) |
                                           (packet.ecn & 3U) << 13U | (packet.offset & 0x1fffU)));
            at += PacketMetric::kWireBytes;
        }
        if (stream.packets.size() % 2 != 0) {
            store_be16(at, 0);
            at += 2;
        }
    }
    store_be32(at, report_time);
    return true;
}

bool RtcpWriter::receiver_reference_time(std::uint32_t ssrc, NtpTime now) {
    std::byte* const at = begin_packet(0, rtcp::kExtendedReport, 20);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, ssrc);
    store_be32(at + 8, std::uint32_t{rtcp::kReceiverReferenceTimeBlock} << 24U | 2U);
    store_be64(at + 12, now.value);
    return true;
}

bool RtcpWriter::dlrr(std::uint32_t ssrc, std::span<const DlrrItem> items) {
    CHECK(!items.empty());
    std::byte* at =
        begin_packet(0, rtcp::kExtendedReport, 12 + items.size() * DlrrItem::kWireBytes);
    if (at == nullptr) {
        return false;
    }
    store_be32(at + 4, ssrc);
    store_u8(at + 8, rtcp::kDlrrBlock);
    store_u8(at + 9, 0);
    store_be16(at + 10, static_cast<std::uint16_t>(items.size() * 3));
    at += 12;
    for (const DlrrItem& item : items) {
        store_be32(at, item.ssrc);
        store_be32(at + 4, item.last_rr);
        store_be32(at + 8, item.delay_since_last_rr);
        at += DlrrItem::kWireBytes;
    }
    return true;
}

}  // namespace isthmus::media::rtp
