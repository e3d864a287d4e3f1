#include "media/rtp/flexfec.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/random.h"
#include "tests/media/rtp/flexfec_decoder.h"

namespace isthmus::media::rtp {
namespace {

using testing::FlexfecDecoder;

constexpr std::uint32_t kSsrc = 0x12345678;

// An RTP packet of any content; the fixed header is a real one.
std::vector<std::byte> make_packet(SeededRandom& random, std::uint16_t seq, std::size_t bytes) {
    std::vector<std::byte> packet(bytes);
    for (std::byte& byte : packet) {
        byte = static_cast<std::byte>(random.next_u32());
    }
    packet[0] = (packet[0] & std::byte{0x3F}) | std::byte{0x80};
    store_be16(&packet[2], seq);
    store_be32(&packet[8], kSsrc);
    return packet;
}

// In three parts, cut anywhere behind the fixed header.
PacketParts parts_of(SeededRandom& random, std::span<const std::byte> packet) {
    const std::size_t header = 12 + random.next_u32() % (packet.size() - 11);
    const std::size_t prefix = random.next_u32() % (packet.size() - header + 1);
    return {.header = packet.first(header),
            .prefix = packet.subspan(header, prefix),
            .payload = packet.subspan(header + prefix)};
}

std::vector<std::byte> repair_of(const FlexfecGroup& group) {
    std::vector<std::byte> payload(group.bytes());
    EXPECT_EQ(group.write(kSsrc, payload), payload.size());
    return payload;
}

class FlexfecSeq : public ::testing::TestWithParam<std::uint64_t> {};

FlexfecDecoder decoder_of_all_but(std::size_t lost,
                                  const std::vector<std::vector<std::byte>>& packets) {
    FlexfecDecoder decoder;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        if (i != lost) {
            decoder.add_media(packets[i]);
        }
    }
    return decoder;
}

TEST_P(FlexfecSeq, AnyOnePacketOfAGroupIsRestoredToTheBit) {
    SeededRandom random(GetParam() + 1);
    for (int round = 0; round < 50; ++round) {
        auto group = std::make_unique<FlexfecGroup>();
        group->clear();
        std::vector<std::vector<std::byte>> packets;
        std::uint64_t seq = GetParam();
        const std::size_t count = 1 + random.next_u32() % 12;
        for (std::size_t i = 0; i < count; ++i) {
            packets.push_back(make_packet(
                random, static_cast<std::uint16_t>(seq), 12 + random.next_u32() % 1389));
            ASSERT_TRUE(group->add(ExtendedSeq{65536 + seq}, parts_of(random, packets.back())));
            seq += 1 + random.next_u32() % 9;
        }
        const auto payload = repair_of(*group);
        for (std::size_t lost = 0; lost < count; ++lost) {
            const FlexfecDecoder decoder = decoder_of_all_but(lost, packets);
            const auto restored = decoder.recover(payload);
            ASSERT_TRUE(restored.has_value());
            EXPECT_EQ(*restored, packets[lost]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(AroundWraps, FlexfecSeq, ::testing::Values(0, 127, 32767, 65530, 65535));

TEST(Flexfec, TheMaskIsAsLongAsTheGroupReaches) {
    SeededRandom random(3);
    const auto packet = make_packet(random, 100, 50);
    for (const auto& [last, header] : std::vector<std::pair<std::uint64_t, std::size_t>>{
             {1, 20}, {14, 20}, {15, 24}, {45, 24}, {46, 32}, {108, 32}}) {
        FlexfecGroup group;
        group.clear();
        ASSERT_TRUE(group.add(ExtendedSeq{100}, parts_of(random, packet)));
        ASSERT_TRUE(group.add(ExtendedSeq{100 + last}, parts_of(random, packet)));
        EXPECT_EQ(group.bytes(), header + 38);
        const auto parsed = FlexfecDecoder::parse(repair_of(group));
        ASSERT_TRUE(parsed.has_value());
        EXPECT_EQ(parsed->media_ssrc, kSsrc);
        EXPECT_EQ(parsed->bytes, header);
        EXPECT_EQ(parsed->seqs,
                  (std::vector<std::uint16_t>{100, static_cast<std::uint16_t>(100 + last)}));
    }
}

TEST(Flexfec, RefusesWhatCannotBeInTheGroup) {
    SeededRandom random(4);
    const auto packet = make_packet(random, 100, 60);
    FlexfecGroup group;
    group.clear();
    ASSERT_TRUE(group.add(ExtendedSeq{1000}, {.header = packet, .prefix = {}, .payload = {}}));
    const auto before = repair_of(group);
    EXPECT_FALSE(group.add(ExtendedSeq{1000}, {.header = packet, .prefix = {}, .payload = {}}));
    EXPECT_FALSE(group.add(ExtendedSeq{999}, {.header = packet, .prefix = {}, .payload = {}}));
    EXPECT_FALSE(group.add(ExtendedSeq{1109}, {.header = packet, .prefix = {}, .payload = {}}));
    const std::vector<std::byte> large(FlexfecGroup::kPacketBytesMax + 1);
    EXPECT_FALSE(group.add(ExtendedSeq{1001}, {.header = large, .prefix = {}, .payload = {}}));
    EXPECT_FALSE(group.add(ExtendedSeq{1001},
                           {.header = std::span(packet).first(11), .prefix = {}, .payload = {}}));
    EXPECT_EQ(group.packets(), 1U);
    EXPECT_EQ(repair_of(group), before);
}

TEST(Flexfec, AGroupIsUsedAgain) {
    SeededRandom random(5);
    FlexfecGroup group;
    group.clear();
    ASSERT_TRUE(group.add(ExtendedSeq{10}, parts_of(random, make_packet(random, 10, 1400))));
    ASSERT_TRUE(group.add(ExtendedSeq{90}, parts_of(random, make_packet(random, 90, 1400))));
    group.clear();
    const auto a = make_packet(random, 91, 100);
    const auto b = make_packet(random, 92, 80);
    ASSERT_TRUE(group.add(ExtendedSeq{91}, parts_of(random, a)));
    ASSERT_TRUE(group.add(ExtendedSeq{92}, parts_of(random, b)));
    FlexfecDecoder decoder;
    decoder.add_media(b);
    EXPECT_EQ(decoder.recover(repair_of(group)), a);
}

}  // namespace
}  // namespace isthmus::media::rtp
