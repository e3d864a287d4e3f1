#include "media/rtp/key_frame.h"

#include <gtest/gtest.h>

#include "media/rtp/av1_payload.h"
#include "media/rtp/dependency_descriptor.h"
#include "media/rtp/h264_payload.h"
#include "media/rtp/vp8_descriptor.h"
#include "media/rtp/vp9_descriptor.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

TEST(Vp8Descriptor, ReadsTheShortForm) {
    const auto descriptor = Vp8Descriptor::parse(bytes({0x10, 0x00}));
    ASSERT_TRUE(descriptor);
    EXPECT_TRUE(descriptor->start_of_partition);
    EXPECT_EQ(descriptor->partition, 0);
    EXPECT_EQ(descriptor->bytes, 1U);
    EXPECT_FALSE(descriptor->picture_id);
    EXPECT_TRUE(descriptor->key_frame);
}

TEST(Vp8Descriptor, ReadsEveryExtension) {
    // X R N S, I L T K, 15-bit picture id, TL0PICIDX, TID 2 Y KEYIDX 5
    const auto descriptor = Vp8Descriptor::parse(bytes({0xb0, 0xf0, 0x92, 0x34, 0x77, 0xa5, 0x01}));
    ASSERT_TRUE(descriptor);
    EXPECT_TRUE(descriptor->non_reference);
    EXPECT_EQ(descriptor->picture_id, 0x1234);
    EXPECT_TRUE(descriptor->long_picture_id);
    EXPECT_EQ(descriptor->tl0_picture_index, 0x77);
    EXPECT_EQ(descriptor->temporal_layer, 2);
    EXPECT_TRUE(descriptor->layer_sync);
    EXPECT_EQ(descriptor->key_index, 5);
    EXPECT_EQ(descriptor->bytes, 6U);
    EXPECT_FALSE(descriptor->key_frame);  // P is set
}

TEST(Vp8Descriptor, ReadsASevenBitPictureId) {
    const auto descriptor = Vp8Descriptor::parse(bytes({0x90, 0x80, 0x7f, 0x00}));
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(descriptor->picture_id, 0x7f);
    EXPECT_FALSE(descriptor->long_picture_id);
    EXPECT_TRUE(descriptor->key_frame);
}

TEST(Vp8Descriptor, KnowsAKeyFrameByItsFirstPacketOnly) {
    EXPECT_FALSE(Vp8Descriptor::parse(bytes({0x00, 0x00}))->key_frame);  // no S
    EXPECT_FALSE(Vp8Descriptor::parse(bytes({0x11, 0x00}))->key_frame);  // partition 1
    EXPECT_FALSE(Vp8Descriptor::parse(bytes({0x10, 0x01}))->key_frame);  // P
}

TEST(Vp8Descriptor, RefusesEveryTruncation) {
    const Bytes payload = bytes({0xb0, 0xf0, 0x92, 0x34, 0x77, 0xa5, 0x01});
    for (std::size_t size = 0; size < payload.size(); ++size) {
        EXPECT_FALSE(Vp8Descriptor::parse(std::span(payload).first(size))) << size;
    }
}

TEST(Vp9Descriptor, ReadsNonFlexibleMode) {
    // I L B E, 15-bit picture id, TID 1 U SID 2 D, TL0PICIDX
    const auto descriptor = Vp9Descriptor::parse(bytes({0xac, 0x81, 0x02, 0x35, 0x99, 0x00}));
    ASSERT_TRUE(descriptor);
    EXPECT_FALSE(descriptor->inter_picture_predicted);
    EXPECT_FALSE(descriptor->flexible);
    EXPECT_TRUE(descriptor->start_of_frame);
    EXPECT_TRUE(descriptor->end_of_frame);
    EXPECT_EQ(descriptor->picture_id, 0x0102);
    EXPECT_EQ(descriptor->temporal_layer, 1);
    EXPECT_TRUE(descriptor->switching_up_point);
    EXPECT_EQ(descriptor->spatial_layer, 2);
    EXPECT_TRUE(descriptor->inter_layer_predicted);
    EXPECT_EQ(descriptor->tl0_picture_index, 0x99);
    EXPECT_EQ(descriptor->bytes, 5U);
    EXPECT_FALSE(descriptor->key_frame());  // an upper layer
}

TEST(Vp9Descriptor, ReadsFlexibleModeWithThreeReferences) {
    // I P L F B, 7-bit picture id, layers, P_DIFF with N, with N, without
    const auto descriptor = Vp9Descriptor::parse(bytes({0xf8, 0x05, 0x00, 0x03, 0x05, 0x06, 0xff}));
    ASSERT_TRUE(descriptor);
    EXPECT_TRUE(descriptor->inter_picture_predicted);
    EXPECT_FALSE(descriptor->tl0_picture_index);
    EXPECT_EQ(descriptor->bytes, 6U);
    EXPECT_FALSE(Vp9Descriptor::parse(bytes({0xf8, 0x05, 0x00, 0x03, 0x05, 0x07, 0xff, 0xff})))
        << "more than three references";
}

TEST(Vp9Descriptor, SkipsTheScalabilityStructure) {
    // B V; two layers with sizes, a group of two pictures with one and two references
    const Bytes payload = bytes({0x0a, 0x38, 1, 0, 1, 0, 2, 0, 2, 0, 2, 0x04, 9, 0x28, 8, 7, 0xaa});
    const auto descriptor = Vp9Descriptor::parse(payload);
    ASSERT_TRUE(descriptor);
    EXPECT_TRUE(descriptor->scalability_structure);
    EXPECT_EQ(descriptor->bytes, 16U);
    EXPECT_TRUE(descriptor->key_frame());
    for (std::size_t size = 0; size < payload.size(); ++size) {
        EXPECT_FALSE(Vp9Descriptor::parse(std::span(payload).first(size))) << size;
    }
}

TEST(Vp9Descriptor, KnowsKeyFrames) {
    EXPECT_TRUE(is_key_frame_start(Codec::kVp9, bytes({0x08, 0})));
    EXPECT_FALSE(is_key_frame_start(Codec::kVp9, bytes({0x48, 0})));  // P
    EXPECT_FALSE(is_key_frame_start(Codec::kVp9, bytes({0x00, 0})));  // not the beginning
}

TEST(H264Payload, KnowsSingleUnits) {
    EXPECT_TRUE(H264Payload::parse(bytes({0x67, 1, 2}))->sps);
    EXPECT_TRUE(H264Payload::parse(bytes({0x68, 1, 2}))->pps);
    EXPECT_FALSE(H264Payload::parse(bytes({0x68, 1, 2}))->key_frame_start());
    EXPECT_TRUE(H264Payload::parse(bytes({0x65, 0x88}))->idr_start);
    EXPECT_FALSE(H264Payload::parse(bytes({0x65, 0x48}))->idr_start) << "a later slice";
    EXPECT_FALSE(H264Payload::parse(bytes({0x41, 0x9a}))->key_frame_start());
}

TEST(H264Payload, KnowsAggregates) {
    const Bytes payload = bytes({0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2, 0, 2, 0x65, 0x88});
    const auto parsed = H264Payload::parse(payload);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->sps && parsed->pps && parsed->idr_start);
    EXPECT_FALSE(H264Payload::parse(bytes({0x78, 0, 2, 0x68, 1}))->key_frame_start());
}

TEST(H264Payload, RefusesAggregatesThatContradictTheirLengths) {
    for (const Bytes& payload : {bytes({0x78, 0, 3, 0x67, 1}),
                                 bytes({0x78, 0, 0, 0x67, 1}),
                                 bytes({0x78, 0xff, 0xff, 0x67}),
                                 bytes({0x78, 0, 2, 0x67, 1, 0}),
                                 bytes({0x78})}) {
        EXPECT_FALSE(H264Payload::parse(payload));
        EXPECT_FALSE(is_key_frame_start(Codec::kH264, payload));
    }
}

TEST(H264Payload, KnowsFragmentsByTheirFirst) {
    EXPECT_TRUE(H264Payload::parse(bytes({0x7c, 0x85, 0x88}))->idr_start);
    EXPECT_FALSE(H264Payload::parse(bytes({0x7c, 0x05, 0x88}))->idr_start);
    EXPECT_FALSE(H264Payload::parse(bytes({0x7c, 0x45, 0x88}))->idr_start);
    EXPECT_FALSE(H264Payload::parse(bytes({0x7c, 0x81, 0x88}))->key_frame_start());
    EXPECT_FALSE(H264Payload::parse(bytes({0x7c, 0x85})));
}

TEST(H264Payload, RefusesOtherTypes) {
    for (const int type : {0, 25, 26, 27, 29, 30, 31}) {
        EXPECT_FALSE(H264Payload::parse(bytes({type, 0, 0, 0}))) << type;
    }
    EXPECT_FALSE(H264Payload::parse({}));
}

TEST(Av1Payload, ReadsTheAggregationHeader) {
    const auto header = Av1AggregationHeader::parse(bytes({0x68, 0x0a}));
    ASSERT_TRUE(header);
    EXPECT_FALSE(header->continues);
    EXPECT_TRUE(header->continued);
    EXPECT_EQ(header->elements, 2);
    EXPECT_TRUE(header->new_coded_sequence);
    EXPECT_FALSE(Av1AggregationHeader::parse(bytes({0x08}))) << "nothing behind it";
    EXPECT_FALSE(Av1AggregationHeader::parse(bytes({0x88, 0}))) << "both Z and N";
    EXPECT_FALSE(Av1AggregationHeader::parse({}));
}

TEST(DescriptorHead, ReadsTheMandatoryPart) {
    const auto descriptor = DescriptorHead::parse(bytes({0xc5, 0x12, 0x34}));
    ASSERT_TRUE(descriptor);
    EXPECT_TRUE(descriptor->start_of_frame);
    EXPECT_TRUE(descriptor->end_of_frame);
    EXPECT_EQ(descriptor->template_id, 5);
    EXPECT_EQ(descriptor->frame_number, 0x1234);
    EXPECT_FALSE(descriptor->has_structure);
    EXPECT_TRUE(DescriptorHead::parse(bytes({0x80, 0, 1, 0x80}))->has_structure);
    EXPECT_FALSE(DescriptorHead::parse(bytes({0x80, 0, 1, 0x7f}))->has_structure);
    EXPECT_FALSE(DescriptorHead::parse(bytes({0x80, 0})));
}

TEST(KeyFrameStart, BelievesTheDependencyDescriptorOfAv1) {
    const Bytes key = bytes({0x18, 0x0a});
    const Bytes delta = bytes({0x10, 0x0a});
    EXPECT_TRUE(is_key_frame_start(Codec::kAv1, key));
    EXPECT_FALSE(is_key_frame_start(Codec::kAv1, delta));
    EXPECT_TRUE(is_key_frame_start(Codec::kAv1, delta, bytes({0x80, 0, 1, 0x80})));
    EXPECT_FALSE(is_key_frame_start(Codec::kAv1, key, bytes({0x40, 0, 1, 0x80})));
    EXPECT_FALSE(is_key_frame_start(Codec::kAv1, key, bytes({0x80, 0, 1})));
}

TEST(KeyFrameStart, IsEveryAudioPacketAndNoEmptyVideo) {
    for (const Codec codec : {Codec::kOpus, Codec::kPcmu, Codec::kPcma}) {
        EXPECT_TRUE(is_key_frame_start(codec, bytes({1})));
    }
    for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kAv1, Codec::kH264}) {
        EXPECT_FALSE(is_key_frame_start(codec, {}));
    }
}

}  // namespace
}  // namespace isthmus::media::rtp
