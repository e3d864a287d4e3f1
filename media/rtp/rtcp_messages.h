// What RTCP packets say, as values. rtcp_reader.h makes them from bytes, rtcp_writer.h bytes from
// them.
//
// Specification: RFC 3550 section 6, RFC 4585, RFC 5104, RFC 3611, RFC 8888,
// draft-alvestrand-rmcat-remb-03, draft-holmer-rmcat-transport-wide-cc-extensions-01.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/byte_order.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

// Items of equal size, decoded as they are read. Points into the packet.
template <typename T>
class WireList {
  public:
    class Iterator {
      public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;

        explicit Iterator(const std::byte* at) : at_(at) {}

        [[nodiscard]] T operator*() const { return T::load(at_); }

        Iterator& operator++() {
            at_ += T::kWireBytes;
            return *this;
        }

        Iterator operator++(int) {
            const Iterator before = *this;
            ++*this;
            return before;
        }

        friend bool operator==(const Iterator&, const Iterator&) = default;

      private:
        const std::byte* at_ = nullptr;
    };

    WireList() = default;

    // What is left over behind the last whole item is ignored.
    explicit WireList(std::span<const std::byte> bytes)
        : bytes_(bytes.first(bytes.size() / T::kWireBytes * T::kWireBytes)) {}

    [[nodiscard]] std::size_t size() const { return bytes_.size() / T::kWireBytes; }

    [[nodiscard]] bool empty() const { return bytes_.empty(); }

    [[nodiscard]] T operator[](std::size_t index) const {
        return T::load(bytes_.data() + index * T::kWireBytes);
    }

    [[nodiscard]] Iterator begin() const { return Iterator(bytes_.data()); }

    [[nodiscard]] Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }

  private:
    std::span<const std::byte> bytes_;
};

struct SsrcItem {
    static constexpr std::size_t kWireBytes = 4;
    std::uint32_t ssrc = 0;

    [[nodiscard]] static SsrcItem load(const std::byte* from) { return {.ssrc = load_be32(from)}; }
};

// RFC 3550 section 6.4.1.
struct ReportBlock {
    static constexpr std::size_t kWireBytes = 24;
    std::uint32_t ssrc = 0;
    std::uint8_t fraction_lost = 0;         // of 256, since the report before
    std::int32_t cumulative_lost = 0;       // 24 bits, signed: duplicates can make it negative
    std::uint32_t highest_seq = 0;          // 16 bits of wraps above 16 bits of sequence number
    std::uint32_t jitter = 0;               // RTP timestamp ticks
    std::uint32_t last_sr = 0;              // middle 32 bits; 0 before the first
    std::uint32_t delay_since_last_sr = 0;  // 1/65536 s

    [[nodiscard]] static ReportBlock load(const std::byte* from);
    friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

struct SenderInfo {
    NtpTime ntp;
    RtpTimestamp rtp{};  // the same moment on the stream's clock
    std::uint32_t packets = 0;
    std::uint32_t octets = 0;  // of payload

    friend bool operator==(const SenderInfo&, const SenderInfo&) = default;
};

struct SenderReport {
    std::uint32_t ssrc = 0;
    SenderInfo info;
    WireList<ReportBlock> blocks;
};

struct ReceiverReport {
    std::uint32_t ssrc = 0;
    WireList<ReportBlock> blocks;
};

// One per chunk that has a CNAME; other SDES items are skipped (RFC 3550 section 6.5).
struct CanonicalName {
    std::uint32_t ssrc = 0;
    std::string_view cname;
};

struct Goodbye {
    WireList<SsrcItem> ssrcs;
    std::string_view reason;
};

// RFC 4585 section 6.2.1.
struct NackItem {
    static constexpr std::size_t kWireBytes = 4;
    std::uint16_t first = 0;
    std::uint16_t following = 0;  // bit i: first + i + 1 is missing as well

    [[nodiscard]] static NackItem load(const std::byte* from) {
        return {.first = load_be16(from), .following = load_be16(from + 2)};
    }
};

struct Nack {
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
    WireList<NackItem> items;

    // Calls `visit(seq)` for every sequence number asked for.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (const NackItem item : items) {
            visit(item.first);
            for (unsigned bit = 0; bit < 16; ++bit) {
                if ((item.following >> bit & 1U) != 0) {
                    visit(static_cast<std::uint16_t>(item.first + bit + 1U));
                }
            }
        }
    }
};

struct PictureLoss {  // PLI, RFC 4585 section 6.3.1
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
};

struct FirItem {
    static constexpr std::size_t kWireBytes = 8;
    std::uint32_t ssrc = 0;
    std::uint8_t command = 0;  // grows by one per request; the same number is the same request

    [[nodiscard]] static FirItem load(const std::byte* from) {
        return {.ssrc = load_be32(from), .command = load_u8(from + 4)};
    }

    friend bool operator==(const FirItem&, const FirItem&) = default;
};

struct FullIntraRequest {  // FIR, RFC 5104 section 4.3.1
    std::uint32_t sender_ssrc = 0;
    WireList<FirItem> items;
};

struct Remb {
    std::uint32_t sender_ssrc = 0;
    std::uint64_t bitrate_bps = 0;
    WireList<SsrcItem> ssrcs;
};

// What a packet status chunk says of several packets, one symbol each: 0 not received, 1 small
// delta (one byte, unsigned), 2 large delta (two bytes, signed), 3 reserved. Its 16 bits are a run
// length (0 S S, 13 bits of length) or a vector of 14 one-bit (1 0) or of 7 two-bit symbols (1 1).
class StatusChunk {
  public:
    explicit StatusChunk(std::uint16_t bits) : bits_(bits) {}

    [[nodiscard]] unsigned size() const {
        if (is_run()) {
            return bits_ & 0x1fffU;
        }
        return is_wide() ? 7 : 14;
    }

    [[nodiscard]] unsigned symbol(unsigned index) const {
        if (is_run()) {
            return (bits_ >> 13U) & 3U;
        }
        return is_wide() ? (bits_ >> (12U - 2U * index)) & 3U : (bits_ >> (13U - index)) & 1U;
    }

    // Takes what belongs to `symbol` off the front of `deltas`. False where there is not enough,
    // and for the reserved symbol.
    static bool take_delta(unsigned symbol,
                           std::span<const std::byte>& deltas,
                           std::optional<std::int32_t>& delta) {
        if (symbol == 3 || deltas.size() < symbol) {
            return false;
        }
        if (symbol == 1) {
            delta = load_u8(deltas.data());
        } else if (symbol == 2) {
            delta = static_cast<std::int16_t>(load_be16(deltas.data()));
        }
        deltas = deltas.subspan(symbol);
        return true;
    }

  private:
    [[nodiscard]] bool is_run() const { return (bits_ & 0x8000U) == 0; }

    [[nodiscard]] bool is_wide() const { return (bits_ & 0x4000U) != 0; }

    std::uint16_t bits_;
};

// One transport-wide feedback message; rtcp_reader.h has checked that it is whole.
struct TransportFeedback {
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
    std::uint16_t base_seq = 0;
    std::uint16_t status_count = 0;
    std::int32_t reference_64ms = 0;  // 24 bits, signed
    std::uint8_t feedback_count = 0;
    std::span<const std::byte> chunks;  // packet status chunks, then deltas, then padding

    // Calls `visit(seq, delta)` for each of the status_count packets in order; `delta` is the time
    // since the received packet before (the first: since the reference), 250 us each, or nothing
    // where the packet did not arrive. False, having visited a part, where the bytes do not
    // suffice.
    template <typename Visit>
    bool for_each(Visit&& visit) const;

  private:
    [[nodiscard]] std::optional<std::size_t> find_deltas() const;
};

// RFC 8888 section 3.1: what became of one packet.
struct PacketMetric {
    static constexpr std::size_t kWireBytes = 2;
    // Arrival times that are none.
    static constexpr std::uint16_t kOutOfRange = 0x1ffe;   // 8 s ago or more
    static constexpr std::uint16_t kUnavailable = 0x1fff;  // not measured, or after the report

    bool received = false;
    std::uint8_t ecn = 0;      // of the IP header (RFC 3168): 3 is congestion experienced
    std::uint16_t offset = 0;  // 1/1024 s before the report's time; 13 bits

    [[nodiscard]] static PacketMetric load(const std::byte* from) {
        const std::uint16_t bits = load_be16(from);
        return {.received = (bits & 0x8000U) != 0,
                .ecn = static_cast<std::uint8_t>(bits >> 13U & 3U),
                .offset = static_cast<std::uint16_t>(bits & 0x1fffU)};
    }

    friend bool operator==(const PacketMetric&, const PacketMetric&) = default;
};

// The metrics of consecutive packets of one stream.
struct CongestionBlock {
    static constexpr std::size_t kHeaderBytes = 8;
    // A quarter of the numbers (RFC 8888 section 3.1).
    static constexpr std::size_t kPacketsMax = 16384;

    std::uint32_t ssrc = 0;
    std::uint16_t begin_seq = 0;
    WireList<PacketMetric> packets;
};

// Congestion control feedback, RFC 8888 section 3.1; rtcp_reader.h has checked that the blocks are
// whole.
struct CongestionFeedback {
    std::uint32_t sender_ssrc = 0;
    std::uint32_t report_time = 0;  // 1/65536 s: the middle of an NTP time, or another clock's
    std::span<const std::byte> blocks;

    // Calls `visit(const CongestionBlock&)` for each. False, having visited a part, where the bytes
    // do not suffice.
    template <typename Visit>
    bool for_each_block(Visit&& visit) const;
};

// XR, RFC 3611 section 4.4: lets a receiver that sends nothing measure the round trip.
struct ReceiverReferenceTime {
    std::uint32_t ssrc = 0;
    NtpTime ntp;
};

struct DlrrItem {
    static constexpr std::size_t kWireBytes = 12;
    std::uint32_t ssrc = 0;                 // whose reference time is answered
    std::uint32_t last_rr = 0;              // middle 32 bits of it; 0 before the first
    std::uint32_t delay_since_last_rr = 0;  // 1/65536 s

    [[nodiscard]] static DlrrItem load(const std::byte* from) {
        return {.ssrc = load_be32(from),
                .last_rr = load_be32(from + 4),
                .delay_since_last_rr = load_be32(from + 8)};
    }

    friend bool operator==(const DlrrItem&, const DlrrItem&) = default;
};

struct Dlrr {  // XR, RFC 3611 section 4.5: the answer
    std::uint32_t ssrc = 0;
    WireList<DlrrItem> items;
};

using RtcpMessage = std::variant<SenderReport,
                                 ReceiverReport,
                                 CanonicalName,
                                 Goodbye,
                                 Nack,
                                 PictureLoss,
                                 FullIntraRequest,
                                 Remb,
                                 TransportFeedback,
                                 CongestionFeedback,
                                 ReceiverReferenceTime,
                                 Dlrr>;

// Walks the chunks for the place where they have told of all packets: the deltas begin there.
inline std::optional<std::size_t> TransportFeedback::find_deltas() const {
    std::size_t at = 0;
    for (std::size_t told = 0; told < status_count; at += 2) {
        if (chunks.size() - at < 2) {
            return std::nullopt;
        }
        told += StatusChunk(load_be16(&chunks[at])).size();
    }
    return at;
}

template <typename Visit>
bool TransportFeedback::for_each(Visit&& visit) const {
    const auto deltas_at = find_deltas();
    if (!deltas_at) {
        return false;
    }
    std::span<const std::byte> deltas = chunks.subspan(*deltas_at);
    std::size_t told = 0;
    for (std::size_t at = 0; told < status_count; at += 2) {
        const StatusChunk chunk(load_be16(&chunks[at]));
        for (unsigned i = 0; i < chunk.size() && told < status_count; ++i, ++told) {
            std::optional<std::int32_t> delta;
            if (!StatusChunk::take_delta(chunk.symbol(i), deltas, delta)) {
                return false;
            }
            visit(static_cast<std::uint16_t>(base_seq + told), delta);
        }
    }
    return true;
}

template <typename Visit>
bool CongestionFeedback::for_each_block(Visit&& visit) const {
    for (std::span<const std::byte> rest = blocks; !rest.empty();) {
        if (rest.size() < CongestionBlock::kHeaderBytes) {
            return false;
        }
        const std::size_t packets = load_be16(&rest[6]);
        const std::size_t bytes = packets * PacketMetric::kWireBytes;
        // Filled up to a word.
        const std::size_t filled = CongestionBlock::kHeaderBytes + (bytes + 3) / 4 * 4;
        if (packets > CongestionBlock::kPacketsMax || filled > rest.size()) {
            return false;
        }
        visit(CongestionBlock{
            .ssrc = load_be32(rest.data()),
            .begin_seq = load_be16(&rest[4]),
            .packets = WireList<PacketMetric>(rest.subspan(CongestionBlock::kHeaderBytes, bytes))});
        rest = rest.subspan(filled);
    }
    return true;
}

}  // namespace isthmus::media::rtp
