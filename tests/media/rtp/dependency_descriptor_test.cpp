#include "media/rtp/dependency_descriptor.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/descriptor_writer.h"

namespace isthmus::media::rtp {
namespace {

using Indication = DecodeTargetIndication;

// A packet that brings no structure.
std::expected<DependencyDescriptor, DescriptorError> parse(std::span<const std::byte> value,
                                                           const TemplateStructure& structure) {
    TemplateStructure unused;
    return DependencyDescriptor::parse(value, &structure, unused);
}

std::expected<DependencyDescriptor, DescriptorError> parse_first(std::span<const std::byte> value,
                                                                 TemplateStructure& structure) {
    return DependencyDescriptor::parse(value, nullptr, structure);
}

// Counts, and the templates in use: what lies behind them is undefined.
void expect_equal(const TemplateStructure& a, const TemplateStructure& b) {
    EXPECT_EQ(a.id_offset, b.id_offset);
    EXPECT_EQ(a.decode_targets, b.decode_targets);
    EXPECT_EQ(a.chains, b.chains);
    EXPECT_EQ(a.spatial_layers, b.spatial_layers);
    ASSERT_EQ(a.templates_used, b.templates_used);
    for (std::size_t i = 0; i < a.templates_used; ++i) {
        EXPECT_EQ(a.templates[i], b.templates[i]) << i;
    }
    EXPECT_EQ(a.protected_by, b.protected_by);
    ASSERT_EQ(a.has_sizes, b.has_sizes);
    EXPECT_TRUE(!a.has_sizes || a.sizes == b.sizes);
}

TEST(DependencyDescriptor, ReadsEveryTableOfTheSpecification) {
    for (StructureTable table :
         {tables::l1t3(), tables::l2t1_occasional_switch(), tables::l3t3()}) {
        for (const bool sizes : {false, true}) {
            table.sizes.clear();
            for (std::uint16_t i = 0; sizes && i <= table.rows.back().spatial; ++i) {
                table.sizes.push_back({.width = static_cast<std::uint16_t>(320U << i),
                                       .height = static_cast<std::uint16_t>(180U << i)});
            }
            const TemplateStructure sent = make_structure(table, 60);  // ids wrap
            const Bytes value =
                write_descriptor({.template_id = 60, .frame_number = 65535, .structure = &sent},
                                 sent.decode_targets);
            TemplateStructure read;
            const auto descriptor = parse_first(value, read);
            ASSERT_TRUE(descriptor);
            expect_equal(read, sent);
            EXPECT_EQ(descriptor->head.frame_number, 65535);
            EXPECT_EQ(descriptor->active_targets, sent.all_targets());
            EXPECT_EQ((descriptor->end + 7) / 8, static_cast<int>(value.size()));
        }
    }
}

// Chromium 156, VP9 L3T3_KEY: recorded, since drafts of the specification differ in how the chains
// of decode targets are coded.
TEST(DependencyDescriptor, ReadsWhatABrowserWrites) {
    constexpr std::string_view kRecorded =
        "c0003d80081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a80006000040"
        "0016d549241b5524906d54923157e001974ca864330e222396eca8655304224390eca87753013f00b3"
        "027f016704ff02cf";
    Bytes value;
    for (std::size_t i = 0; i < kRecorded.size(); i += 2) {
        value.push_back(
            static_cast<std::byte>(std::stoi(std::string(kRecorded.substr(i, 2)), nullptr, 16)));
    }
    TemplateStructure structure;
    const auto descriptor = parse_first(value, structure);
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(structure.chains, 3);
    for (std::size_t target = 0; target < 9; ++target) {
        EXPECT_EQ(structure.protected_by[target], target / 3);
    }
    EXPECT_EQ(structure.templates[14].spatial, 2);
    EXPECT_EQ(structure.templates[14].chains[2], 9);
    ASSERT_TRUE(structure.has_sizes);
    EXPECT_EQ(structure.sizes[0], (FrameSize{320, 180}));
    EXPECT_EQ(structure.sizes[2], (FrameSize{1280, 720}));
    EXPECT_EQ((descriptor->end + 7) / 8, static_cast<int>(value.size()));
}

TEST(DependencyDescriptor, TakesAFramesPlaceFromItsTemplate) {
    const TemplateStructure l3t3 = make_structure(tables::l3t3(), 60);
    // Template 8 has id (60 + 8) modulo 64.
    const auto descriptor = parse(write_descriptor({.template_id = 4, .frame_number = 7}, 9), l3t3);
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(descriptor->spatial, 1);
    EXPECT_EQ(descriptor->temporal, 2);
    EXPECT_EQ(descriptor->indications.of(0), Indication::kRequired);
    EXPECT_EQ(descriptor->indications.of(1), Indication::kNotPresent);
    EXPECT_EQ(descriptor->indications.of(3), Indication::kDiscardable);
    ASSERT_EQ(descriptor->references.count, 2);
    EXPECT_EQ(descriptor->references.differences[0], 3);
    EXPECT_EQ(descriptor->references.differences[1], 1);
    EXPECT_EQ(descriptor->chains[2], 2);
    EXPECT_FALSE(descriptor->active_targets);
}

TEST(DependencyDescriptor, LetsAFrameSayOtherwise) {
    const TemplateStructure l1t3 = make_structure(tables::l1t3());
    const Bytes value = write_descriptor({.start = false,
                                          .template_id = 3,
                                          .frame_number = 9,
                                          .mask = 0b101,
                                          .indications = "RS-",
                                          .references = std::vector<std::uint16_t>{1, 17, 300},
                                          .chains = std::vector<std::uint8_t>{200}},
                                         3);
    const auto descriptor = parse(value, l1t3);
    ASSERT_TRUE(descriptor);
    EXPECT_FALSE(descriptor->head.start_of_frame);
    EXPECT_EQ(descriptor->active_targets, 0b101U);
    EXPECT_EQ(descriptor->indications.of(0), Indication::kRequired);
    EXPECT_EQ(descriptor->indications.of(1), Indication::kSwitch);
    ASSERT_EQ(descriptor->references.count, 3);
    EXPECT_EQ(descriptor->references.differences[2], 300);
    EXPECT_EQ(descriptor->chains[0], 200);
}

TEST(DependencyDescriptor, NeedsAStructureAndAnIdThatIsInIt) {
    TemplateStructure structure = make_structure(tables::l1t3(), 10);
    const Bytes value = write_descriptor({.template_id = 9}, 3);
    EXPECT_EQ(parse(value, structure).error(), DescriptorError::kNoStructure);
    EXPECT_EQ(parse_first(value, structure).error(), DescriptorError::kNoStructure);
    const Bytes extended = write_descriptor({.template_id = 10, .mask = 1}, 3);
    EXPECT_EQ(parse_first(extended, structure).error(), DescriptorError::kNoStructure);
    EXPECT_TRUE(parse(extended, structure));
}

TEST(DependencyDescriptor, RefusesEveryTruncation) {
    const TemplateStructure sent = make_structure(tables::l3t3());
    const Bytes value = write_descriptor({.structure = &sent}, 9);
    for (std::size_t size = 0; size < value.size(); ++size) {
        TemplateStructure read;
        EXPECT_FALSE(parse_first(std::span(value).first(size), read).has_value()) << size;
    }
}

TEST(DependencyDescriptor, RefusesLayersAndReferencesBeyondTheBounds) {
    // Spatial layer after spatial layer: next_layer_idc is 2 for ever.
    Bytes spatial = bytes({0x80, 0, 0, 0x80, 0x00});
    spatial.resize(40, std::byte{0xaa});
    TemplateStructure read;
    EXPECT_EQ(parse_first(spatial, read).error(), DescriptorError::kTooManyTemplates);
    // The same layer again and again: 64 templates have ids, no more.
    Bytes same = bytes({0x80, 0, 0, 0x80, 0x00});
    same.resize(200, std::byte{0x00});
    EXPECT_EQ(parse_first(same, read).error(), DescriptorError::kTooManyTemplates);
    const TemplateStructure l1t3 = make_structure(tables::l1t3());
    const Bytes many =
        write_descriptor({.references = std::vector<std::uint16_t>(kFrameReferencesMax + 1, 1)}, 3);
    EXPECT_EQ(parse(many, l1t3).error(), DescriptorError::kTooManyReferences);
}

TEST(DescriptorEdit, RenumbersInPlaceWhereNothingElseChanges) {
    const TemplateStructure l1t3 = make_structure(tables::l1t3());
    const Bytes value = write_descriptor({.end = false, .template_id = 3, .frame_number = 5}, 3);
    DescriptorEdit edit = DescriptorEdit::of(*parse(value, l1t3), 3);
    edit.frame_number = 65535;
    edit.template_id_shift = 62;
    Bytes out(kEditedDescriptorBytesMax);
    out.resize(edit_descriptor(value, edit, out));
    // 3 + 62 is 65: 1 modulo 64.
    EXPECT_EQ(out, bytes({0x81, 0xff, 0xff}));
}

TEST(DescriptorEdit, AddsAndReplacesTheActiveTargetsAndKeepsTheRest) {
    StructureTable table = tables::l3t3();
    table.sizes = {{320, 180}, {640, 360}, {1280, 720}};
    const TemplateStructure sent = make_structure(table);
    for (const std::optional<std::uint32_t> own : {std::optional<std::uint32_t>(), {0x1ffU}}) {
        const Bytes value = write_descriptor({.template_id = 0,
                                              .frame_number = 1000,
                                              .structure = &sent,
                                              .mask = own,
                                              .references = std::vector<std::uint16_t>{40},
                                              .chains = std::vector<std::uint8_t>{1, 2, 3}},
                                             9);
        TemplateStructure before;
        const auto parsed = parse_first(value, before);
        ASSERT_TRUE(parsed);
        DescriptorEdit edit = DescriptorEdit::of(*parsed, 9);
        edit.frame_number = 77;
        edit.template_id_shift = 20;
        edit.writes_mask = true;
        edit.active_targets = 0x1c0;
        Bytes out(kEditedDescriptorBytesMax);
        out.resize(edit_descriptor(value, edit, out));
        TemplateStructure after;
        const auto edited = parse_first(out, after);
        ASSERT_TRUE(edited);
        EXPECT_EQ(after.id_offset, 20);
        after.id_offset = before.id_offset;
        expect_equal(after, before);
        EXPECT_EQ(edited->head.frame_number, 77);
        EXPECT_EQ(edited->head.template_id, 20);
        EXPECT_EQ(edited->active_targets, 0x1c0U);
        EXPECT_EQ(edited->references, parsed->references);
        EXPECT_EQ(edited->chains, parsed->chains);
        EXPECT_EQ(edited->indications, parsed->indications);
    }
}

// What lies before the place that was read to was 2^64 - 6 bits long: the worker hung.
TEST(DescriptorEdit, GivesUpWhereTheValueIsLaidOutOtherwise) {
    const TemplateStructure l1t3 = make_structure(tables::l1t3());
    const Bytes value = write_descriptor({.structure = &l1t3}, 3);
    TemplateStructure read;
    const DescriptorEdit edit = DescriptorEdit::of(*parse_first(value, read), 3);
    Bytes out(kEditedDescriptorBytesMax);
    DescriptorEdit early = edit;
    early.structure_end = 29;
    EXPECT_EQ(edit_descriptor(value, early, out), 0U);
    early = edit;
    early.end = 30;
    EXPECT_EQ(edit_descriptor(value, early, out), 0U);
    EXPECT_EQ(edit_descriptor(std::span(value).first(5), edit, out), 0U);
    EXPECT_NE(edit_descriptor(value, edit, out), 0U);
}

TEST(DescriptorEdit, GivesUpWhereThereIsNoRoom) {
    const TemplateStructure l1t3 = make_structure(tables::l1t3());
    const Bytes value = write_descriptor({.structure = &l1t3}, 3);
    TemplateStructure read;
    Bytes out(value.size() - 1);
    EXPECT_EQ(edit_descriptor(value, DescriptorEdit::of(*parse_first(value, read), 3), out), 0U);
}

}  // namespace
}  // namespace isthmus::media::rtp
