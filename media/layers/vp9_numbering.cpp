#include "media/layers/vp9_numbering.h"

namespace isthmus::media::layers {

using rtp::PayloadPrefix;
using rtp::Vp9Descriptor;

void Vp9Numbering::begin(std::uint8_t generation, const Vp9Descriptor& first) {
    generation_ = generation;
    before_ = now_;
    if (started_) {
        now_.picture = static_cast<std::uint16_t>(newest_out_ + 1U - first.picture_id.value_or(0));
        now_.tl0 =
            static_cast<std::uint8_t>(newest_tl0_out_ + 1U - first.tl0_picture_index.value_or(0));
    }
    started_ = true;
}

void Vp9Numbering::on_picture(const Vp9Descriptor& descriptor) {
    newest_out_ = static_cast<std::uint16_t>(descriptor.picture_id.value_or(0) + now_.picture);
    newest_tl0_out_ =
        static_cast<std::uint8_t>(descriptor.tl0_picture_index.value_or(0) + now_.tl0);
}

PayloadPrefix Vp9Numbering::rewrite(std::uint8_t generation,
                                    std::span<const std::byte> payload,
                                    const Vp9Descriptor& descriptor) const {
    const Offsets& offsets = generation == generation_ ? now_ : before_;
    const std::uint16_t mask = descriptor.long_picture_id ? 0x7fffU : 0x7fU;
    const std::uint16_t picture = descriptor.picture_id.value_or(0);
    const std::uint8_t tl0 = descriptor.tl0_picture_index.value_or(0);
    const auto picture_out = static_cast<std::uint16_t>((picture + offsets.picture) & mask);
    const auto tl0_out = static_cast<std::uint8_t>(tl0 + offsets.tl0);
    const bool same_picture = !descriptor.picture_id || picture_out == picture;
    const bool same_tl0 = !descriptor.tl0_picture_index || tl0_out == tl0;
    if (same_picture && same_tl0) {
        return {};
    }
    return rtp::rewrite_vp9(
        payload, descriptor, {.picture_id = picture_out, .tl0_picture_index = tl0_out});
}

}  // namespace isthmus::media::layers
