#include "media/client/packetiser.h"

#include <algorithm>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::client {

using rtp::Codec;

namespace {

constexpr std::uint8_t kNalFillerData = 12;    // ITU-T H.264 table 7-1
constexpr std::uint8_t kNalFuA = 28;           // RFC 6184 section 5.8
constexpr std::uint8_t kObuPadding = 15 << 3;  // AV1 section 5.3.2, without a size field

// `bytes` of which the last kStampBytes are the stamp's, in pieces; `begin` fills in the prefix.
template <typename Begin>
void add_stamped_pieces(std::span<const std::byte> frame,
                        std::size_t piece_max,
                        std::vector<PayloadPart>& parts,
                        Begin&& begin) {
    const std::size_t bytes = frame.size() + kStampBytes;
    for_each_piece(bytes, piece_max, [&](std::size_t at, std::size_t size) {
        PayloadPart part;
        part.stamped = at + size == bytes;
        part.body = frame.subspan(at, size - (part.stamped ? kStampBytes : 0));
        begin(part, at == 0, at + size == bytes);
        parts.push_back(part);
    });
}

}  // namespace

Packetiser::Packetiser(Codec codec, bool filler, std::size_t payload_bytes_max)
    : codec_(codec), filler_(filler), payload_bytes_max_(payload_bytes_max) {
    CHECK(payload_bytes_max > 4 * kStampBytes);
}

void Packetiser::packetise(const RecordedFrame& frame, std::vector<PayloadPart>& parts) {
    parts.clear();
    switch (codec_) {
        case Codec::kVp8:
            packetise_vp8(frame, parts);
            break;
        case Codec::kH264:
            packetise_h264(frame, parts);
            break;
        case Codec::kAv1:
            packetise_av1(frame, parts);
            break;
        default:
            CHECK(false);
    }
    if (!parts.empty()) {
        parts.back().marker = true;
    }
}

//  0 1 2 3 4 5 6 7
// +-+-+-+-+-+-+-+-+
// |X|R|N|S|R| PID |  X, and S in the first packet
// |I|L|T|K| RSV   |  I
// |M| PictureID   |  15 bits
// |   PictureID   |
void Packetiser::packetise_vp8(const RecordedFrame& frame, std::vector<PayloadPart>& parts) {
    const std::uint16_t picture = picture_id_;
    picture_id_ = static_cast<std::uint16_t>((picture_id_ + 1U) & 0x7fffU);
    for (const auto& unit : frame.units) {
        add_stamped_pieces(unit,
                           payload_bytes_max_ - kVp8PrefixBytes,
                           parts,
                           [picture](PayloadPart& part, bool first, bool /*last*/) {
                               part.push(first ? 0x90 : 0x80);
                               part.push(0x80);
                               part.push(static_cast<std::uint8_t>(0x80U | (picture >> 8U)));
                               part.push(static_cast<std::uint8_t>(picture));
                           });
    }
}

void Packetiser::packetise_h264(const RecordedFrame& frame, std::vector<PayloadPart>& parts) const {
    if (filler_) {
        // One NAL unit, which nobody decodes: the stamp is part of it.
        const std::span<const std::byte> unit(frame.units.front());
        if (unit.size() + kStampBytes <= payload_bytes_max_) {
            parts.push_back({.stamped = true, .body = unit});
            return;
        }
        const std::uint8_t header = load_u8(unit.data());
        add_stamped_pieces(unit.subspan(1),
                           payload_bytes_max_ - kH264PrefixBytes,
                           parts,
                           [header](PayloadPart& part, bool first, bool last) {
                               part.push(static_cast<std::uint8_t>((header & 0xe0U) | kNalFuA));
                               part.push(static_cast<std::uint8_t>(
                                   (first ? 0x80U : 0U) | (last ? 0x40U : 0U) | (header & 0x1fU)));
                           });
        return;
    }
    for (const auto& unit : frame.units) {
        add_nal_unit(unit, parts);
    }
    PayloadPart stamp{.stamped = true};
    stamp.push(kNalFillerData);
    parts.push_back(stamp);
}

void Packetiser::add_nal_unit(std::span<const std::byte> unit,
                              std::vector<PayloadPart>& parts) const {
    if (unit.size() <= payload_bytes_max_) {
        parts.push_back({.body = unit});
        return;
    }
    const std::uint8_t header = load_u8(unit.data());
    const std::span<const std::byte> body = unit.subspan(1);
    for_each_piece(
        body.size(), payload_bytes_max_ - kH264PrefixBytes, [&](std::size_t at, std::size_t size) {
            PayloadPart part{.body = body.subspan(at, size)};
            part.push(static_cast<std::uint8_t>((header & 0xe0U) | kNalFuA));
            part.push(static_cast<std::uint8_t>((at == 0 ? 0x80U : 0U) |
                                                (at + size == body.size() ? 0x40U : 0U) |
                                                (header & 0x1fU)));
            parts.push_back(part);
        });
}

// The aggregation header: Z, Y, W = 1 (one element, its length is the packet's), N.
void Packetiser::packetise_av1(const RecordedFrame& frame, std::vector<PayloadPart>& parts) const {
    const auto begin = [&](PayloadPart& part, bool first, bool last) {
        const bool new_sequence = frame.key && parts.empty();
        part.push(static_cast<std::uint8_t>((first ? 0U : 0x80U) | (last ? 0U : 0x40U) | 0x10U |
                                            (new_sequence ? 0x08U : 0U)));
    };
    const std::size_t piece_max = payload_bytes_max_ - kAv1PrefixBytes;
    if (filler_) {
        add_stamped_pieces(frame.units.front(), piece_max, parts, begin);
        return;
    }
    for (const auto& unit : frame.units) {
        for_each_piece(unit.size(), piece_max, [&](std::size_t at, std::size_t size) {
            PayloadPart part{.body = std::span<const std::byte>(unit).subspan(at, size)};
            begin(part, at == 0, at + size == unit.size());
            parts.push_back(part);
        });
    }
    PayloadPart stamp{.stamped = true, .trailed = true};
    begin(stamp, true, true);
    stamp.push(kObuPadding);
    parts.push_back(stamp);
}

}  // namespace isthmus::media::client
