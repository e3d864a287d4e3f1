#include "media/rtp/rtcp_reader.h"

#include <algorithm>
#include <utility>

#include "media/rtp/rtcp_types.h"
#include "media/rtp/status_chunks.h"

namespace isthmus::media::rtp {
namespace {

using Bytes = std::span<const std::byte>;

// The body of one packet, behind its first four bytes.
struct Packet {
    std::uint8_t count = 0;  // or format
    std::uint8_t type = 0;
    Bytes body;
};

std::size_t packet_bytes(Bytes from) {
    return (load_be16(&from[2]) + std::size_t{1}) * 4;
}

std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// `bytes` begins with `count` items?
template <typename T>
std::optional<WireList<T>> list_of(Bytes bytes, std::size_t count) {
    if (bytes.size() < count * T::kWireBytes) {
        return std::nullopt;
    }
    return WireList<T>(bytes.first(count * T::kWireBytes));
}

std::optional<RtcpMessage> read_sender_report(const Packet& packet) {
    constexpr std::size_t kFixedBytes = 24;
    if (packet.body.size() < kFixedBytes) {
        return std::nullopt;
    }
    const auto blocks = list_of<ReportBlock>(packet.body.subspan(kFixedBytes), packet.count);
    if (!blocks) {
        return std::nullopt;
    }
    const std::byte* const at = packet.body.data();
    return SenderReport{.ssrc = load_be32(at),
                        .info = {.ntp = {load_be64(at + 4)},
                                 .rtp = RtpTimestamp{load_be32(at + 12)},
                                 .packets = load_be32(at + 16),
                                 .octets = load_be32(at + 20)},
                        .blocks = *blocks};
}

std::optional<RtcpMessage> read_receiver_report(const Packet& packet) {
    if (packet.body.size() < 4) {
        return std::nullopt;
    }
    const auto blocks = list_of<ReportBlock>(packet.body.subspan(4), packet.count);
    if (!blocks) {
        return std::nullopt;
    }
    return ReceiverReport{.ssrc = load_be32(packet.body.data()), .blocks = *blocks};
}

std::optional<RtcpMessage> read_bye(const Packet& packet) {
    const auto ssrcs = list_of<SsrcItem>(packet.body, packet.count);
    if (!ssrcs) {
        return std::nullopt;
    }
    Goodbye bye{.ssrcs = *ssrcs, .reason = {}};
    const Bytes rest = packet.body.subspan(packet.count * std::size_t{4});
    if (!rest.empty()) {
        const std::size_t bytes = load_u8(rest.data());
        if (bytes > rest.size() - 1) {
            return std::nullopt;
        }
        bye.reason = text_of(rest.subspan(1, bytes));
    }
    return bye;
}

std::optional<RtcpMessage> read_transport_wide(std::uint32_t sender,
                                               std::uint32_t media,
                                               Bytes fci) {
    if (fci.size() < 8) {
        return std::nullopt;
    }
    // 24 bits with a sign, moved to the top and back.
    const auto reference = static_cast<std::int32_t>(load_be24(&fci[4]) << 8U) >> 8;
    const TransportFeedback feedback{.sender_ssrc = sender,
                                     .media_ssrc = media,
                                     .base_seq = load_be16(&fci[0]),
                                     .status_count = load_be16(&fci[2]),
                                     .reference_64ms = reference,
                                     .feedback_count = load_u8(&fci[7]),
                                     .chunks = fci.subspan(8)};
    if (!is_whole(feedback)) {
        return std::nullopt;
    }
    return feedback;
}

// There is no SSRC of a media source: blocks begin where others have it (RFC 8888 section 3.1).
std::optional<RtcpMessage> read_congestion_feedback(Bytes body) {
    if (body.size() < 8) {
        return std::nullopt;
    }
    const CongestionFeedback feedback{.sender_ssrc = load_be32(body.data()),
                                      .report_time = load_be32(&body[body.size() - 4]),
                                      .blocks = body.subspan(4, body.size() - 8)};
    if (!feedback.for_each_block([](const CongestionBlock&) {})) {
        return std::nullopt;
    }
    return feedback;
}

// SPEC draft-alvestrand-rmcat-remb-03#2.2
std::optional<RtcpMessage> read_remb(std::uint32_t sender, Bytes fci) {
    if (fci.size() < 8 || load_be32(fci.data()) != rtcp::kRembName) {
        return std::nullopt;
    }
    const std::size_t count = load_u8(&fci[4]);
    const unsigned exponent = load_u8(&fci[5]) >> 2U;
    const std::uint64_t mantissa = load_be24(&fci[5]) & 0x3'ffffU;
    const auto ssrcs = list_of<SsrcItem>(fci.subspan(8), count);
    // A bitrate that does not fit into 64 bits is nobody's.
    if (!ssrcs || (mantissa != 0 && exponent > 46)) {
        return std::nullopt;
    }
    return Remb{.sender_ssrc = sender,
                .bitrate_bps = mantissa == 0 ? 0 : mantissa << exponent,
                .ssrcs = *ssrcs};
}

enum class Known : std::uint8_t { kNo, kYes };

// Feedback of both kinds (RFC 4585 section 6.1). `known` says whether the format is one of ours.
std::optional<RtcpMessage> read_feedback(const Packet& packet, Known& known) {
    known = Known::kYes;
    if (packet.body.size() < rtcp::kFeedbackHeaderBytes) {
        return std::nullopt;
    }
    const std::uint32_t sender = load_be32(&packet.body[0]);
    const std::uint32_t media = load_be32(&packet.body[4]);
    const Bytes fci = packet.body.subspan(rtcp::kFeedbackHeaderBytes);
    if (packet.type == rtcp::kTransportLayerFeedback) {
        if (packet.count == rtcp::kGenericNack && !fci.empty()) {
            return Nack{
                .sender_ssrc = sender, .media_ssrc = media, .items = WireList<NackItem>(fci)};
        }
        if (packet.count == rtcp::kTransportWideFeedback) {
            return read_transport_wide(sender, media, fci);
        }
        if (packet.count == rtcp::kCongestionFeedback) {
            return read_congestion_feedback(packet.body);
        }
    } else {
        if (packet.count == rtcp::kPictureLossIndication) {
            return PictureLoss{.sender_ssrc = sender, .media_ssrc = media};
        }
        if (packet.count == rtcp::kFullIntraRequest && fci.size() >= FirItem::kWireBytes) {
            return FullIntraRequest{.sender_ssrc = sender, .items = WireList<FirItem>(fci)};
        }
        if (packet.count == rtcp::kApplicationLayer && fci.size() >= 4 &&
            load_be32(fci.data()) == rtcp::kRembName) {
            return read_remb(sender, fci);
        }
    }
    const bool ours = packet.type == rtcp::kTransportLayerFeedback
                          ? packet.count == rtcp::kGenericNack
                          : packet.count == rtcp::kFullIntraRequest;
    known = ours ? Known::kYes : Known::kNo;
    return std::nullopt;
}

// Bytes of padding at the end of one packet of a compound; nothing where they contradict its
// length. RFC 3550 section 6.4.1 wants padding in words and on the last packet only. Browsers pad
// every transport-wide feedback, by one to three bytes: what is meant is plain, and is taken.
std::optional<std::size_t> padding_of(Bytes packet) {
    if ((load_u8(&packet[0]) & 0x20U) == 0) {
        return 0;
    }
    const std::size_t padding = load_u8(&packet.back());
    const bool is_transport_feedback =
        load_u8(&packet[1]) == rtcp::kTransportLayerFeedback &&
        (load_u8(&packet[0]) & 0x1fU) == rtcp::kTransportWideFeedback;
    const bool in_words = padding % 4 == 0 || is_transport_feedback;
    return padding == 0 || padding > packet.size() - rtcp::kHeaderBytes || !in_words
               ? std::nullopt
               : std::optional(padding);
}

}  // namespace

ReportBlock ReportBlock::load(const std::byte* from) {
    return {.ssrc = load_be32(from),
            .fraction_lost = load_u8(from + 4),
            .cumulative_lost = static_cast<std::int32_t>(load_be24(from + 5) << 8U) >> 8,
            .highest_seq = load_be32(from + 8),
            .jitter = load_be32(from + 12),
            .last_sr = load_be32(from + 16),
            .delay_since_last_sr = load_be32(from + 20)};
}

std::expected<RtcpReader, RtcpError> RtcpReader::parse(std::span<const std::byte> packet) {
    if (packet.size() < rtcp::kHeaderBytes) {
        return std::unexpected(RtcpError::kTooShort);
    }
    Bytes rest = packet;
    while (!rest.empty()) {
        if (rest.size() < rtcp::kHeaderBytes) {
            return std::unexpected(RtcpError::kBadLength);
        }
        const std::uint8_t first = load_u8(&rest[0]);
        if (first >> 6U != 2) {
            return std::unexpected(RtcpError::kBadVersion);
        }
        const std::size_t bytes = packet_bytes(rest);
        if (bytes > rest.size()) {
            return std::unexpected(RtcpError::kBadLength);
        }
        if (!padding_of(rest.first(bytes))) {
            return std::unexpected(RtcpError::kBadPadding);
        }
        rest = rest.subspan(bytes);
    }
    return RtcpReader(packet);
}

std::optional<RtcpMessage> RtcpReader::next() {
    for (;;) {
        std::optional<RtcpMessage> message;
        if (!sdes_chunks_.empty()) {
            message = next_of_sdes();
        } else if (!xr_blocks_.empty()) {
            message = next_of_xr();
        } else if (!rest_.empty()) {
            message = read_packet();
        } else {
            return std::nullopt;
        }
        if (message) {
            return message;
        }
    }
}

std::optional<RtcpMessage> RtcpReader::read_packet() {
    const std::size_t bytes = packet_bytes(rest_);
    const std::size_t padding = padding_of(rest_.first(bytes)).value_or(0);
    const Packet packet{
        .count = static_cast<std::uint8_t>(load_u8(&rest_[0]) & 0x1fU),
        .type = load_u8(&rest_[1]),
        .body = rest_.subspan(rtcp::kHeaderBytes, bytes - rtcp::kHeaderBytes - padding)};
    rest_ = rest_.subspan(bytes);

    std::optional<RtcpMessage> message;
    Known known = Known::kYes;
    switch (packet.type) {
        case rtcp::kSenderReport:
            message = read_sender_report(packet);
            break;
        case rtcp::kReceiverReport:
            message = read_receiver_report(packet);
            break;
        case rtcp::kSourceDescription:
            sdes_chunks_ = packet.count == 0 ? Bytes{} : packet.body;
            if (packet.count == 0 || !packet.body.empty()) {
                return std::nullopt;
            }
            break;
        case rtcp::kBye:
            message = read_bye(packet);
            break;
        case rtcp::kTransportLayerFeedback:
        case rtcp::kPayloadSpecificFeedback:
            message = read_feedback(packet, known);
            break;
        case rtcp::kExtendedReport:
            if (packet.body.size() >= 4) {
                xr_ssrc_ = load_be32(packet.body.data());
                xr_blocks_ = packet.body.subspan(4);
                return std::nullopt;
            }
            break;
        default:
            known = Known::kNo;
            break;
    }
    if (!message) {
        ++(known == Known::kYes ? malformed_ : unknown_);
    }
    return message;
}

// One chunk: an SSRC, then items of type, length and text, ended by at least one zero and filled up
// to a word (RFC 3550 section 6.5).
std::optional<RtcpMessage> RtcpReader::next_of_sdes() {
    const Bytes chunk = std::exchange(sdes_chunks_, {});
    if (chunk.size() < 4) {
        ++malformed_;
        return std::nullopt;
    }
    const std::uint32_t ssrc = load_be32(chunk.data());
    std::optional<std::string_view> cname;
    std::size_t at = 4;
    while (at < chunk.size()) {
        const std::uint8_t type = load_u8(&chunk[at]);
        if (type == 0) {
            break;
        }
        if (chunk.size() - at < 2 || load_u8(&chunk[at + 1]) > chunk.size() - at - 2) {
            ++malformed_;
            return std::nullopt;
        }
        const std::size_t bytes = load_u8(&chunk[at + 1]);
        if (type == rtcp::kCnameItem && !cname) {
            cname = text_of(chunk.subspan(at + 2, bytes));
        }
        at += 2 + bytes;
    }
    if (at >= chunk.size()) {
        ++malformed_;  // no end of the list
        return std::nullopt;
    }
    // All sizes are multiples of a word, counted from the chunk's beginning.
    sdes_chunks_ = chunk.subspan(std::min((at / 4 + 1) * 4, chunk.size()));
    if (!cname) {
        return std::nullopt;
    }
    return CanonicalName{.ssrc = ssrc, .cname = *cname};
}

std::optional<RtcpMessage> RtcpReader::next_of_xr() {
    const Bytes blocks = std::exchange(xr_blocks_, {});
    if (blocks.size() < 4) {
        ++malformed_;
        return std::nullopt;
    }
    const std::uint8_t type = load_u8(&blocks[0]);
    const std::size_t bytes = load_be16(&blocks[2]) * std::size_t{4};
    if (bytes > blocks.size() - 4) {
        ++malformed_;
        return std::nullopt;
    }
    const Bytes block = blocks.subspan(4, bytes);
    xr_blocks_ = blocks.subspan(4 + bytes);
    if (type == rtcp::kReceiverReferenceTimeBlock && bytes == 8) {
        return ReceiverReferenceTime{.ssrc = xr_ssrc_, .ntp = {load_be64(block.data())}};
    }
    if (type == rtcp::kDlrrBlock && bytes % DlrrItem::kWireBytes == 0) {
        return Dlrr{.ssrc = xr_ssrc_, .items = WireList<DlrrItem>(block)};
    }
    const bool ours = type == rtcp::kReceiverReferenceTimeBlock || type == rtcp::kDlrrBlock;
    ++(ours ? malformed_ : unknown_);
    return std::nullopt;
}

}  // namespace isthmus::media::rtp
