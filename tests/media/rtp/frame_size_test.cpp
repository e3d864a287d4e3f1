// Sizes of pictures, from what each codec says at the beginning of a key frame.
#include "media/rtp/frame_size.h"

#include <gtest/gtest.h>

#include "media/rtp/bit_writer.h"
#include "media/rtp/h264_payload.h"
#include "media/rtp/h264_sps.h"
#include "media/rtp/vp8_descriptor.h"
#include "media/rtp/vp9_descriptor.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

TEST(FrameSize, IsInAVp8KeyFramesHeader) {
    // 640x360, each with a scale in the upper two bits.
    const Bytes payload = bytes({0x10, 0x50, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81, 0});
    const auto descriptor = Vp8Descriptor::parse(payload);
    EXPECT_EQ(descriptor->key_frame_size(payload), (FrameSize{640, 360}));
    EXPECT_FALSE(descriptor->key_frame_size(std::span(payload).first(10)));
    Bytes encrypted = payload;
    encrypted[4] = std::byte{0};
    EXPECT_FALSE(descriptor->key_frame_size(encrypted));
}

TEST(FrameSize, IsInAVp9KeyFramesHeader) {
    Bytes payload(20);
    BitWriter to(payload);
    to.write(0x8c, 8);  // I, B, E
    to.write(0x05, 8);
    to.write(2, 2);  // frame marker
    to.write(0, 2);  // profile 0
    to.write(0b0011, 4);
    to.write(0x498342, 24);
    to.write(2, 3);  // BT.709
    to.write(0, 1);
    to.write(1279, 16);
    to.write(719, 16);
    const auto descriptor = Vp9Descriptor::parse(payload);
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(descriptor->key_frame_size(payload), (FrameSize{1280, 720}));
    EXPECT_FALSE(descriptor->key_frame_size(std::span(payload).first(9)));
    payload[4] = std::byte{0};  // of the sync code
    EXPECT_FALSE(descriptor->key_frame_size(payload));
}

TEST(FrameSize, IsInAVp9ScalabilityStructure) {
    // V: three layers, sizes, a group of two pictures.
    const Bytes payload =
        bytes({0x8b | 0x02, 0x05, 0x58, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68,
               0x05,        0x00, 0x02, 0xd0, 0x02, 0x14, 0x02, 0x38, 0x01, 0x02, 0xff});
    const auto descriptor = Vp9Descriptor::parse(payload);
    ASSERT_TRUE(descriptor);
    ASSERT_TRUE(descriptor->scalability_structure);
    const Vp9Structure structure = descriptor->structure(payload);
    EXPECT_EQ(structure.spatial_layers, 3);
    ASSERT_TRUE(structure.has_sizes);
    EXPECT_EQ(structure.sizes[0], (FrameSize{320, 180}));
    EXPECT_EQ(structure.sizes[2], (FrameSize{1280, 720}));
    ASSERT_EQ(structure.group_pictures, 2);
    EXPECT_EQ(structure.group[0].temporal_layer, 0);
    EXPECT_TRUE(structure.group[0].switching_up_point);
    ASSERT_EQ(structure.group[0].references.count, 1);
    EXPECT_EQ(structure.group[0].references.differences[0], 2);
    EXPECT_EQ(structure.group[1].temporal_layer, 1);
    EXPECT_EQ(structure.group[1].references.count, 2);
}

// ue(v)
void write_golomb(BitWriter& to, std::uint32_t value) {
    unsigned zeros = 0;
    while ((value + 1) >> (zeros + 1) != 0) {
        ++zeros;
    }
    to.write(0, zeros);
    to.write(value + 1, zeros + 1);
}

TEST(FrameSize, IsInAnH264ParameterSet) {
    // As x264 writes it: high profile, 1280x720, with emulation prevention further on.
    const Bytes high = bytes({0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10,
                              0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1});
    EXPECT_EQ(h264_frame_size(high), (FrameSize{1280, 720}));
    EXPECT_FALSE(h264_frame_size(std::span(high).first(7)));
    EXPECT_FALSE(h264_frame_size({}));
}

TEST(FrameSize, OfH264IsCroppedFromWholeMacroblocks) {
    Bytes baseline(32);
    BitWriter to(baseline);
    to.write(0x42c01e, 24);
    for (const unsigned value :
         {0U, 0U, 2U, 1U}) {  // id, frame number bits, order type, references
        write_golomb(to, value);
    }
    to.write(0, 1);
    write_golomb(to, 640 / 16 - 1);
    write_golomb(to, 368 / 16 - 1);
    to.write(0b11, 2);  // frames only, direct 8x8
    to.write(1, 1);     // cropped by 8 lines at the bottom, in units of two
    for (const unsigned value : {0U, 0U, 0U, 4U}) {
        write_golomb(to, value);
    }
    EXPECT_EQ(h264_frame_size(baseline), (FrameSize{640, 360}));
}

TEST(H264Payload, TellsTemporalLayersAndWhatMayBeLeftOut) {
    // STAP-A: a prefix NAL unit of temporal layer 2, a slice that nothing refers to.
    const Bytes aggregate = bytes({0x18, 0, 4, 0x0e, 0x80, 0x00, 0x40, 0, 3, 0x01, 0x88, 0x00});
    const auto parsed = H264Payload::parse(aggregate);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->temporal_layer, 2);
    EXPECT_TRUE(parsed->slice);
    EXPECT_FALSE(parsed->reference);
    // FU-A, middle of a reference slice.
    const auto fragment = H264Payload::parse(bytes({0x7c, 0x01, 0xff}));
    ASSERT_TRUE(fragment);
    EXPECT_TRUE(fragment->reference);
    EXPECT_FALSE(fragment->ends_nal_unit);
    EXPECT_FALSE(fragment->temporal_layer);
}

}  // namespace
}  // namespace isthmus::media::rtp
