// Writes dependency descriptors down from tables as the specification prints them. Apart from the
// parser under test: straight from the syntax in appendix A.4.1.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "media/rtp/bit_writer.h"
#include "media/rtp/dependency_descriptor.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {

// One row of a table in appendix A.6: "-DSR" by decode target.
struct TemplateRow {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    std::vector<std::uint16_t> references;
    std::vector<std::uint8_t> chains;
    std::string_view indications;
};

struct StructureTable {
    std::vector<TemplateRow> rows;
    std::vector<std::uint8_t> protected_by;  // by decode target; empty without chains
    std::vector<FrameSize> sizes = {};       // by spatial layer; empty where not said
};

inline DecodeTargetIndication indication_of(char symbol) {
    return static_cast<DecodeTargetIndication>(std::string_view("-DSR").find(symbol));
}

inline TemplateStructure make_structure(const StructureTable& table, std::uint8_t id_offset = 0) {
    TemplateStructure made;
    made.id_offset = id_offset;
    made.decode_targets = static_cast<std::uint8_t>(table.rows.front().indications.size());
    made.chains = static_cast<std::uint8_t>(table.rows.front().chains.size());
    made.templates_used = static_cast<std::uint8_t>(table.rows.size());
    made.spatial_layers = static_cast<std::uint8_t>(table.rows.back().spatial + 1);
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const TemplateRow& row = table.rows[i];
        FrameTemplate& into = made.templates[i];
        into.spatial = row.spatial;
        into.temporal = row.temporal;
        for (const std::uint16_t difference : row.references) {
            into.references.add(difference);
        }
        for (std::size_t target = 0; target < row.indications.size(); ++target) {
            into.indications.set(target, indication_of(row.indications[target]));
        }
        std::copy(row.chains.begin(), row.chains.end(), into.chains.begin());
    }
    std::copy(table.protected_by.begin(), table.protected_by.end(), made.protected_by.begin());
    made.has_sizes = !table.sizes.empty();
    std::copy(table.sizes.begin(), table.sizes.end(), made.sizes.begin());
    return made;
}

struct DescriptorParts {
    bool start = true;
    bool end = true;
    std::uint8_t template_id = 0;
    std::uint16_t frame_number = 0;
    const TemplateStructure* structure = nullptr;  // attached where set
    std::optional<std::uint32_t> mask = std::nullopt;
    std::optional<std::string_view> indications = std::nullopt;
    std::optional<std::vector<std::uint16_t>> references = std::nullopt;
    std::optional<std::vector<std::uint8_t>> chains = std::nullopt;
};

inline void write_ns(BitWriter& to, std::uint32_t value, std::uint32_t values) {
    unsigned width = 0;
    while (values >> width != 0) {
        ++width;
    }
    const std::uint32_t shorter = (1U << width) - values;
    if (value < shorter) {
        to.write(value, width - 1);
    } else {
        to.write(value + shorter, width);
    }
}

inline void write_structure(BitWriter& to, const TemplateStructure& from) {
    to.write(from.id_offset, 6);
    to.write(from.decode_targets - 1U, 5);
    for (std::size_t i = 0; i < from.templates_used; ++i) {
        if (i + 1 == from.templates_used) {
            to.write(3, 2);
        } else if (from.templates[i + 1].spatial != from.templates[i].spatial) {
            to.write(2, 2);
        } else {
            to.write(from.templates[i + 1].temporal != from.templates[i].temporal ? 1 : 0, 2);
        }
    }
    for (std::size_t i = 0; i < from.templates_used; ++i) {
        for (std::size_t target = 0; target < from.decode_targets; ++target) {
            to.write(static_cast<std::uint32_t>(from.templates[i].indications.of(target)), 2);
        }
    }
    for (std::size_t i = 0; i < from.templates_used; ++i) {
        for (const std::uint16_t difference : from.templates[i].references.all()) {
            to.write(1, 1);
            to.write(difference - 1U, 4);
        }
        to.write(0, 1);
    }
    write_ns(to, from.chains, from.decode_targets + 1U);
    for (std::size_t target = 0; from.chains != 0 && target < from.decode_targets; ++target) {
        write_ns(to, from.protected_by[target], from.chains);
    }
    for (std::size_t i = 0; i < from.templates_used; ++i) {
        for (std::size_t chain = 0; chain < from.chains; ++chain) {
            to.write(from.templates[i].chains[chain], 4);
        }
    }
    to.write(from.has_sizes ? 1 : 0, 1);
    for (std::size_t spatial = 0; from.has_sizes && spatial < from.spatial_layers; ++spatial) {
        to.write(from.sizes[spatial].width - 1U, 16);
        to.write(from.sizes[spatial].height - 1U, 16);
    }
}

// `decode_targets` of the structure in force.
inline Bytes write_descriptor(const DescriptorParts& parts, std::uint8_t decode_targets) {
    Bytes bytes(kDescriptorBytesMax * 2);
    BitWriter to(bytes);
    to.write(parts.start ? 1 : 0, 1);
    to.write(parts.end ? 1 : 0, 1);
    to.write(parts.template_id, 6);
    to.write(parts.frame_number, 16);
    if (parts.structure == nullptr && !parts.mask && !parts.indications && !parts.references &&
        !parts.chains) {
        bytes.resize(3);
        return bytes;
    }
    to.write(parts.structure != nullptr ? 1 : 0, 1);
    to.write(parts.mask ? 1 : 0, 1);
    to.write(parts.indications ? 1 : 0, 1);
    to.write(parts.references ? 1 : 0, 1);
    to.write(parts.chains ? 1 : 0, 1);
    if (parts.structure != nullptr) {
        write_structure(to, *parts.structure);
    }
    if (parts.mask) {
        to.write(*parts.mask, decode_targets);
    }
    for (const char symbol : parts.indications.value_or("")) {
        to.write(static_cast<std::uint32_t>(indication_of(symbol)), 2);
    }
    if (parts.references) {
        for (const std::uint32_t difference : *parts.references) {
            const unsigned size = difference <= 16 ? 1 : difference <= 256 ? 2 : 3;
            to.write(size, 2);
            to.write(difference - 1, 4 * size);
        }
        to.write(0, 2);
    }
    for (const std::uint8_t difference : parts.chains.value_or(std::vector<std::uint8_t>{})) {
        to.write(difference, 8);
    }
    bytes.resize(to.bytes());
    return bytes;
}

// Tables of appendix A.6.
namespace tables {

inline StructureTable l1t3() {
    return {.rows = {{0, 0, {}, {0}, "SSS"},
                     {0, 0, {4}, {4}, "SSS"},
                     {0, 1, {2}, {2}, "SD-"},
                     {0, 2, {1}, {1}, "D--"},
                     {0, 2, {1}, {3}, "D--"}},
            .protected_by = {0, 0, 0}};
}

// A.6.2, "L2T1 full SVC with occasional switch".
inline StructureTable l2t1_occasional_switch() {
    return {.rows = {{0, 0, {}, {0, 0}, "SS"},
                     {0, 0, {2}, {2, 1}, "RS"},
                     {0, 0, {2}, {2, 1}, "SS"},
                     {1, 0, {1}, {1, 1}, "S-"},
                     {1, 0, {2, 1}, {1, 1}, "R-"}},
            .protected_by = {1, 0}};
}

// A.6.3.
inline StructureTable l3t3() {
    return {.rows = {{0, 0, {}, {0, 0, 0}, "SSSSSSSSS"},
                     {0, 0, {12}, {12, 11, 10}, "RRRRRRSSS"},
                     {0, 1, {6}, {6, 5, 4}, "RR-RR-SD-"},
                     {0, 2, {3}, {3, 2, 1}, "R--R--D--"},
                     {0, 2, {3}, {9, 8, 7}, "R--R--D--"},
                     {1, 0, {1}, {1, 1, 1}, "SSSSSS---"},
                     {1, 0, {12, 1}, {1, 1, 1}, "RRRSSS---"},
                     {1, 1, {6, 1}, {7, 6, 5}, "RR-SD----"},
                     {1, 2, {3, 1}, {4, 3, 2}, "R--D-----"},
                     {1, 2, {3, 1}, {10, 9, 8}, "R--D-----"},
                     {2, 0, {1}, {2, 1, 1}, "SSS------"},
                     {2, 0, {12, 1}, {2, 1, 1}, "SSS------"},
                     {2, 1, {6, 1}, {8, 7, 6}, "SD-------"},
                     {2, 2, {3, 1}, {5, 4, 3}, "D--------"},
                     {2, 2, {3, 1}, {11, 10, 9}, "D--------"}},
            .protected_by = {2, 2, 2, 1, 1, 1, 0, 0, 0}};
}

}  // namespace tables
}  // namespace isthmus::media::rtp
