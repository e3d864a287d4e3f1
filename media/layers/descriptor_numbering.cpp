#include "media/layers/descriptor_numbering.h"

namespace isthmus::media::layers {

void DescriptorNumbering::begin(std::uint8_t generation, const DescribedFrame& first) {
    generation_ = generation;
    before_ = now_;
    if (started_) {
        now_.frame_number =
            static_cast<std::uint16_t>(newest_out_ + 1U - first.parsed.head.frame_number);
        // Another stream's structure may use the same ids for other templates.
        now_.template_id = first.targets == nullptr
                               ? now_.template_id
                               : static_cast<std::uint8_t>((ids_end_out_ + rtp::kTemplateIds -
                                                            first.targets->id_offset()) %
                                                           rtp::kTemplateIds);
    }
    started_ = true;
}

std::uint32_t DescriptorNumbering::active_for(const DescribedFrame& frame, LayerId wanted) {
    const DecodeTargets& targets = *frame.targets;
    return targets.covered_by(targets.for_layer(wanted)) & targets.active();
}

void DescriptorNumbering::on_frame(const DescribedFrame& frame, LayerId wanted) {
    newest_out_ = static_cast<std::uint16_t>(frame.parsed.head.frame_number + now_.frame_number);
    if (frame.targets == nullptr) {
        return;
    }
    ids_end_out_ = static_cast<std::uint8_t>(
        (frame.targets->id_offset() + frame.targets->ids() + now_.template_id) % rtp::kTemplateIds);
    const std::uint32_t active = active_for(frame, wanted);
    if (frame.parsed.head.has_structure) {
        // A structure makes all targets active for the receiver.
        told_active_ = frame.targets->all();
        tell_left_ = 0;
    }
    if (active != told_active_) {
        told_active_ = active;
        tell_left_ = kTellFrames;
    } else if (tell_left_ > 0) {
        --tell_left_;
    }
}

rtp::DescriptorEdit DescriptorNumbering::edit(std::uint8_t generation,
                                              const DescribedFrame& frame,
                                              LayerId wanted) const {
    const Offsets& offsets = generation == generation_ ? now_ : before_;
    const rtp::DependencyDescriptor& parsed = frame.parsed;
    auto edit = rtp::DescriptorEdit::of(
        parsed, frame.targets != nullptr ? frame.targets->count() : std::uint8_t{0});
    edit.frame_number = static_cast<std::uint16_t>(parsed.head.frame_number + offsets.frame_number);
    edit.template_id_shift = offsets.template_id;
    if (frame.targets != nullptr) {
        const std::uint32_t active = active_for(frame, wanted);
        const bool must = parsed.head.has_structure && active != frame.targets->all();
        const bool says = parsed.has_mask && parsed.active_targets == active;
        edit.writes_mask = !says && (must || parsed.has_mask || tell_left_ > 0);
        // Where there is no room for the mask as well, the frame's number matters more.
        edit.writes_mask &=
            (parsed.end + frame.targets->count() + 5U + 7U) / 8 <= rtp::kDescriptorBytesMax;
        edit.active_targets = active;
    }
    edit.any = offsets.frame_number != 0 || offsets.template_id != 0 || edit.writes_mask;
    return edit;
}

}  // namespace isthmus::media::layers
