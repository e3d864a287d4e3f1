#include "media/layers/descriptor_reader.h"

namespace isthmus::media::layers {
namespace {

using rtp::DependencyDescriptor;
using rtp::DescriptorError;
using rtp::DescriptorHead;

void fill_head(const DescriptorHead& head, PacketLayers& into) {
    into.start_of_frame = head.start_of_frame;
    into.end_of_frame = head.end_of_frame;
    into.key_picture_start = head.has_structure && head.start_of_frame;
}

void fill(const DependencyDescriptor& parsed, const DecodeTargets& targets, PacketLayers& into) {
    fill_head(parsed.head, into);
    into.layer = {.spatial = parsed.spatial, .temporal = parsed.temporal};
    into.needed_by = targets.present(parsed.indications);
    into.switches_to =
        into.key_picture_start ? LayerSet::all() : targets.switchable(parsed.indications);
    into.references = parsed.references;
    into.references_known = true;
    into.top_spatial = targets.top_spatial();
    into.described = DescribedFrame{.parsed = parsed, .targets = &targets};
}

// What can be said without the structure: nobody can tell who needs the frame. All that follows the
// ids counts as structure, or as custom fields: an edit leaves it as it is.
void fill_opaque(const DescriptorHead& head, std::span<const std::byte> value, PacketLayers& into) {
    fill_head(head, into);
    into.needed_by = LayerSet::all();
    DependencyDescriptor parsed;
    parsed.head = head;
    parsed.has_mask = head.has_mask;
    parsed.end = static_cast<std::uint16_t>(value.size() * 8);
    parsed.structure_end = head.has_structure ? parsed.end : std::uint16_t{29};
    into.described = DescribedFrame{.parsed = parsed, .targets = nullptr};
}

}  // namespace

const DescriptorReader::Slot* DescriptorReader::find(const DescriptorHead& head) const {
    const Slot* current = slots_[current_].get();
    if (current == nullptr || !current->known) {
        return nullptr;
    }
    const Slot* before = slots_[1 - current_].get();
    const std::uint64_t frame = frame_numbers_.peek(head.frame_number);
    if (frame < current->first_frame && before != nullptr && before->known) {
        return before;
    }
    return current;
}

std::expected<void, DescriptorError> DescriptorReader::read(std::span<const std::byte> value,
                                                            PacketLayers& into) {
    const auto head = DescriptorHead::parse(value);
    if (!head) {
        return std::unexpected(DescriptorError::kTooShort);
    }
    if (head->has_structure) {
        return read_structure(value, *head, into);
    }
    into.frame = frame_numbers_.unwrap(head->frame_number);
    const Slot* found = find(*head);
    if (found == nullptr) {
        fill_opaque(*head, value, into);
        return std::unexpected(DescriptorError::kNoStructure);
    }
    Slot& slot = *slots_[found == slots_[current_].get() ? current_ : 1 - current_];
    const auto parsed = DependencyDescriptor::parse(value, &slot.structure, slot.structure);
    if (!parsed) {
        fill_opaque(*head, value, into);
        return std::unexpected(parsed.error());
    }
    const std::uint32_t active = parsed->active_targets.value_or(slot.targets.active());
    if (active != slot.targets.active()) {
        slot.targets = DecodeTargets(slot.structure, active);
    }
    fill(*parsed, slot.targets, into);
    return {};
}

std::expected<void, DescriptorError> DescriptorReader::read_structure(
    std::span<const std::byte> value, const DescriptorHead& head, PacketLayers& into) {
    const Slot* const current = slots_[current_].get();
    const std::size_t next = 1 - current_;
    if (!slots_[next]) {
        slots_[next] = std::make_unique<Slot>();
    }
    Slot& slot = *slots_[next];
    slot.known = false;
    const auto parsed = DependencyDescriptor::parse(value, nullptr, slot.structure);
    if (!parsed) {
        return std::unexpected(parsed.error());
    }
    slot.targets = DecodeTargets(slot.structure, parsed->active_targets.value_or(~0U));
    slot.first_frame = frame_numbers_.unwrap(head.frame_number);
    slot.known = true;
    into.frame = slot.first_frame;
    fill(*parsed, slot.targets, into);
    // A retransmission may be of a key frame before the last.
    if (current == nullptr || !current->known || slot.first_frame >= current->first_frame) {
        current_ = next;
    }
    return {};
}

void DescriptorReader::read_again(std::span<const std::byte> value, PacketLayers& into) const {
    const auto head = DescriptorHead::parse(value);
    if (!head) {
        return;
    }
    into.frame = frame_numbers_.peek(head->frame_number);
    const Slot* slot = find(*head);
    rtp::TemplateStructure attached;
    const auto parsed =
        DependencyDescriptor::parse(value, slot != nullptr ? &slot->structure : nullptr, attached);
    if (!parsed && head->has_structure) {
        return;  // as in read(): nobody knows where the structure ends
    }
    const std::uint8_t decode_targets = head->has_structure ? attached.decode_targets
                                        : slot != nullptr   ? slot->structure.decode_targets
                                                            : std::uint8_t{0};
    if (!parsed || slot == nullptr || slot->targets.count() != decode_targets) {
        fill_opaque(*head, value, into);
        return;
    }
    fill(*parsed, slot->targets, into);
}

rtp::FrameSize DescriptorReader::size_of(std::uint8_t spatial) const {
    const Slot* slot = slots_[current_].get();
    if (slot == nullptr || !slot->known || !slot->structure.has_sizes ||
        spatial >= slot->structure.spatial_layers) {
        return {};
    }
    return slot->structure.sizes[spatial];
}

}  // namespace isthmus::media::layers
