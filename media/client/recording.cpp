#include "media/client/recording.h"

#include <algorithm>
#include <array>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/client/packetiser.h"

namespace isthmus::media::client {

using rtp::Codec;

namespace {

using Bytes = std::span<const std::byte>;
using Units = std::vector<std::vector<std::byte>>;

constexpr std::uint8_t kNalIdr = 5;
constexpr std::uint8_t kNalSps = 7;
constexpr std::uint8_t kNalPps = 8;
constexpr std::uint8_t kNalStapA = 24;
constexpr std::uint8_t kNalTypeMask = 0x1f;
constexpr std::uint8_t kObuTemporalDelimiter = 2;

// Where the next start code 00 00 01 begins, or the end.
[[nodiscard]] std::size_t find_start_code(Bytes stream, std::size_t from) {
    for (std::size_t at = from; at + 3 <= stream.size(); ++at) {
        if (load_be24(&stream[at]) == 1) {
            return at;
        }
    }
    return stream.size();
}

[[nodiscard]] std::vector<Bytes> split_annex_b(Bytes stream) {
    std::vector<Bytes> units;
    std::size_t at = find_start_code(stream, 0);
    while (at + 3 < stream.size()) {
        const std::size_t begin = at + 3;
        at = find_start_code(stream, begin);
        std::size_t end = at;
        // A four-byte start code, and zeros after the unit (ITU-T H.264 annex B).
        while (end > begin && stream[end - 1] == std::byte{0}) {
            --end;
        }
        if (end > begin) {
            units.push_back(stream.subspan(begin, end - begin));
        }
    }
    return units;
}

struct SizeField {
    std::uint64_t value = 0;
    std::size_t bytes = 0;
};

// leb128, AV1 section 4.10.5; zero bytes where it does not end.
[[nodiscard]] SizeField read_leb128(Bytes from) {
    constexpr std::size_t kBytesMax = 8;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < std::min(from.size(), kBytesMax); ++i) {
        const std::uint8_t byte = load_u8(&from[i]);
        value |= std::uint64_t{byte & 0x7fU} << (7 * i);
        if ((byte & 0x80U) == 0) {
            return {.value = value, .bytes = i + 1};
        }
    }
    return {};
}

// Not cryptographic: the same noise in every run.
class Noise {
  public:
    [[nodiscard]] std::byte next() {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::byte>(state_ >> 56U);
    }

  private:
    std::uint64_t state_ = 1;
};

// What a frame's unit begins with, so that parsers see a key frame or none.
[[nodiscard]] std::vector<std::byte> first_bytes(Codec codec, bool key) {
    std::vector<std::uint8_t> head;
    switch (codec) {
        case Codec::kVp8:
            // RFC 6386 section 9.1: frame tag, start code, 1280 x 720.
            head = key ? std::vector<std::uint8_t>{0x10, 0, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2}
                       : std::vector<std::uint8_t>{0x11, 0, 0};
            break;
        case Codec::kH264:
            // Then first_mb_in_slice, 0 in one bit (ITU-T H.264 section 7.3.3).
            head = {static_cast<std::uint8_t>(0x60U | (key ? kNalIdr : 1U)), 0x88};
            break;
        case Codec::kAv1:
            head = {6U << 3U};  // OBU_FRAME without a size field
            break;
        default:
            CHECK(false);
    }
    std::vector<std::byte> bytes(head.size());
    std::ranges::transform(head, bytes.begin(), [](std::uint8_t b) { return std::byte{b}; });
    return bytes;
}

[[nodiscard]] std::size_t unit_bytes(const FillerShape& shape) {
    const std::size_t packets = shape.packets_per_frame;
    switch (shape.codec) {
        case Codec::kVp8:
            return packets * (shape.payload_bytes - kVp8PrefixBytes) - kStampBytes;
        case Codec::kH264:
            // A unit that is cut loses its first byte to the prefixes.
            return packets == 1
                       ? shape.payload_bytes - kStampBytes
                       : packets * (shape.payload_bytes - kH264PrefixBytes) + 1 - kStampBytes;
        default:
            return packets * (shape.payload_bytes - kAv1PrefixBytes) - kStampBytes;
    }
}

}  // namespace

Units units_of_annex_b(Bytes frame) {
    Units units;
    std::vector<std::byte> sets{std::byte{kNalStapA}};
    std::uint8_t importance = 0;
    for (const Bytes unit : split_annex_b(frame)) {
        const std::uint8_t header = load_u8(unit.data());
        const std::uint8_t type = header & kNalTypeMask;
        if ((type == kNalSps || type == kNalPps) && unit.size() <= 0xffff) {
            std::array<std::byte, 2> size{};
            store_be16(size.data(), static_cast<std::uint16_t>(unit.size()));
            sets.insert(sets.end(), size.begin(), size.end());
            sets.insert(sets.end(), unit.begin(), unit.end());
            importance = std::max<std::uint8_t>(importance, header & 0x60U);
        } else {
            units.emplace_back(unit.begin(), unit.end());
        }
    }
    if (sets.size() > 1) {
        sets.front() = static_cast<std::byte>(importance | kNalStapA);
        units.insert(units.begin(), std::move(sets));
    }
    return units;
}

Units units_of_obus(Bytes unit) {
    Units units;
    while (!unit.empty()) {
        const std::uint8_t header = load_u8(unit.data());
        const bool extended = (header & 0x04U) != 0;
        const bool sized = (header & 0x02U) != 0;
        const std::size_t header_bytes = extended ? 2 : 1;
        if (unit.size() < header_bytes) {
            return units;
        }
        const Bytes rest = unit.subspan(header_bytes);
        const SizeField size =
            sized ? read_leb128(rest) : SizeField{.value = rest.size(), .bytes = 0};
        if ((sized && size.bytes == 0) || size.value > rest.size() - size.bytes) {
            return units;
        }
        const Bytes body = rest.subspan(size.bytes, static_cast<std::size_t>(size.value));
        if (((header >> 3U) & 0x0fU) != kObuTemporalDelimiter) {
            // SPEC av1-rtp#5: OBUs should have no size field of their own.
            std::vector<std::byte> obu(unit.begin(),
                                       unit.begin() + static_cast<std::ptrdiff_t>(header_bytes));
            obu.front() &= std::byte{0xfd};
            obu.insert(obu.end(), body.begin(), body.end());
            units.push_back(std::move(obu));
        }
        unit = rest.subspan(size.bytes + body.size());
    }
    return units;
}

Recording make_filler_recording(const FillerShape& shape) {
    CHECK(shape.packets_per_frame > 0 && shape.payload_bytes > 4 * kStampBytes);
    Recording recording{.codec = shape.codec, .width = 1280, .height = 720, .filler = true};
    Noise noise;
    for (std::size_t i = 0; i < std::max<std::size_t>(shape.frames, 1); ++i) {
        const bool key = i == 0;
        std::vector<std::byte> unit = first_bytes(shape.codec, key);
        const std::size_t head = unit.size();
        unit.resize(unit_bytes(shape));
        std::generate(unit.begin() + static_cast<std::ptrdiff_t>(head), unit.end(), [&noise] {
            return noise.next();
        });
        recording.frames.push_back({.key = key, .units = {std::move(unit)}});
    }
    return recording;
}

}  // namespace isthmus::media::client
