#include "media/rtp/vp9_descriptor.h"

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/bit_reader.h"

namespace isthmus::media::rtp {
namespace {

// Takes bytes from the front; false once there are too few.
class Cursor {
  public:
    explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool read(std::uint8_t& value) {
        if (at_ >= bytes_.size()) {
            return false;
        }
        value = load_u8(&bytes_[at_++]);
        return true;
    }

    [[nodiscard]] bool skip(std::size_t bytes) {
        if (bytes_.size() - at_ < bytes) {
            return false;
        }
        at_ += bytes;
        return true;
    }

    [[nodiscard]] std::size_t at() const { return at_; }

  private:
    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
};

bool read_picture_id(Cursor& cursor, Vp9Descriptor& into) {
    std::uint8_t high = 0;
    if (!cursor.read(high)) {
        return false;
    }
    into.long_picture_id = (high & 0x80U) != 0;
    into.picture_id = high & 0x7fU;
    if (into.long_picture_id) {
        std::uint8_t low = 0;
        if (!cursor.read(low)) {
            return false;
        }
        into.picture_id = static_cast<std::uint16_t>((high & 0x7fU) << 8U | low);
    }
    return true;
}

bool read_layers(Cursor& cursor, Vp9Descriptor& into) {
    std::uint8_t layers = 0;
    if (!cursor.read(layers)) {
        return false;
    }
    into.temporal_layer = static_cast<std::uint8_t>(layers >> 5U);
    into.switching_up_point = (layers & 0x10U) != 0;
    into.spatial_layer = static_cast<std::uint8_t>((layers >> 1U) & 0x07U);
    into.inter_layer_predicted = (layers & 0x01U) != 0;
    if (!into.flexible) {
        std::uint8_t index = 0;
        if (!cursor.read(index)) {
            return false;
        }
        into.tl0_picture_index = index;
    }
    return true;
}

// SPEC rfc9628#4.2: up to three P_DIFF, each saying whether another follows.
bool read_references(Cursor& cursor, Vp9References& into) {
    while (into.count < kVp9ReferencesMax) {
        std::uint8_t difference = 0;
        if (!cursor.read(difference)) {
            return false;
        }
        into.differences[into.count++] = static_cast<std::uint8_t>(difference >> 1U);
        if ((difference & 0x01U) == 0) {
            return true;
        }
    }
    return false;
}

bool read_sizes(Cursor& cursor, Vp9Structure& into) {
    into.has_sizes = true;
    for (std::size_t layer = 0; layer < into.spatial_layers; ++layer) {
        std::array<std::uint8_t, 4> bytes{};
        for (std::uint8_t& byte : bytes) {
            if (!cursor.read(byte)) {
                return false;
            }
        }
        into.sizes[layer] = {.width = static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]),
                             .height = static_cast<std::uint16_t>(bytes[2] << 8U | bytes[3])};
    }
    return true;
}

bool read_group(Cursor& cursor, Vp9Structure& into) {
    std::uint8_t pictures = 0;
    if (!cursor.read(pictures)) {
        return false;
    }
    for (unsigned i = 0; i < pictures; ++i) {
        std::uint8_t bits = 0;
        if (!cursor.read(bits)) {
            return false;
        }
        Vp9GroupPicture picture{.temporal_layer = static_cast<std::uint8_t>(bits >> 5U),
                                .switching_up_point = (bits & 0x10U) != 0,
                                .references = {}};
        picture.references.count = static_cast<std::uint8_t>((bits >> 2U) & 0x03U);
        for (std::size_t r = 0; r < picture.references.count; ++r) {
            if (!cursor.read(picture.references.differences[r])) {
                return false;
            }
        }
        if (i < kVp9GroupMax) {
            into.group[i] = picture;
        }
    }
    into.group_pictures = pictures <= kVp9GroupMax ? pictures : 0;
    return true;
}

// SPEC rfc9628#4.2.1
bool read_structure(Cursor& cursor, Vp9Structure& into) {
    std::uint8_t head = 0;
    if (!cursor.read(head)) {
        return false;
    }
    into.spatial_layers = static_cast<std::uint8_t>((head >> 5U) + 1U);
    const bool sizes = (head & 0x10U) != 0;
    const bool group = (head & 0x08U) != 0;
    return (!sizes || read_sizes(cursor, into)) && (!group || read_group(cursor, into));
}

// color_config() of the VP9 bitstream specification; false where it is reserved.
bool skip_color_config(BitReader& reader, std::uint32_t profile) {
    constexpr std::uint32_t kSrgb = 7;
    if (profile >= 2) {
        reader.skip(1);  // ten_or_twelve_bit
    }
    const std::uint32_t color_space = reader.read(3);
    const bool subsampling = profile == 1 || profile == 3;
    if (color_space != kSrgb) {
        reader.skip(1);  // color_range
        reader.skip(subsampling ? 3 : 0);
        return true;
    }
    reader.skip(subsampling ? 1 : 0);
    return subsampling;
}

}  // namespace

std::optional<Vp9Descriptor> Vp9Descriptor::parse(std::span<const std::byte> payload) {
    Cursor cursor(payload);
    std::uint8_t bits = 0;
    if (!cursor.read(bits)) {
        return std::nullopt;
    }
    const bool has_picture_id = (bits & 0x80U) != 0;
    const bool has_layers = (bits & 0x20U) != 0;
    Vp9Descriptor descriptor;
    descriptor.inter_picture_predicted = (bits & 0x40U) != 0;
    descriptor.flexible = (bits & 0x10U) != 0;
    descriptor.start_of_frame = (bits & 0x08U) != 0;
    descriptor.end_of_frame = (bits & 0x04U) != 0;
    descriptor.scalability_structure = (bits & 0x02U) != 0;
    descriptor.not_reference_for_upper = (bits & 0x01U) != 0;

    const bool references = descriptor.flexible && descriptor.inter_picture_predicted;
    const bool whole = (!has_picture_id || read_picture_id(cursor, descriptor)) &&
                       (!has_layers || read_layers(cursor, descriptor)) &&
                       (!references || read_references(cursor, descriptor.references));
    if (!whole) {
        return std::nullopt;
    }
    if (descriptor.scalability_structure) {
        descriptor.structure_at = static_cast<std::uint8_t>(cursor.at());
        Vp9Structure ignored;
        if (!read_structure(cursor, ignored)) {
            return std::nullopt;
        }
    }
    if (cursor.at() >= payload.size()) {
        return std::nullopt;
    }
    descriptor.bytes = cursor.at();
    return descriptor;
}

Vp9Structure Vp9Descriptor::structure(std::span<const std::byte> payload) const {
    DCHECK(scalability_structure && payload.size() > bytes);
    Cursor cursor(payload.first(bytes).subspan(structure_at));
    Vp9Structure read;
    const bool whole = read_structure(cursor, read);
    DCHECK(whole);
    static_cast<void>(whole);
    return read;
}

std::optional<FrameSize> Vp9Descriptor::key_frame_size(std::span<const std::byte> payload) const {
    constexpr std::uint32_t kFrameMarker = 2;
    constexpr std::uint32_t kSyncCode = 0x498342;
    if (!key_frame() || payload.size() <= bytes) {
        return std::nullopt;
    }
    // uncompressed_header()
    BitReader reader(payload.subspan(bytes));
    if (reader.read(2) != kFrameMarker) {
        return std::nullopt;
    }
    const std::uint32_t profile_low = reader.read(1);
    const std::uint32_t profile = reader.read(1) << 1U | profile_low;
    reader.skip(profile == 3 ? 1 : 0);
    const bool shows_existing = reader.read_flag();
    const bool non_key = reader.read_flag();
    reader.skip(2);  // show_frame, error_resilient_mode
    if (shows_existing || non_key || reader.read(24) != kSyncCode ||
        !skip_color_config(reader, profile)) {
        return std::nullopt;
    }
    const FrameSize size{.width = static_cast<std::uint16_t>(reader.read(16) + 1),
                         .height = static_cast<std::uint16_t>(reader.read(16) + 1)};
    return reader.failed() ? std::nullopt : std::optional(size);
}

PayloadPrefix rewrite_vp9(std::span<const std::byte> payload,
                          const Vp9Descriptor& descriptor,
                          const Vp9Numbers& numbers) {
    PayloadPrefix prefix;
    if (!descriptor.picture_id && !descriptor.tl0_picture_index) {
        return prefix;
    }
    // Flags, picture id, layer indices, TL0PICIDX.
    std::size_t size = 1;
    prefix.bytes[0] = payload[0];
    if (descriptor.picture_id) {
        if (descriptor.long_picture_id) {
            store_be16(&prefix.bytes[size],
                       static_cast<std::uint16_t>(numbers.picture_id | 0x8000U));
            size += 2;
        } else {
            store_u8(&prefix.bytes[size++], static_cast<std::uint8_t>(numbers.picture_id & 0x7fU));
        }
    }
    if (descriptor.tl0_picture_index) {
        prefix.bytes[size] = payload[size];
        store_u8(&prefix.bytes[size + 1], numbers.tl0_picture_index);
        size += 2;
    }
    prefix.size = static_cast<std::uint8_t>(size);
    prefix.replaced = prefix.size;
    return prefix;
}

}  // namespace isthmus::media::rtp
