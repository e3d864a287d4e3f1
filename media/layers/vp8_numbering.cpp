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
    newest_sent_ = false;
}

void Vp8Numbering::record(std::uint64_t picture) {
    entries_[picture % kPictures] = {.key = key_of(generation_, picture),
                                     .out = static_cast<std::uint16_t>(picture + offset_)};
}

// Inline: an optional of two bytes that is returned through memory costs more than the rest.
inline std::optional<std::uint16_t> Vp8Numbering::number_of(std::uint8_t generation,
                                                            std::uint64_t picture) const {
    // Nearly every packet is of the newest picture: the table, which has gone cold, is not read.
    if (newest_sent_ && picture == newest_ && generation == generation_) {
        return newest_out_;
    }
    const Entry& entry = entries_[picture % kPictures];
    return entry.key == key_of(generation, picture) ? std::optional(entry.out) : std::nullopt;
}

bool Vp8Numbering::on_picture(const Vp8Descriptor& descriptor,
                              std::uint64_t picture,
                              bool key,
                              bool forwarded) {
    const bool steps_back = descriptor.picture_id && picture <= newest_;
    if (!started_ || (steps_back && !key)) {
        return number_of(generation_, picture).has_value();
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
    newest_sent_ = forwarded;
    if (!forwarded) {
        --offset_;
        return true;
    }
    record(picture);
    newest_out_ = static_cast<std::uint16_t>(picture + offset_);
    newest_tl0_out_ =
        static_cast<std::uint8_t>(descriptor.tl0_picture_index.value_or(0) + tl0_offset_);
    return true;
}

bool Vp8Numbering::rewrite(std::uint8_t generation,
                           std::span<const std::byte> payload,
                           const Vp8Descriptor& descriptor,
                           std::uint64_t picture,
                           PayloadPrefix& prefix) const {
    const std::uint8_t tl0 = descriptor.tl0_picture_index.value_or(0);
    const auto tl0_out = static_cast<std::uint8_t>(
        tl0 + (generation == generation_ ? tl0_offset_ : tl0_offset_before_));
    if (!descriptor.picture_id) {
        if (tl0_out != tl0) {
            prefix = rtp::rewrite_vp8(payload, descriptor, {.tl0_picture_index = tl0_out});
        }
        return true;
    }
    const auto number = number_of(generation, picture);
    if (!number) {
        return false;
    }
    const std::uint16_t mask = long_ids_ ? 0x7fffU : 0x7fU;
    const auto out = static_cast<std::uint16_t>(*number & mask);
    if (out != *descriptor.picture_id || tl0_out != tl0 ||
        long_ids_ != descriptor.long_picture_id) {
        prefix = rtp::rewrite_vp8(
            payload,
            descriptor,
            {.picture_id = out, .long_picture_id = long_ids_, .tl0_picture_index = tl0_out});
    }
    return true;
}

}  // namespace isthmus::media::layers
