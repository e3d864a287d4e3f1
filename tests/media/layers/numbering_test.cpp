// What is written anew for a receiver, field by field. Whole streams: layer_selector_*_test.cpp.
#include <optional>
#include <span>

#include <gtest/gtest.h>

#include "media/layers/decode_targets.h"
#include "media/layers/descriptor_numbering.h"
#include "media/layers/descriptor_reader.h"
#include "media/layers/vp8_numbering.h"
#include "media/layers/vp9_numbering.h"
#include "tests/media/rtp/bytes.h"
#include "tests/media/rtp/descriptor_writer.h"

namespace isthmus::media::layers {
namespace {

using rtp::Bytes;
using rtp::bytes;
using rtp::Vp8Descriptor;
using rtp::Vp9Descriptor;

Bytes vp8(std::uint16_t picture, std::uint8_t tl0, bool long_id = true) {
    Bytes made = bytes({0x90, 0xe0});
    rtp::append(made,
                long_id ? bytes({0x80 | picture >> 8, picture & 0xff}) : bytes({picture & 0x7f}));
    rtp::append(made, bytes({tl0, 0x20, 0x11, 0xaa}));
    return made;
}

// Nothing for a picture that has no number.
std::optional<rtp::PayloadPrefix> rewritten(const Vp8Numbering& numbering,
                                            std::uint8_t generation,
                                            std::span<const std::byte> payload,
                                            const Vp8Descriptor& descriptor,
                                            std::uint64_t picture) {
    rtp::PayloadPrefix prefix;
    return numbering.rewrite(generation, payload, descriptor, picture, prefix)
               ? std::optional(prefix)
               : std::nullopt;
}

TEST(Vp8Numbering, ClosesTheGapThatADroppedPictureLeaves) {
    Vp8Numbering numbering;
    const auto parsed = *Vp8Descriptor::parse(vp8(32766, 9));
    numbering.begin(1, parsed, 32766);
    numbering.on_picture(parsed, 32766, true, true);
    EXPECT_TRUE(rewritten(numbering, 1, vp8(32766, 9), parsed, 32766)->empty());
    numbering.on_picture(parsed, 32767, false, false);
    numbering.on_picture(parsed, 32768, false, true);  // 0 on the wire
    const Bytes payload = vp8(0, 9);
    const auto prefix = rewritten(numbering, 1, payload, *Vp8Descriptor::parse(payload), 32768);
    ASSERT_TRUE(prefix);
    EXPECT_EQ(Bytes(prefix->view().begin(), prefix->view().end()),
              bytes({0x90, 0xe0, 0xff, 0xff, 9}));
    EXPECT_EQ(prefix->replaced, 5);
    // The one that was dropped has no number.
    EXPECT_FALSE(
        rewritten(numbering, 1, vp8(32767, 9), *Vp8Descriptor::parse(vp8(32767, 9)), 32767));
}

TEST(Vp8Numbering, KeepsTheNumbersOfPicturesThatMayStillCome) {
    Vp8Numbering numbering;
    const auto parsed = *Vp8Descriptor::parse(vp8(10, 1));
    numbering.begin(1, parsed, 10);
    numbering.on_picture(parsed, 10, true, true);
    numbering.on_picture(parsed, 13, false, true);
    EXPECT_TRUE(rewritten(numbering, 1, vp8(11, 1), *Vp8Descriptor::parse(vp8(11, 1)), 11));
    // A publisher that jumps is not followed.
    numbering.on_picture(parsed, 5000, false, true);
    const auto prefix =
        rewritten(numbering, 1, vp8(5000, 1), *Vp8Descriptor::parse(vp8(5000, 1)), 5000);
    ASSERT_TRUE(prefix);
    EXPECT_EQ(load_u8(&prefix->view()[3]), 14);
}

TEST(Vp8Numbering, KeepsTheWidthThatTheReceiverSawFirst) {
    Vp8Numbering numbering;
    const auto wide = *Vp8Descriptor::parse(vp8(1000, 1));
    numbering.begin(1, wide, 1000);
    numbering.on_picture(wide, 1000, true, true);
    const Bytes narrow = vp8(5, 7, false);
    const auto parsed = *Vp8Descriptor::parse(narrow);
    numbering.begin(2, parsed, 5);
    numbering.on_picture(parsed, 5, true, true);
    const auto prefix = rewritten(numbering, 2, narrow, parsed, 5);
    ASSERT_TRUE(prefix);
    EXPECT_EQ(Bytes(prefix->view().begin(), prefix->view().end()),
              bytes({0x90, 0xe0, 0x80 | 1001 >> 8, 1001 & 0xff, 2}));
    EXPECT_EQ(prefix->replaced, 4) << "a byte less than it becomes";
}

TEST(Vp9Numbering, ContinuesAnotherStreamsIds) {
    Vp9Numbering numbering;
    // I, L, B; TL0PICIDX.
    const auto first = *Vp9Descriptor::parse(bytes({0xa8, 0xff, 0xff, 0x00, 255, 1}));
    numbering.begin(1, first);
    numbering.on_picture(first);
    EXPECT_TRUE(numbering.rewrite(1, bytes({0xa8, 0xff, 0xff, 0x00, 255, 1}), first).empty());
    const Bytes payload = bytes({0xa8, 0x81, 0x00, 0x12, 77, 1});
    const auto second = *Vp9Descriptor::parse(payload);
    numbering.begin(2, second);
    numbering.on_picture(second);
    const auto prefix = numbering.rewrite(2, payload, second);
    EXPECT_EQ(Bytes(prefix.view().begin(), prefix.view().end()),
              bytes({0xa8, 0x80, 0x00, 0x12, 0}));
    EXPECT_EQ(prefix.replaced, 5);
    // A late packet of the stream before.
    EXPECT_TRUE(numbering.rewrite(1, bytes({0xa8, 0xff, 0xff, 0x00, 255, 1}), first).empty());
}

TEST(DecodeTargets, AreLayersOfTheSpecificationsTables) {
    const rtp::TemplateStructure structure = rtp::make_structure(rtp::tables::l3t3());
    const DecodeTargets targets(structure, structure.all_targets());
    EXPECT_EQ(targets.layer_of(0), (LayerId{2, 2}));
    EXPECT_EQ(targets.layer_of(5), (LayerId{1, 0}));
    EXPECT_EQ(targets.layer_of(8), (LayerId{0, 0}));
    EXPECT_EQ(targets.for_layer(kTopLayer), 0);
    EXPECT_EQ(targets.for_layer({1, 1}), 4);
    EXPECT_EQ(targets.for_layer({0, 7}), 6);
    // Full SVC: one who gets all of it has everything; the smallest only itself.
    EXPECT_EQ(targets.covered_by(0), structure.all_targets());
    EXPECT_EQ(targets.covered_by(4), 0b110110000U);
    EXPECT_EQ(targets.covered_by(8), 0b100000000U);
    // The publisher stops the largest size.
    const DecodeTargets fewer(structure, 0b111111000);
    EXPECT_EQ(fewer.layer_of(fewer.for_layer(kTopLayer)), (LayerId{1, 2}));
    EXPECT_EQ(fewer.top_spatial()[2], 1);
    // And the smallest: there is nothing within the wish, so the least that there is.
    const DecodeTargets none_small(structure, 0b000000111);
    EXPECT_EQ(none_small.layer_of(none_small.for_layer({0, 0})), (LayerId{2, 0}));
}

// A stream of `table` that begins with `number`; the reader knows its structure.
struct Described {
    explicit Described(const rtp::StructureTable& table, std::uint16_t number)
        : structure(rtp::make_structure(table)) {
        value = rtp::write_descriptor({.frame_number = number, .structure = &structure},
                                      structure.decode_targets);
        EXPECT_TRUE(reader.read(value, first));
    }

    rtp::TemplateStructure structure;
    Bytes value;
    DescriptorReader reader;
    PacketLayers first;
};

Bytes edited(const Bytes& value, const rtp::DescriptorEdit& edit) {
    Bytes out(rtp::kEditedDescriptorBytesMax);
    out.resize(rtp::edit_descriptor(value, edit, out));
    return out;
}

TEST(DescriptorNumbering, GivesAnotherStreamsTemplatesOtherIds) {
    Described low(rtp::tables::l1t3(), 100);
    Described high(rtp::tables::l3t3(), 9000);
    DescriptorNumbering numbering;
    numbering.begin(1, *low.first.described);
    numbering.on_frame(*low.first.described, kTopLayer);
    EXPECT_FALSE(numbering.edit(1, *low.first.described, kTopLayer).any)
        << "as the publisher wrote it";
    numbering.begin(2, *high.first.described);
    numbering.on_frame(*high.first.described, kTopLayer);
    const Bytes written = edited(high.value, numbering.edit(2, *high.first.described, kTopLayer));
    rtp::TemplateStructure seen;
    const auto parsed = rtp::DependencyDescriptor::parse(written, nullptr, seen);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->head.frame_number, 101);
    EXPECT_EQ(seen.id_offset, 5) << "behind the five of the first structure";
    EXPECT_EQ(parsed->head.template_id, 5);
}

TEST(DescriptorNumbering, TellsWhichTargetsAreLeft) {
    Described stream(rtp::tables::l3t3(), 65535);
    DescriptorNumbering numbering;
    const LayerId wanted{1, 2};
    numbering.begin(1, *stream.first.described);
    numbering.on_frame(*stream.first.described, wanted);
    const Bytes key = edited(stream.value, numbering.edit(1, *stream.first.described, wanted));
    rtp::TemplateStructure seen;
    EXPECT_EQ(rtp::DependencyDescriptor::parse(key, nullptr, seen)->active_targets, 0b111111000U);
    // Said in a number of frames, then no more.
    int told = 0;
    for (std::uint16_t i = 0; i < 100; ++i) {
        const Bytes delta = rtp::write_descriptor({.template_id = 1, .frame_number = i}, 9);
        PacketLayers layers;
        ASSERT_TRUE(stream.reader.read(delta, layers));
        numbering.on_frame(*layers.described, wanted);
        const rtp::DescriptorEdit edit = numbering.edit(1, *layers.described, wanted);
        rtp::TemplateStructure unused;
        const auto parsed =
            rtp::DependencyDescriptor::parse(edit.any ? edited(delta, edit) : delta, &seen, unused);
        ASSERT_TRUE(parsed);
        told += parsed->active_targets ? 1 : 0;
        EXPECT_EQ(parsed->active_targets.value_or(0b111111000), 0b111111000U);
    }
    EXPECT_EQ(told, 23);
}

}  // namespace
}  // namespace isthmus::media::layers
