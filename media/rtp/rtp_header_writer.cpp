#include "media/rtp/rtp_header_writer.h"

#include <algorithm>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::rtp {
namespace {

// Ids 1 to 14, values of 1 to 16 bytes (RFC 8285 section 4.2).
constexpr std::uint8_t kOneByteIdMax = 14;
constexpr std::size_t kOneByteValueMax = 16;

struct ElementWriter {
    std::byte* at;
    bool two_byte;

    // Writes the element's header; the value's `bytes` are the caller's to write.
    std::byte* open(std::uint8_t id, std::size_t bytes) {
        if (two_byte) {
            store_u8(at, id);
            store_u8(at + 1, static_cast<std::uint8_t>(bytes));
            at += 2;
        } else {
            store_u8(at, static_cast<std::uint8_t>(std::size_t{id} << 4U | (bytes - 1)));
            at += 1;
        }
        std::byte* value = at;
        at += bytes;
        return value;
    }
};

std::uint8_t byte_of(const AudioLevel& level) {
    return static_cast<std::uint8_t>((level.voice ? 0x80U : 0U) | (level.minus_dbov & 0x7fU));
}

}  // namespace

RtpHeaderWriter::RtpHeaderWriter(const ExtensionIds& receiver_ids, std::string_view mid)
    : ids_(receiver_ids) {
    if (mid.empty() || mid.size() > kMidBytesMax) {
        ids_.set(ExtensionKind::kMid, 0);
    }
    // Never sent on: the receiver's streams are not the publisher's encodings.
    ids_.set(ExtensionKind::kRid, 0);
    ids_.set(ExtensionKind::kRepairedRid, 0);
    for (std::size_t i = 0; i < kExtensionKinds; ++i) {
        always_two_byte_ |= ids_.id_of(static_cast<ExtensionKind>(i)) > kOneByteIdMax;
    }
    always_two_byte_ |= ids_.id_of(ExtensionKind::kMid) != 0 && mid.size() > kOneByteValueMax;
    if (!always_two_byte_) {
        one_byte_ = make_template(false, mid);
    }
    two_byte_ = make_template(true, mid);
}

RtpHeaderWriter::Template RtpHeaderWriter::make_template(bool two_byte,
                                                         std::string_view mid) const {
    Template made;
    std::byte* const begin = made.bytes.data();
    store_be16(begin, two_byte ? kTwoByteExtensionProfile : kOneByteExtensionProfile);
    ElementWriter elements{.at = begin + 4, .two_byte = two_byte};
    const auto offset_of = [begin](const std::byte* value) {
        return static_cast<std::uint8_t>(value - begin);
    };
    if (const std::uint8_t id = ids_.id_of(ExtensionKind::kMid); id != 0) {
        std::memcpy(elements.open(id, mid.size()), mid.data(), mid.size());
    }
    if (const std::uint8_t id = ids_.id_of(ExtensionKind::kTransportSequence); id != 0) {
        made.transport_sequence_at = offset_of(elements.open(id, 2));
    }
    if (const std::uint8_t id = ids_.id_of(ExtensionKind::kAbsSendTime); id != 0) {
        made.abs_send_time_at = offset_of(elements.open(id, 3));
    }
    made.size = offset_of(elements.at);
    return made;
}

std::size_t RtpHeaderWriter::write(const RtpHeaderFields& fields,
                                   std::span<const std::byte> csrcs,
                                   const HeaderExtensions& values,
                                   std::span<std::byte> out) const {
    CHECK(out.size() >= kRtpHeaderBytesMax && csrcs.size() <= kCsrcsMax * 4);
    std::byte* const header = out.data();
    store_u8(header, static_cast<std::uint8_t>(0x80U | csrcs.size() / 4));
    store_u8(header + 1,
             static_cast<std::uint8_t>((fields.marker ? 0x80U : 0U) | fields.payload_type));
    store_be16(header + 2, fields.seq);
    store_be32(header + 4, value_of(fields.timestamp));
    store_be32(header + 8, fields.ssrc);
    std::byte* const block = header + kRtpFixedHeaderBytes + csrcs.size();
    if (!csrcs.empty()) {
        std::memcpy(header + kRtpFixedHeaderBytes, csrcs.data(), csrcs.size());
    }

    const std::uint8_t descriptor_id = ids_.id_of(ExtensionKind::kDependencyDescriptor);
    const std::size_t descriptor_bytes =
        descriptor_id == 0 ? 0 : std::min<std::size_t>(values.dependency_descriptor.size(), 255);
    const bool two_byte = always_two_byte_ || descriptor_bytes > kOneByteValueMax;
    const Template& start = two_byte ? two_byte_ : one_byte_;
    // A copy of known size is a few instructions; what is too much of it is overwritten.
    std::memcpy(block, start.bytes.data(), start.bytes.size());
    if (start.transport_sequence_at != 0) {
        store_be16(block + start.transport_sequence_at, fields.transport_sequence);
    }
    if (start.abs_send_time_at != 0) {
        store_be24(block + start.abs_send_time_at, fields.abs_send_time);
    }

    ElementWriter elements{.at = block + start.size, .two_byte = two_byte};
    if (const auto id = ids_.id_of(ExtensionKind::kAudioLevel); id != 0 && values.audio_level) {
        store_u8(elements.open(id, 1), byte_of(*values.audio_level));
    }
    if (const auto id = ids_.id_of(ExtensionKind::kVideoOrientation);
        id != 0 && values.video_orientation) {
        store_u8(elements.open(id, 1), *values.video_orientation);
    }
    if (const auto id = ids_.id_of(ExtensionKind::kPlayoutDelay); id != 0 && values.playout_delay) {
        store_be24(elements.open(id, 3),
                   std::uint32_t{values.playout_delay->min_10ms} << 12U |
                       (values.playout_delay->max_10ms & 0xfffU));
    }
    if (descriptor_bytes != 0) {
        std::memcpy(elements.open(descriptor_id, descriptor_bytes),
                    values.dependency_descriptor.data(),
                    descriptor_bytes);
    }

    std::byte* const end = elements.at;
    const auto element_bytes = static_cast<std::size_t>(end - (block + 4));
    if (element_bytes == 0) {
        return static_cast<std::size_t>(block - header);
    }
    const std::size_t words = (element_bytes + 3) / 4;
    std::memset(end, 0, words * 4 - element_bytes);
    store_be16(block + 2, static_cast<std::uint16_t>(words));
    *header |= std::byte{0x10};
    return static_cast<std::size_t>(block - header) + 4 + words * 4;
}

}  // namespace isthmus::media::rtp
