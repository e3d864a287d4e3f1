#include "media/rtp/flexfec.h"

#include <algorithm>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/rtp_packet.h"

namespace isthmus::media::rtp {
namespace {

constexpr std::size_t kBaseHeaderBytes = 18;  // up to the mask
constexpr std::uint64_t kShortMaskBits = 15;
constexpr std::uint64_t kMiddleMaskBits = 46;
// The k bit in front of 15 and of 31 or 63 bits of mask.
constexpr std::uint64_t kEnd16 = 0x8000U;
constexpr std::uint64_t kEnd32 = 0x80000000U;

// Words of the machine, four at a time: the compiler makes vector instructions of it.
using Words = std::array<std::uint64_t, 4>;

void exclusive_or(std::byte* to, const std::byte* from, std::size_t bytes) {
    std::size_t at = 0;
    for (; at + sizeof(Words) <= bytes; at += sizeof(Words)) {
        Words a;
        Words b;
        std::memcpy(&a, to + at, sizeof(Words));
        std::memcpy(&b, from + at, sizeof(Words));
        for (std::size_t i = 0; i < a.size(); ++i) {
            a[i] ^= b[i];
        }
        std::memcpy(to + at, &a, sizeof(Words));
    }
    for (; at < bytes; ++at) {
        to[at] ^= from[at];
    }
}

}  // namespace

void FlexfecGroup::clear() {
    packets_ = 0;
    last_ = 0;
    recovery_bytes_ = 0;
    mask_ = {};
    first_bytes_ = {};
    length_ = 0;
    timestamp_ = 0;
}

bool FlexfecGroup::add(ExtendedSeq seq, const PacketParts& packet) {
    if (packet.size() > kPacketBytesMax || packet.header.size() < kRtpFixedHeaderBytes) {
        return false;
    }
    std::uint64_t place = 0;
    if (packets_ == 0) {
        base_ = seq;
    } else {
        place = static_cast<std::uint64_t>(distance(base_, seq));
        // A distance below 0 is large without its sign.
        if (place <= last_ || place >= kSpanMax) {
            return false;
        }
    }
    const std::size_t bytes = packet.size() - kRtpFixedHeaderBytes;
    if (bytes > recovery_bytes_) {
        std::memset(recovery_.data() + recovery_bytes_, 0, bytes - recovery_bytes_);
        recovery_bytes_ = bytes;
    }
    std::byte* to = recovery_.data();
    for (const auto part :
         {packet.header.subspan(kRtpFixedHeaderBytes), packet.prefix, packet.payload}) {
        exclusive_or(to, part.data(), part.size());
        to += part.size();
    }
    first_bytes_[0] ^= packet.header[0];
    first_bytes_[1] ^= packet.header[1];
    timestamp_ ^= load_be32(&packet.header[4]);
    length_ ^= static_cast<std::uint16_t>(bytes);
    mask_[place / 64] |= std::uint64_t{1} << (place % 64);
    last_ = place;
    ++packets_;
    return true;
}

std::size_t FlexfecGroup::header_bytes() const {
    if (last_ < kShortMaskBits) {
        return kBaseHeaderBytes + 2;
    }
    return kBaseHeaderBytes + (last_ < kMiddleMaskBits ? 6 : 14);
}

// Places [first, first + count), the first as the highest bit.
std::uint64_t FlexfecGroup::mask_bits(std::uint64_t first, std::uint32_t count) const {
    std::uint64_t bits = 0;
    for (std::uint64_t place = first; place < first + count; ++place) {
        bits = bits << 1U | (has(place) ? 1U : 0U);
    }
    return bits;
}

std::size_t FlexfecGroup::write(std::uint32_t media_ssrc, std::span<std::byte> out) const {
    CHECK(packets_ > 0 && out.size() >= bytes());
    std::byte* const header = out.data();
    // The version bits are R and F here: 0.
    store_u8(header, static_cast<std::uint8_t>(load_u8(first_bytes_.data()) & 0x3fU));
    header[1] = first_bytes_[1];
    store_be16(header + 2, length_);
    store_be32(header + 4, timestamp_);
    store_be32(header + 8, 0x01000000U);  // one stream
    store_be32(header + 12, media_ssrc);
    store_be16(header + 16, seq16_of(base_));
    const std::size_t size = header_bytes();
    const bool middle = size > kBaseHeaderBytes + 2;
    const bool longest = size > kBaseHeaderBytes + 6;
    store_be16(header + 18, static_cast<std::uint16_t>(mask_bits(0, 15) | (middle ? 0 : kEnd16)));
    if (middle) {
        store_be32(header + 20,
                   static_cast<std::uint32_t>(mask_bits(15, 31) | (longest ? 0 : kEnd32)));
    }
    if (longest) {
        const std::uint64_t bits = mask_bits(46, 63);
        store_be32(header + 24, static_cast<std::uint32_t>(bits >> 32U | kEnd32));
        store_be32(header + 28, static_cast<std::uint32_t>(bits));
    }
    std::memcpy(header + size, recovery_.data(), recovery_bytes_);
    return size + recovery_bytes_;
}

}  // namespace isthmus::media::rtp
