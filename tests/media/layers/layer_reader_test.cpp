#include "media/layers/layer_reader.h"

#include <gtest/gtest.h>

#include "media/layers/layer_selector.h"
#include "tests/media/layers/receiver_check.h"
#include "tests/media/rtp/descriptor_writer.h"

namespace isthmus::media::layers {
namespace {

using rtp::Bytes;
using rtp::bytes;
using rtp::Codec;

struct Packet {
    Packet(const Bytes& payload, std::uint32_t timestamp, bool marker)
        : raw(rtp::make_rtp({.marker = marker, .timestamp = timestamp, .payload = payload})),
          view(*rtp::RtpPacketView::parse(raw)) {}

    Bytes raw;
    rtp::RtpPacketView view;
};

TEST(LayerReader, LetsEveryoneHaveWhatItCannotRead) {
    LayerReader reader;
    const Packet packet(bytes({0x80}), 1, true);
    const PacketLayers layers = reader.read(Codec::kVp8, packet.view, {});
    EXPECT_EQ(layers.needed_by, LayerSet::all());
    EXPECT_FALSE(layers.key_picture_start);
    EXPECT_EQ(reader.counters().bad_payloads, 1U);
}

TEST(LayerReader, BelievesTheDescriptorWhereThePayloadIsEncrypted) {
    const rtp::TemplateStructure structure = rtp::make_structure(rtp::tables::l1t3());
    LayerReader reader;
    const Packet packet(bytes({0xff, 0xfe, 0xfd}), 1, true);
    const Bytes key = rtp::write_descriptor({.structure = &structure}, 3);
    const PacketLayers first = reader.read(Codec::kH264, packet.view, key);
    EXPECT_TRUE(first.key_picture_start);
    const Packet next(bytes({0x9f, 0xfe, 0xfd}), 2, true);
    const Bytes delta = rtp::write_descriptor({.template_id = 3, .frame_number = 1}, 3);
    const PacketLayers second = reader.read(Codec::kH264, next.view, delta);
    EXPECT_FALSE(second.key_picture_start);
    EXPECT_EQ(second.layer, (LayerId{0, 2}));
    EXPECT_FALSE(second.needed_by.has({0, 1}));
    EXPECT_TRUE(second.needed_by.has({5, 2}));
}

// VP8's first byte says "key frame" by chance, and its next ones a size.
TEST(LayerReader, BelievesNothingInAnEncryptedPayloadBesideADescriptor) {
    const rtp::TemplateStructure structure = rtp::make_structure(rtp::tables::l1t3());
    const Packet packet(
        bytes({0x10, 0x10, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}), 1, true);
    const Bytes key = rtp::write_descriptor({.structure = &structure}, 3);
    const Bytes delta = rtp::write_descriptor({.template_id = 3, .frame_number = 1}, 3);
    LayerReader reader;
    reader.set_encrypted(true);
    EXPECT_TRUE(reader.read(Codec::kVp8, packet.view, key).key_picture_start);
    EXPECT_FALSE(reader.read(Codec::kVp8, packet.view, delta).key_picture_start);
    EXPECT_FALSE(reader.read_again(Codec::kVp8, packet.view, delta).key_picture_start);
    // Of a structure that never came.
    const Bytes unknown = rtp::write_descriptor({.template_id = 63, .frame_number = 2}, 3);
    EXPECT_FALSE(reader.read(Codec::kVp8, packet.view, unknown).key_picture_start);
    EXPECT_EQ(reader.size_of(0).pixels(), 0U);
    // Without descriptors it is all that there is.
    EXPECT_TRUE(reader.read(Codec::kVp8, packet.view, {}).key_picture_start);
    EXPECT_EQ(reader.size_of(0).pixels(), 0U);
}

TEST(LayerReader, CountsDescriptorsThatItCannotPlace) {
    const rtp::TemplateStructure structure = rtp::make_structure(rtp::tables::l1t3());
    LayerReader reader;
    const Packet packet(bytes({0x10, 0}), 1, true);
    const Bytes early = rtp::write_descriptor({.template_id = 3, .frame_number = 1}, 3);
    EXPECT_EQ(reader.read(Codec::kAv1, packet.view, early).needed_by, LayerSet::all());
    EXPECT_EQ(reader.counters().unknown_structures, 1U);
    const Bytes key = rtp::write_descriptor({.frame_number = 2, .structure = &structure}, 3);
    for (std::size_t size = 1; size < key.size(); ++size) {
        reader.read(Codec::kAv1, packet.view, std::span(key).first(size));
    }
    EXPECT_GT(reader.counters().bad_descriptors + reader.counters().unknown_structures,
              key.size() - 4);
    EXPECT_TRUE(reader.read(Codec::kAv1, packet.view, key).key_picture_start);
}

TEST(LayerReader, ReadsALatePacketByTheStructureOfItsTime) {
    const rtp::TemplateStructure before = rtp::make_structure(rtp::tables::l1t3(), 0);
    const rtp::TemplateStructure after = rtp::make_structure(rtp::tables::l3t3(), 0);
    LayerReader reader;
    const Packet packet(bytes({0x10, 0}), 1, true);
    reader.read(Codec::kAv1,
                packet.view,
                rtp::write_descriptor({.frame_number = 65530, .structure = &before}, 3));
    reader.read(Codec::kAv1,
                packet.view,
                rtp::write_descriptor({.frame_number = 4, .structure = &after}, 9));
    const Bytes late = rtp::write_descriptor({.template_id = 3, .frame_number = 65535}, 3);
    const PacketLayers layers = reader.read(Codec::kAv1, packet.view, late);
    EXPECT_EQ(layers.layer, (LayerId{0, 2})) << "template 3 of L1T3";
    // The key frame before, sent again, does not bring its structure back.
    reader.read(Codec::kAv1,
                packet.view,
                rtp::write_descriptor({.frame_number = 65530, .structure = &before}, 3));
    const Bytes next = rtp::write_descriptor({.template_id = 14, .frame_number = 9}, 9);
    EXPECT_EQ(reader.read(Codec::kAv1, packet.view, next).layer, (LayerId{2, 2}));
}

TEST(LayerReader, KnowsSizes) {
    rtp::StructureTable table = rtp::tables::l3t3();
    table.sizes = {{320, 180}, {640, 360}, {1280, 720}};
    const rtp::TemplateStructure structure = rtp::make_structure(table);
    LayerReader reader;
    const Packet packet(bytes({0x10, 0}), 1, true);
    EXPECT_EQ(reader.size_of(0).pixels(), 0U);
    reader.read(Codec::kAv1, packet.view, rtp::write_descriptor({.structure = &structure}, 9));
    EXPECT_EQ(reader.size_of(2), (rtp::FrameSize{1280, 720}));
    EXPECT_EQ(reader.size_of(3).pixels(), 0U);

    LayerReader vp8;
    const Packet key(
        bytes({0x10, 0x50, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0}), 1, true);
    vp8.read(Codec::kVp8, key.view, {});
    EXPECT_EQ(vp8.size_of(0), (rtp::FrameSize{640, 360}));
}

// A key frame that is sent again, of a structure that the reader no longer has: what is known of
// its descriptor is enough to renumber it.
TEST(LayerReader, RenumbersAnEarlierStructureThatIsSentAgain) {
    const rtp::TemplateStructure l1t3 = rtp::make_structure(rtp::tables::l1t3());
    const rtp::TemplateStructure l3t3 = rtp::make_structure(rtp::tables::l3t3());
    LayerReader reader;
    const Packet packet(bytes({0x10, 0}), 1, true);
    const Bytes early =
        rtp::write_descriptor({.frame_number = 7, .structure = &l1t3, .mask = 0x3U}, 3);
    reader.read(Codec::kAv1, packet.view, rtp::write_descriptor({.structure = &l3t3}, 9));
    const PacketLayers again = reader.read_again(Codec::kAv1, packet.view, early);
    ASSERT_TRUE(again.described);
    auto edit = rtp::DescriptorEdit::of(again.described->parsed, 0);
    edit.frame_number = 300;
    edit.template_id_shift = 5;
    Bytes out(rtp::kEditedDescriptorBytesMax);
    out.resize(rtp::edit_descriptor(early, edit, out));
    rtp::TemplateStructure structure;
    const auto edited = rtp::DependencyDescriptor::parse(out, nullptr, structure);
    ASSERT_TRUE(edited);
    EXPECT_EQ(edited->head.frame_number, 300);
    EXPECT_EQ(structure.id_offset, 5);
    EXPECT_EQ(structure.decode_targets, 3);
    EXPECT_EQ(edited->active_targets, 0x3U);
}

TEST(LayerReader, ReadsTheSameAgain) {
    for (const auto& [codec, mode] : {std::pair{Codec::kVp9, "L3T3_KEY"},
                                      {Codec::kVp8, "L1T3"},
                                      {Codec::kH264, "L1T2"},
                                      {Codec::kAv1, "L2T2"}}) {
        ScalableSource source(
            {.codec = codec, .mode = Mode::parse(mode), .descriptors = codec == Codec::kAv1});
        LayerReader reader;
        for (int i = 0; i < 20; ++i) {
            for (const SourcePacketBytes& packet : source.picture(i % 10 == 0)) {
                const PacketLayers first = reader.read(codec, packet.view, packet.descriptor);
                const PacketLayers again = reader.read_again(codec, packet.view, packet.descriptor);
                EXPECT_EQ(first.key_picture_start, again.key_picture_start);
                EXPECT_EQ(first.switches_to, again.switches_to);
                EXPECT_EQ(first.frame, again.frame);
                EXPECT_EQ(first.layer, again.layer);
                EXPECT_EQ(first.picture, again.picture);
                EXPECT_EQ(first.needed_by, again.needed_by);
            }
        }
    }
}

// A.6.2 switches up without a key frame; the templates are the specification's.
TEST(LayerSelector, UsesASwitchingPointBetweenKeyFrames) {
    const rtp::TemplateStructure structure =
        rtp::make_structure(rtp::tables::l2t1_occasional_switch());
    LayerReader reader;
    LayerSelector selector;
    selector.set_target(Target{.source = 1, .layer = {0, 0}});
    std::uint16_t number = 0;
    const auto send = [&](std::uint8_t row, std::uint32_t picture, bool key = false) {
        const Packet packet(bytes({0x10, 0}), picture * 3000, false);
        const Bytes value = rtp::write_descriptor(
            {.template_id = row, .frame_number = number, .structure = key ? &structure : nullptr},
            2);
        const PacketLayers layers = reader.read(Codec::kAv1, packet.view, value);
        return selector
            .select({.source = 1,
                     .seq = rtp::ExtendedSeq{100U + number++},
                     .timestamp = packet.view.timestamp,
                     .payload = packet.view.payload,
                     .layers = &layers})
            .verdict;
    };
    EXPECT_EQ(send(0, 1, true), Verdict::kForward);
    EXPECT_EQ(send(3, 1), Verdict::kDrop);
    EXPECT_EQ(send(1, 2), Verdict::kForward);
    EXPECT_EQ(send(4, 2), Verdict::kDrop);
    selector.set_target(Target{.source = 1, .layer = {1, 0}});
    EXPECT_EQ(send(1, 3), Verdict::kForward);
    EXPECT_EQ(send(4, 3), Verdict::kDrop) << "refers to what was not sent";
    EXPECT_EQ(send(2, 4), Verdict::kForward) << "S for the larger size";
    EXPECT_EQ(send(3, 4), Verdict::kForward);
    EXPECT_EQ(send(1, 5), Verdict::kForward);
    EXPECT_EQ(send(4, 5), Verdict::kForward);
    EXPECT_EQ(selector.undecodable(), 0U);
}

}  // namespace
}  // namespace isthmus::media::layers
