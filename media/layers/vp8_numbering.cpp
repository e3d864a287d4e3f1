#include "media/layers/vp8_numbering.h"

namespace isthmus::media::layers {

using rtp::PayloadPrefix;
using rtp::Vp8Descriptor;

void Vp8Numbering::begin(std::uint8_t generation,
                         const Vp8Descriptor& first,
                         std::uint64_t picture) {
    generation_ = generation;
    tl0_offset_before_ = tl0_offset_;
    if (started_) {
        offset_ = static_cast<std::uint16_t>(newest_out_ + 1U - picture);
        tl0_offset_ =
            static_cast<std::uint8_t>(newest_tl0_out_ + 1U - first.tl0_picture_index.value_or(0));
    } else {
        started_ = true;
        long_ids_ = first.long_picture_id || !first.picture_id;
    }
    newest_ = picture - 1;
}

void Vp8Numbering::record(std::uint64_t picture) {
    entries_[picture % kPictures] = {.key = key_of(generation_, picture),
                                     .out = static_cast<std::uint16_t>(picture + offset_)};
}

void Vp8Numbering::on_picture(const Vp8Descriptor& descriptor,
                              std::uint64_t picture,
                              bool key,
                              bool forwarded) {
    const bool steps_back = descriptor.picture_id && picture <= newest_;
    if (!started_ || (steps_back && !key)) {
        return;
    }
    if (steps_back || picture - newest_ > kGapMax) {
        offset_ = static_cast<std::uint16_t>(newest_out_ + 1U - picture);
    } else {
        // What is missing may still come: it has its numbers.
        for (std::uint64_t missing = newest_ + 1; missing < picture; ++missing) {
            record(missing);
        }
    }
    newest_ = picture;
    if (!forwarded) {
        --offset_;
        return;
    }
    record(picture);
    newest_out_ = static_cast<std::uint16_t>(picture + offset_);
    newest_tl0_out_ =
        static_cast<std::uint8_t>(descriptor.tl0_picture_index.value_or(0) + tl0_offset_);
}

std::optional<PayloadPrefix> Vp8Numbering::rewrite(std::uint8_t generation,
                                                   std::span<const std::byte> payload,
                                                   const Vp8Descriptor& descriptor,
                                                   std::uint64_t picture) const {
    const std::uint8_t tl0 = descriptor.tl0_picture_index.value_or(0);
    const auto tl0_out = static_cast<std::uint8_t>(
        tl0 + (generation == generation_ ? tl0_offset_ : tl0_offset_before_));
    if (!descriptor.picture_id) {
        if (tl0_out == tl0) {
            return PayloadPrefix{};
        }
        return rtp::rewrite_vp8(payload, descriptor, {.tl0_picture_index = tl0_out});
    }
    const Entry& entry = entries_[picture % kPictures];
    if (entry.key != key_of(generation, picture)) {
        return std::nullopt;
    }
    const std::uint16_t mask = long_ids_ ? 0x7fffU : 0x7fU;
    const auto out = static_cast<std::uint16_t>(entry.out & mask);
    if (out == *descriptor.picture_id && tl0_out == tl0 &&
        long_ids_ == descriptor.long_picture_id) {
        return PayloadPrefix{};
    }
    return rtp::rewrite_vp8(
        payload,
        descriptor,
        {.picture_id = out, .long_picture_id = long_ids_, .tl0_picture_index = tl0_out});
}

}  // namespace isthmus::media::layers
