#include "media/rtp/dependency_descriptor.h"

#include <algorithm>

#include "base/byte_order.h"
#include "media/rtp/bit_reader.h"
#include "media/rtp/bit_writer.h"

namespace isthmus::media::rtp {
namespace {

constexpr unsigned kMandatoryBits = 24;
constexpr unsigned kFlagBits = 5;
constexpr unsigned kTemplateIdBits = 6;

using Failure = std::optional<DescriptorError>;

// next_layer_idc, table A.3.
enum NextLayer : std::uint8_t { kSameLayer, kNextTemporal, kNextSpatial, kNoMoreTemplates };

// template_layers()
Failure read_layers(BitReader& reader, TemplateStructure& into) {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    std::uint32_t next = kSameLayer;
    into.templates_used = 0;
    do {
        if (into.templates_used == kTemplateIds || spatial > kSpatialIdMax ||
            temporal > kTemporalIdMax) {
            return DescriptorError::kTooManyTemplates;
        }
        into.templates[into.templates_used++] = {.spatial = spatial, .temporal = temporal};
        next = reader.read(2);
        if (reader.failed()) {
            return DescriptorError::kTooShort;
        }
        if (next == kNextTemporal) {
            ++temporal;
        } else if (next == kNextSpatial) {
            ++spatial;
            temporal = 0;
        }
    } while (next != kNoMoreTemplates);
    into.spatial_layers = static_cast<std::uint8_t>(spatial + 1);
    return std::nullopt;
}

DecodeTargetIndications read_indications(BitReader& reader, std::size_t decode_targets) {
    DecodeTargetIndications indications;
    for (std::size_t target = 0; target < decode_targets; ++target) {
        indications.set(target, static_cast<DecodeTargetIndication>(reader.read(2)));
    }
    return indications;
}

// One template's part of template_fdiffs().
Failure read_template_references(BitReader& reader, FrameReferences& into) {
    while (reader.read_flag()) {
        if (!into.add(reader.read(4) + 1)) {
            return DescriptorError::kTooManyReferences;
        }
    }
    return std::nullopt;
}

// frame_fdiffs()
Failure read_frame_references(BitReader& reader, FrameReferences& into) {
    into.count = 0;
    while (const std::uint32_t size = reader.read(2)) {
        if (!into.add(reader.read(4 * size) + 1)) {
            return DescriptorError::kTooManyReferences;
        }
    }
    return std::nullopt;
}

// template_chains()
void read_chains(BitReader& reader, TemplateStructure& into) {
    into.chains = static_cast<std::uint8_t>(reader.read_non_symmetric(into.decode_targets + 1U));
    if (into.chains == 0) {
        return;
    }
    for (std::size_t target = 0; target < into.decode_targets; ++target) {
        into.protected_by[target] =
            static_cast<std::uint8_t>(reader.read_non_symmetric(into.chains));
    }
    for (std::size_t i = 0; i < into.templates_used; ++i) {
        for (std::size_t chain = 0; chain < into.chains; ++chain) {
            into.templates[i].chains[chain] = static_cast<std::uint8_t>(reader.read(4));
        }
    }
}

// render_resolutions()
void read_sizes(BitReader& reader, TemplateStructure& into) {
    for (std::size_t spatial = 0; spatial < into.spatial_layers; ++spatial) {
        // 65536 becomes 65535: no codec here codes that much.
        into.sizes[spatial].width =
            static_cast<std::uint16_t>(std::min(reader.read(16) + 1, 0xffffU));
        into.sizes[spatial].height =
            static_cast<std::uint16_t>(std::min(reader.read(16) + 1, 0xffffU));
    }
}

// template_dependency_structure()
Failure read_structure(BitReader& reader, TemplateStructure& into) {
    into.id_offset = static_cast<std::uint8_t>(reader.read(kTemplateIdBits));
    into.decode_targets = static_cast<std::uint8_t>(reader.read(5) + 1);
    if (const Failure failure = read_layers(reader, into)) {
        return failure;
    }
    for (std::size_t i = 0; i < into.templates_used; ++i) {
        into.templates[i].indications = read_indications(reader, into.decode_targets);
    }
    for (std::size_t i = 0; i < into.templates_used; ++i) {
        if (const Failure failure =
                read_template_references(reader, into.templates[i].references)) {
            return failure;
        }
    }
    into.protected_by.fill(0);
    read_chains(reader, into);
    into.has_sizes = reader.read_flag();
    if (into.has_sizes) {
        read_sizes(reader, into);
    }
    return reader.failed() ? Failure(DescriptorError::kTooShort) : std::nullopt;
}

struct CustomFields {
    bool indications = false;
    bool references = false;
    bool chains = false;
};

// frame_dependency_definition()
Failure read_definition(BitReader& reader,
                        const TemplateStructure& structure,
                        CustomFields custom,
                        DependencyDescriptor& into) {
    const FrameTemplate* found = structure.find(into.head.template_id);
    if (found == nullptr) {
        return DescriptorError::kNoStructure;
    }
    into.spatial = found->spatial;
    into.temporal = found->temporal;
    into.indications = custom.indications ? read_indications(reader, structure.decode_targets)
                                          : found->indications;
    into.references = found->references;
    if (custom.references) {
        if (const Failure failure = read_frame_references(reader, into.references)) {
            return failure;
        }
    }
    into.chains = found->chains;
    if (custom.chains) {
        for (std::size_t chain = 0; chain < structure.chains; ++chain) {
            into.chains[chain] = static_cast<std::uint8_t>(reader.read(8));
        }
    }
    return reader.failed() ? Failure(DescriptorError::kTooShort) : std::nullopt;
}

}  // namespace

std::optional<DescriptorHead> DescriptorHead::parse(std::span<const std::byte> value) {
    if (value.size() < kDescriptorBytesMin) {
        return std::nullopt;
    }
    const std::uint8_t bits = load_u8(value.data());
    // With more bytes, extended_descriptor_fields() begin; their first bit is
    // template_dependency_structure_present_flag, the second active_decode_targets_present_flag.
    const std::uint8_t flags =
        value.size() > kDescriptorBytesMin ? load_u8(&value[kDescriptorBytesMin]) : std::uint8_t{0};
    return DescriptorHead{.start_of_frame = (bits & 0x80U) != 0,
                          .end_of_frame = (bits & 0x40U) != 0,
                          .template_id = static_cast<std::uint8_t>(bits & 0x3fU),
                          .frame_number = load_be16(&value[1]),
                          .has_structure = (flags & 0x80U) != 0,
                          .has_mask = (flags & 0x40U) != 0};
}

std::expected<DependencyDescriptor, DescriptorError> DependencyDescriptor::parse(
    std::span<const std::byte> value,
    const TemplateStructure* current,
    TemplateStructure& attached) {
    const auto head = DescriptorHead::parse(value);
    if (!head) {
        return std::unexpected(DescriptorError::kTooShort);
    }
    const TemplateStructure* const structure = head->has_structure ? &attached : current;
    if (structure == nullptr) {
        return std::unexpected(DescriptorError::kNoStructure);
    }
    DependencyDescriptor descriptor;
    descriptor.head = *head;
    BitReader reader(value);
    reader.skip(kMandatoryBits);
    CustomFields custom;
    if (value.size() > kDescriptorBytesMin) {
        reader.skip(1);  // the structure's flag, in `head`
        descriptor.has_mask = reader.read_flag();
        custom.indications = reader.read_flag();
        custom.references = reader.read_flag();
        custom.chains = reader.read_flag();
        if (head->has_structure) {
            if (const Failure failure = read_structure(reader, attached)) {
                return std::unexpected(*failure);
            }
            descriptor.active_targets = attached.all_targets();
        }
        descriptor.structure_end = static_cast<std::uint16_t>(reader.position());
        if (descriptor.has_mask) {
            descriptor.active_targets = reader.read(structure->decode_targets);
        }
    }
    if (const Failure failure = read_definition(reader, *structure, custom, descriptor)) {
        return std::unexpected(*failure);
    }
    descriptor.end = static_cast<std::uint16_t>(reader.position());
    return descriptor;
}

DescriptorEdit DescriptorEdit::of(const DependencyDescriptor& parsed, std::uint8_t decode_targets) {
    return {.any = true,
            .has_structure = parsed.head.has_structure,
            .has_mask = parsed.has_mask,
            .decode_targets = decode_targets,
            .frame_number = parsed.head.frame_number,
            .structure_end = parsed.structure_end,
            .end = parsed.end};
}

std::size_t edit_descriptor(std::span<const std::byte> value,
                            const DescriptorEdit& edit,
                            std::span<std::byte> out) {
    const auto shifted = [&edit](std::uint32_t template_id) {
        return static_cast<std::uint32_t>((template_id + edit.template_id_shift) % kTemplateIds);
    };
    BitReader from(value);
    BitWriter to(out);
    bool fits = true;
    const auto copy_until = [&](std::size_t end) {
        fits &= from.position() <= end && end <= value.size() * 8;
        if (fits) {
            to.copy(from, end - from.position());
        }
    };
    const auto written = [&] { return !fits || from.failed() || to.failed() ? 0 : to.bytes(); };
    to.copy(from, 2);  // start and end of frame
    to.write(shifted(from.read(kTemplateIdBits)), kTemplateIdBits);
    to.write(edit.frame_number, 16);
    from.skip(16);
    const bool extended = value.size() > kDescriptorBytesMin;
    if (!extended && !edit.writes_mask) {
        return written();
    }
    const bool has_mask = edit.has_mask || edit.writes_mask;
    const std::uint32_t flags = extended ? from.read(kFlagBits) : 0;
    constexpr std::uint32_t kMaskFlag = 0x08;
    to.write((flags & ~kMaskFlag) | (has_mask ? kMaskFlag : 0), kFlagBits);
    if (edit.has_structure) {
        to.write(shifted(from.read(kTemplateIdBits)), kTemplateIdBits);
        copy_until(edit.structure_end);
    }
    const std::uint32_t own = edit.has_mask ? from.read(edit.decode_targets) : 0;
    if (has_mask) {
        to.write(edit.writes_mask ? edit.active_targets : own, edit.decode_targets);
    }
    if (extended) {
        copy_until(edit.end);
    }
    return written();
}

}  // namespace isthmus::media::rtp
