#include "media/rtp/red.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus::media::rtp {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
    std::vector<std::byte> result;
    std::ranges::transform(
        values, std::back_inserter(result), [](unsigned v) { return static_cast<std::byte>(v); });
    return result;
}

std::vector<std::byte> filled(std::size_t size, unsigned value) {
    return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
    return std::ranges::equal(a, b);
}

TEST(Red, TakesApartAPacketWithOneEarlierFrame) {
    // Payload type 111, 960 ticks earlier, three bytes; then the own frame of two.
    const auto packet = bytes({0xEF, 0x0F, 0x00, 0x03, 0x6F, 1, 2, 3, 8, 9});
    const auto red = RedPayload::parse(packet);
    ASSERT_TRUE(red.has_value());
    ASSERT_EQ(red->earlier().size(), 1U);
    EXPECT_EQ(red->earlier()[0].payload_type, 111);
    EXPECT_EQ(red->earlier()[0].timestamp_offset, 960);
    EXPECT_TRUE(equal(red->earlier()[0].payload, bytes({1, 2, 3})));
    EXPECT_EQ(red->primary_type, 111);
    EXPECT_TRUE(equal(red->primary, bytes({8, 9})));
    EXPECT_EQ(red->header_bytes(), 5U);
    EXPECT_TRUE(red->is_uniform());
}

TEST(Red, APacketMayCarryItsOwnFrameAlone) {
    const auto packet = bytes({0x6F, 8, 9});
    const auto red = RedPayload::parse(packet);
    ASSERT_TRUE(red.has_value());
    EXPECT_TRUE(red->earlier().empty());
    EXPECT_TRUE(equal(red->primary, bytes({8, 9})));
}

TEST(Red, RefusesWhatEndsTooEarly) {
    EXPECT_EQ(RedPayload::parse({}).error(), RedError::kTruncatedHeader);
    EXPECT_EQ(RedPayload::parse(bytes({0xEF, 0x0F, 0x00})).error(), RedError::kTruncatedHeader);
    EXPECT_EQ(RedPayload::parse(bytes({0xEF, 0x0F, 0x00, 0x03})).error(),
              RedError::kTruncatedHeader);
    EXPECT_EQ(RedPayload::parse(bytes({0xEF, 0x0F, 0x00, 0x03, 0x6F, 1, 2})).error(),
              RedError::kTruncatedBlock);
}

TEST(Red, TheOwnFrameMayBeEmpty) {
    const auto red = RedPayload::parse(bytes({0xEF, 0x0F, 0x00, 0x01, 0x6F, 1}));
    ASSERT_TRUE(red.has_value());
    EXPECT_TRUE(red->primary.empty());
}

TEST(Red, RefusesMoreBlocksThanAnybodySends) {
    std::vector<std::byte> packet;
    for (std::size_t i = 0; i < RedPayload::kEarlierMax; ++i) {
        for (const unsigned b : {0xEFU, 0U, 0U, 0U}) {
            packet.push_back(static_cast<std::byte>(b));
        }
    }
    auto good = packet;
    good.push_back(std::byte{0x6F});
    EXPECT_TRUE(RedPayload::parse(good).has_value());
    packet.insert(packet.end(), packet.begin(), packet.begin() + 4);
    packet.push_back(std::byte{0x6F});
    EXPECT_EQ(RedPayload::parse(packet).error(), RedError::kTooManyBlocks);
}

TEST(Red, WhatIsWrittenIsRead) {
    const auto older = filled(100, 1);
    const auto old = filled(80, 2);
    const auto own = filled(60, 3);
    std::vector<std::byte> packet(600);
    const std::array<EarlierFrame, 2> earlier{
        {{.timestamp_offset = 1920, .payload = older}, {.timestamp_offset = 960, .payload = old}}};
    packet.resize(write_red_prefix(111, earlier, packet));
    EXPECT_EQ(packet.size(), 4U + 4 + 1 + 100 + 80);
    packet.insert(packet.end(), own.begin(), own.end());
    const auto red = RedPayload::parse(packet);
    ASSERT_TRUE(red.has_value());
    ASSERT_EQ(red->earlier().size(), 2U);
    EXPECT_EQ(red->earlier()[0].timestamp_offset, 1920);
    EXPECT_TRUE(equal(red->earlier()[0].payload, older));
    EXPECT_EQ(red->earlier()[1].timestamp_offset, 960);
    EXPECT_TRUE(equal(red->earlier()[1].payload, old));
    EXPECT_TRUE(equal(red->primary, own));
}

TEST(Red, LeavesOutWhatTheHeaderCannotSay) {
    const auto frame = filled(1023, 1);
    const auto too_long = filled(1024, 1);
    std::vector<std::byte> out(4000);
    const auto frames_of = [&](EarlierFrame one) {
        const std::size_t size = write_red_prefix(96, {&one, 1}, out);
        return RedPayload::parse(std::span(out).first(size))->earlier().size();
    };
    EXPECT_EQ(frames_of({.timestamp_offset = 16383, .payload = frame}), 1U);
    EXPECT_EQ(frames_of({.timestamp_offset = 16384, .payload = frame}), 0U);
    EXPECT_EQ(frames_of({.timestamp_offset = 960, .payload = too_long}), 0U);
    EXPECT_EQ(frames_of({.timestamp_offset = 960, .payload = {}}), 0U);
}

TEST(Red, LeavesOutTheOldestWhereThereIsNoRoom) {
    const auto frame = filled(100, 1);
    const std::array<EarlierFrame, 2> earlier{{{.timestamp_offset = 1920, .payload = frame},
                                               {.timestamp_offset = 960, .payload = frame}}};
    for (const std::size_t room : {1U, 104U, 105U, 208U, 209U}) {
        std::vector<std::byte> out(room);
        const std::size_t size = write_red_prefix(111, earlier, out);
        const auto red = RedPayload::parse(std::span(out).first(size));
        ASSERT_TRUE(red.has_value());
        EXPECT_EQ(red->earlier().size(), (room - 1) / 104);
        if (!red->earlier().empty()) {
            EXPECT_EQ(red->earlier().back().timestamp_offset, 960);
        }
    }
}

TEST(Red, HeadersAreRenamedForAReceiver) {
    auto packet = bytes({0xEF, 0x0F, 0x00, 0x03, 0x6F, 1, 2, 3, 8, 9});
    const auto red = RedPayload::parse(packet);
    std::array<std::byte, 14> headers{};
    const std::size_t size = write_red_headers(*red, 96, headers);
    ASSERT_EQ(size, 5U);
    std::copy_n(headers.begin(), size, packet.begin());
    const auto renamed = RedPayload::parse(packet);
    ASSERT_TRUE(renamed.has_value());
    EXPECT_EQ(renamed->earlier()[0].payload_type, 96);
    EXPECT_EQ(renamed->earlier()[0].timestamp_offset, 960);
    EXPECT_EQ(renamed->primary_type, 96);
    EXPECT_TRUE(equal(renamed->primary, bytes({8, 9})));
    EXPECT_EQ(write_red_headers(*red, 96, std::span(headers).first(4)), 0U);
}

TEST(Red, BlocksOfSeveralTypesAreNotUniform) {
    const auto packet = bytes({0xE0, 0x0F, 0x00, 0x01, 0x6F, 1, 8});
    EXPECT_FALSE(RedPayload::parse(packet)->is_uniform());
}

}  // namespace
}  // namespace isthmus::media::rtp
