#include "media/client/packetiser.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/rtp/av1_payload.h"
#include "media/rtp/h264_payload.h"
#include "media/rtp/key_frame.h"
#include "media/rtp/vp8_descriptor.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::client {
namespace {

using rtp::at_ms;
using rtp::bytes;
using rtp::Bytes;
using rtp::Codec;

Bytes payload_of(const PayloadPart& part) {
    Bytes payload(part.bytes());
    part.write(at_ms(1234), payload.data());
    return payload;
}

std::vector<Bytes> payloads_of(const std::vector<PayloadPart>& parts) {
    std::vector<Bytes> payloads;
    payloads.reserve(parts.size());
    for (const PayloadPart& part : parts) {
        payloads.push_back(payload_of(part));
    }
    return payloads;
}

std::vector<PayloadPart> packetise(Codec codec,
                                   bool filler,
                                   const RecordedFrame& frame,
                                   std::size_t payload_max) {
    Packetiser packetiser(codec, filler, payload_max);
    std::vector<PayloadPart> parts;
    packetiser.packetise(frame, parts);
    return parts;
}

Bytes noise(std::size_t size, int first) {
    Bytes made(size, std::byte{0x5a});
    made[0] = static_cast<std::byte>(first);
    return made;
}

TEST(Packetiser, MarksAndStampsTheLastPacketOfAFrame) {
    for (const Codec codec : {Codec::kVp8, Codec::kH264, Codec::kAv1}) {
        for (const bool filler : {false, true}) {
            const RecordedFrame frame{.key = false, .units = {noise(3000, 0x61)}};
            const auto parts = packetise(codec, filler, frame, 1100);
            ASSERT_GE(parts.size(), 3U);
            for (std::size_t i = 0; i < parts.size(); ++i) {
                const bool last = i + 1 == parts.size();
                EXPECT_EQ(parts[i].marker, last);
                EXPECT_LE(parts[i].bytes(), 1100U);
                EXPECT_EQ(read_stamp(payload_of(parts[i])).has_value(), last);
            }
            EXPECT_EQ(read_stamp(payload_of(parts.back())), at_ms(1234));
        }
    }
}

// A node can send packets of one size as one run.
TEST(Packetiser, CutsFramesIntoPacketsThatDifferByAByteAtMost) {
    for (std::size_t size = 1; size < 5000; size += 37) {
        const auto parts =
            packetise(Codec::kVp8, false, {.key = false, .units = {noise(size, 0x11)}}, 1100);
        std::size_t least = parts.front().bytes();
        std::size_t most = least;
        std::size_t sum = 0;
        for (const PayloadPart& part : parts) {
            least = std::min(least, part.bytes());
            most = std::max(most, part.bytes());
            sum += part.bytes() - kVp8PrefixBytes;
        }
        EXPECT_LE(most - least, 1U) << size;
        EXPECT_EQ(sum, size + kStampBytes);
    }
}

TEST(Packetiser, WritesVp8DescriptorsWithGrowingPictureIds) {
    Packetiser packetiser(Codec::kVp8, false, 1000);
    std::vector<PayloadPart> parts;
    for (const int picture : {0, 1, 2}) {
        const RecordedFrame frame{
            .key = picture == 0,
            .units = {picture == 0 ? bytes({0x10, 0, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2})
                                   : noise(1500, 0x11)}};
        packetiser.packetise(frame, parts);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const Bytes payload = payload_of(parts[i]);
            const auto descriptor = rtp::Vp8Descriptor::parse(payload);
            ASSERT_TRUE(descriptor);
            EXPECT_EQ(descriptor->bytes, kVp8PrefixBytes);
            EXPECT_EQ(descriptor->picture_id, picture);
            EXPECT_EQ(descriptor->start_of_partition, i == 0);
            EXPECT_EQ(descriptor->key_frame, picture == 0);
        }
    }
}

TEST(Packetiser, CutsLargeNalUnitsIntoFragmentsAndLeavesSmallOnes) {
    const Bytes parameter_sets = bytes({0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2});
    const auto payloads = payloads_of(packetise(
        Codec::kH264, false, {.key = true, .units = {parameter_sets, noise(1500, 0x65)}}, 1000));
    ASSERT_EQ(payloads.size(), 4U);
    EXPECT_EQ(payloads[0], parameter_sets);
    // FU-A: indicator with the unit's importance, then start and end marks and the type.
    EXPECT_EQ(payloads[1][0], std::byte{0x7c});
    EXPECT_EQ(payloads[1][1], std::byte{0x85});
    EXPECT_EQ(payloads[2][1], std::byte{0x45});
    EXPECT_EQ(payloads[1].size() + payloads[2].size() - 4, 1499U);
    EXPECT_EQ(payloads[3][0], std::byte{12}) << "filler data, which decoders leave out";
    EXPECT_TRUE(rtp::is_key_frame_start(Codec::kH264, payloads[0]));
}

TEST(Packetiser, WritesAv1AggregationHeaders) {
    const auto payloads = payloads_of(packetise(
        Codec::kAv1, false, {.key = true, .units = {noise(10, 0x08), noise(1500, 0x30)}}, 1000));
    ASSERT_EQ(payloads.size(), 4U);
    const auto header = [&payloads](std::size_t index) {
        return rtp::Av1AggregationHeader::parse(payloads[index]).value();
    };
    EXPECT_TRUE(header(0).new_coded_sequence);
    EXPECT_FALSE(header(0).continued);
    EXPECT_TRUE(header(1).continued);
    EXPECT_FALSE(header(1).continues);
    EXPECT_FALSE(header(1).new_coded_sequence);
    EXPECT_TRUE(header(2).continues);
    EXPECT_FALSE(header(2).continued);
    EXPECT_EQ(payloads[3][1], std::byte{15 << 3}) << "a padding OBU";
}

void expect_full_packets(Codec codec, const RecordedFrame& frame, std::size_t packets) {
    const auto parts = packetise(codec, true, frame, 1150);
    ASSERT_EQ(parts.size(), packets);
    for (const PayloadPart& part : parts) {
        EXPECT_EQ(part.bytes(), 1150U);
    }
    EXPECT_EQ(rtp::is_key_frame_start(codec, payload_of(parts.front())), frame.key);
}

TEST(Recording, FillsExactlyTheAskedForPackets) {
    for (const Codec codec : {Codec::kVp8, Codec::kH264, Codec::kAv1}) {
        for (const std::size_t packets : {1U, 2U, 8U, 16U}) {
            const Recording recording = make_filler_recording(
                {.codec = codec, .packets_per_frame = packets, .payload_bytes = 1150, .frames = 3});
            ASSERT_EQ(recording.frames.size(), 3U);
            SCOPED_TRACE(std::string(name_of(codec)) + " " + std::to_string(packets));
            for (const RecordedFrame& frame : recording.frames) {
                expect_full_packets(codec, frame, packets);
            }
        }
    }
}

TEST(Recording, PutsParameterSetsOfAnnexBIntoOnePacket) {
    const Bytes stream = bytes({0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 9, 8});
    const auto units = units_of_annex_b(stream);
    ASSERT_EQ(units.size(), 2U);
    EXPECT_EQ(units[0], bytes({0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3}));
    EXPECT_EQ(units[1], bytes({0x65, 9, 8}));
    EXPECT_TRUE(units_of_annex_b(bytes({1, 2, 3})).empty());
    EXPECT_TRUE(units_of_annex_b({}).empty());
}

TEST(Recording, TakesObusApartAndDropsTemporalDelimiters) {
    // Delimiter; sequence header of 3 bytes; a frame without a size, to the end.
    const Bytes unit = bytes({0x12, 0x00, 0x0a, 0x03, 7, 8, 9, 0x30, 1, 2});
    const auto units = units_of_obus(unit);
    ASSERT_EQ(units.size(), 2U);
    EXPECT_EQ(units[0], bytes({0x08, 7, 8, 9}));
    EXPECT_EQ(units[1], bytes({0x30, 1, 2}));
    EXPECT_TRUE(units_of_obus(bytes({0x0a, 0x7f, 1})).empty()) << "longer than what there is";
    EXPECT_TRUE(units_of_obus(bytes({0x0a, 0x80, 0x80})).empty()) << "a size that does not end";
}

TEST(PayloadStamp, IsReadOnlyWhereItWasWritten) {
    Bytes payload(40, std::byte{0});
    EXPECT_FALSE(read_stamp(payload));
    EXPECT_FALSE(read_stamp(std::span(payload).first(15)));
    write_stamp(at_ms(5'000'000'000), payload.data() + 24);
    EXPECT_EQ(read_stamp(payload), at_ms(5'000'000'000));
    payload[30] ^= std::byte{0};
    payload[39] ^= std::byte{1};
    EXPECT_FALSE(read_stamp(payload));
}

}  // namespace
}  // namespace isthmus::media::client
