// RTP sequence numbers and timestamps, and how they are told apart over their wraps.
//
// Leaves out: which packets are lost (nack_generator.h, receive_stream.h).
// Specification: RFC 3550 section 5.1, RFC 3711 section 3.3.1, RFC 1982.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace isthmus::media::rtp {

// A 16-bit RTP sequence number with the count of its wraps above it. On streams that the node sends
// the count is the SRTP roll-over counter; on received ones it begins at 1 (see SeqUnwrapper).
enum class ExtendedSeq : std::uint64_t {};

[[nodiscard]] constexpr ExtendedSeq make_extended_seq(std::uint32_t roc, std::uint16_t seq) {
    return ExtendedSeq{(std::uint64_t{roc} << 16U) | seq};
}

[[nodiscard]] constexpr std::uint64_t value_of(ExtendedSeq seq) {
    return static_cast<std::uint64_t>(seq);
}

// What goes into the RTP header.
[[nodiscard]] constexpr std::uint16_t seq16_of(ExtendedSeq seq) {
    return static_cast<std::uint16_t>(value_of(seq));
}

// The wraps: for SRTP, the roll-over counter (RFC 3711 section 3.3.1).
[[nodiscard]] constexpr std::uint32_t roc_of(ExtendedSeq seq) {
    return static_cast<std::uint32_t>(value_of(seq) >> 16U);
}

[[nodiscard]] constexpr ExtendedSeq advance(ExtendedSeq seq, std::int64_t packets) {
    return ExtendedSeq{value_of(seq) + static_cast<std::uint64_t>(packets)};
}

// Packets from `from` to `to`; negative where `to` is older.
[[nodiscard]] constexpr std::int64_t distance(ExtendedSeq from, ExtendedSeq to) {
    return static_cast<std::int64_t>(value_of(to) - value_of(from));
}

// Is `a` newer than `b` by serial number arithmetic (RFC 1982)? At a distance of exactly 32768 the
// larger number is the newer one.
[[nodiscard]] constexpr bool seq_newer(std::uint16_t a, std::uint16_t b) {
    const auto ahead = static_cast<std::uint16_t>(a - b);
    return ahead != 0 && (ahead < 0x8000U || (ahead == 0x8000U && a > b));
}

// The extended number that ends in `seq` and lies nearest to `reference`. Where both neighbours are
// 32768 away, the older one.
[[nodiscard]] constexpr ExtendedSeq nearest_extended_seq(ExtendedSeq reference, std::uint16_t seq) {
    const auto ahead = static_cast<std::uint16_t>(seq - seq16_of(reference));
    return advance(reference, ahead < 0x8000U ? ahead : std::int64_t{ahead} - 0x10000);
}

// Counts the wraps of one received stream. The first packet is put into cycle 1, so that packets
// sent before it, which may still arrive, have a number too.
class SeqUnwrapper {
  public:
    // `seq` may be late or repeated; more than 32767 packets ahead it is taken for late.
    ExtendedSeq unwrap(std::uint16_t seq) {
        const ExtendedSeq extended = peek(seq);
        if (!highest_ || extended > *highest_) {
            highest_ = extended;
        }
        return extended;
    }

    // The same, without taking notice of it.
    [[nodiscard]] ExtendedSeq peek(std::uint16_t seq) const {
        return highest_ ? nearest_extended_seq(*highest_, seq) : make_extended_seq(1, seq);
    }

    // Nothing before the first packet.
    [[nodiscard]] std::optional<ExtendedSeq> highest() const { return highest_; }

  private:
    std::optional<ExtendedSeq> highest_;
};

// A 32-bit RTP media timestamp in ticks of the payload's clock.
enum class RtpTimestamp : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t value_of(RtpTimestamp timestamp) {
    return static_cast<std::uint32_t>(timestamp);
}

// Wraps.
[[nodiscard]] constexpr RtpTimestamp advance(RtpTimestamp timestamp, std::int64_t ticks) {
    return RtpTimestamp{value_of(timestamp) + static_cast<std::uint32_t>(ticks)};
}

// Ticks from `from` to `to` by the shorter way; negative where `to` is older.
[[nodiscard]] constexpr std::int32_t distance(RtpTimestamp from, RtpTimestamp to) {
    return static_cast<std::int32_t>(value_of(to) - value_of(from));
}

}  // namespace isthmus::media::rtp
