#include "media/rtp/vp9_descriptor.h"

#include "base/byte_order.h"

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
bool skip_references(Cursor& cursor) {
    for (int i = 0; i < 3; ++i) {
        std::uint8_t difference = 0;
        if (!cursor.read(difference)) {
            return false;
        }
        if ((difference & 0x01U) == 0) {
            return true;
        }
    }
    return false;
}

// SPEC rfc9628#4.2.1
bool skip_scalability_structure(Cursor& cursor) {
    std::uint8_t head = 0;
    if (!cursor.read(head)) {
        return false;
    }
    const std::size_t spatial_layers = (head >> 5U) + 1U;
    const bool sizes = (head & 0x10U) != 0;
    const bool group = (head & 0x08U) != 0;
    if (sizes && !cursor.skip(spatial_layers * 4)) {
        return false;
    }
    std::uint8_t pictures = 0;
    if (group && !cursor.read(pictures)) {
        return false;
    }
    for (unsigned i = 0; i < pictures; ++i) {
        std::uint8_t picture = 0;
        if (!cursor.read(picture) || !cursor.skip((picture >> 2U) & 0x03U)) {
            return false;
        }
    }
    return true;
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
                       (!references || skip_references(cursor)) &&
                       (!descriptor.scalability_structure || skip_scalability_structure(cursor));
    if (!whole || cursor.at() >= payload.size()) {
        return std::nullopt;
    }
    descriptor.bytes = cursor.at();
    return descriptor;
}

}  // namespace isthmus::media::rtp
