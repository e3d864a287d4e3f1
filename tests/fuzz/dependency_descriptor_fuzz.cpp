// Any dependency descriptors, one after the other, as one stream has them: what parses stays within
// its bounds, and what is written for a receiver parses to the same but for what was to change.
// Input: pieces of one byte of length, then a descriptor.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/dependency_descriptor.h"

namespace isthmus::media::rtp {
namespace {

void check_bounds(const DependencyDescriptor& parsed, const TemplateStructure& structure) {
    CHECK(structure.decode_targets >= 1 && structure.decode_targets <= kDecodeTargetsMax);
    CHECK(structure.templates_used >= 1 && structure.templates_used <= kTemplateIds);
    CHECK(structure.spatial_layers <= kSpatialIdMax + 1);
    CHECK(structure.chains <= structure.decode_targets);
    CHECK(parsed.spatial <= kSpatialIdMax && parsed.temporal <= kTemporalIdMax);
    CHECK(parsed.references.count <= kFrameReferencesMax);
    for (const std::uint16_t difference : parsed.references.all()) {
        CHECK(difference != 0);
    }
}

void check_edit(std::span<const std::byte> value,
                const DependencyDescriptor& parsed,
                const TemplateStructure& structure,
                std::uint32_t seed) {
    DescriptorEdit edit = DescriptorEdit::of(parsed, structure.decode_targets);
    edit.frame_number = static_cast<std::uint16_t>(seed);
    edit.template_id_shift = static_cast<std::uint8_t>(seed % kTemplateIds);
    edit.writes_mask = seed % 2 != 0;
    edit.active_targets = seed & structure.all_targets();
    std::array<std::byte, kEditedDescriptorBytesMax> out{};
    const std::size_t size = edit_descriptor(value, edit, out);
    CHECK(size >= kDescriptorBytesMin && size <= value.size() + 5);
    TemplateStructure attached;
    TemplateStructure shifted = structure;
    shifted.id_offset =
        static_cast<std::uint8_t>((structure.id_offset + edit.template_id_shift) % kTemplateIds);
    const auto again = DependencyDescriptor::parse(std::span(out).first(size), &shifted, attached);
    CHECK(again.has_value());
    CHECK(again->head.frame_number == edit.frame_number);
    CHECK(again->head.start_of_frame == parsed.head.start_of_frame);
    CHECK(again->head.has_structure == parsed.head.has_structure);
    CHECK(again->spatial == parsed.spatial && again->temporal == parsed.temporal);
    CHECK(again->indications == parsed.indications);
    CHECK(again->references == parsed.references);
    CHECK(again->chains == parsed.chains);
    CHECK(again->active_targets ==
          (edit.writes_mask ? std::optional(edit.active_targets) : parsed.active_targets));
}

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace rtp = isthmus::media::rtp;
    auto input = std::as_bytes(std::span(data, size));
    rtp::TemplateStructure structure;
    bool known = false;
    std::uint32_t seed = static_cast<std::uint32_t>(size);
    while (!input.empty()) {
        const std::size_t length =
            std::min<std::size_t>(isthmus::load_u8(input.data()), input.size() - 1);
        const auto value = input.subspan(1, length);
        input = input.subspan(1 + length);
        rtp::TemplateStructure attached;
        const auto parsed =
            rtp::DependencyDescriptor::parse(value, known ? &structure : nullptr, attached);
        if (!parsed) {
            continue;
        }
        if (parsed->head.has_structure) {
            structure = attached;
            known = true;
        }
        rtp::check_bounds(*parsed, structure);
        rtp::check_edit(value, *parsed, structure, seed);
        seed = seed * 1664525U + 1013904223U;
    }
    return 0;
}
