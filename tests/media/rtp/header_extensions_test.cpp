#include "media/rtp/header_extensions.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using Elements = std::vector<std::pair<int, std::size_t>>;

Elements elements_of(std::uint16_t profile, const Bytes& block, bool& whole) {
    Elements found;
    whole =
        for_each_extension(profile, block, [&](std::uint8_t id, std::span<const std::byte> value) {
            found.emplace_back(id, value.size());
        });
    return found;
}

ExtensionIds all_ids(std::uint8_t first) {
    ExtensionIds ids;
    for (std::size_t i = 0; i < kExtensionKinds; ++i) {
        ids.set(static_cast<ExtensionKind>(i), static_cast<std::uint8_t>(first + i));
    }
    return ids;
}

RtpPacketView packet_with(std::uint16_t profile, const Bytes& block) {
    RtpPacketView view;
    view.extension_profile = profile;
    view.extension = block;
    return view;
}

// The second example of RFC 8285 section 4.2: padding between elements.
TEST(HeaderExtensions, WalksTheOneByteFormOverPadding) {
    bool whole = false;
    const Bytes block = bytes({0x10, 0xaa, 0x21, 1, 2, 0, 0, 0x33, 1, 2, 3, 4});
    EXPECT_EQ(elements_of(0xbede, block, whole), (Elements{{1, 1}, {2, 2}, {3, 4}}));
    EXPECT_TRUE(whole);
}

// The example of RFC 8285 section 4.3.
TEST(HeaderExtensions, WalksTheTwoByteForm) {
    bool whole = false;
    const Bytes block = bytes({1, 0, 2, 1, 0xaa, 0, 3, 4, 1, 2, 3, 4});
    for (const int application_bits : {0x1000, 0x1005, 0x100f}) {
        EXPECT_EQ(elements_of(static_cast<std::uint16_t>(application_bits), block, whole),
                  (Elements{{1, 0}, {2, 1}, {3, 4}}));
        EXPECT_TRUE(whole);
    }
}

TEST(HeaderExtensions, StopsAtIdFifteenInTheOneByteForm) {
    bool whole = false;
    EXPECT_EQ(elements_of(0xbede, bytes({0x10, 1, 0xf0, 9, 0x20, 1}), whole), (Elements{{1, 1}}));
    EXPECT_TRUE(whole);
}

TEST(HeaderExtensions, HasNoReservedIdInTheTwoByteForm) {
    bool whole = false;
    EXPECT_EQ(elements_of(0x1000, bytes({15, 1, 9, 255, 1, 7}), whole),
              (Elements{{15, 1}, {255, 1}}));
    EXPECT_TRUE(whole);
}

TEST(HeaderExtensions, StopsAtIdZeroWithALength) {
    bool whole = true;
    EXPECT_EQ(elements_of(0xbede, bytes({0x10, 1, 0x01, 9, 0x20, 1}), whole), (Elements{{1, 1}}));
    EXPECT_FALSE(whole);
}

TEST(HeaderExtensions, KeepsWhatCameBeforeAnElementThatRunsOver) {
    bool whole = true;
    EXPECT_EQ(elements_of(0xbede, bytes({0x10, 1, 0x2f, 9}), whole), (Elements{{1, 1}}));
    EXPECT_FALSE(whole);
    EXPECT_EQ(elements_of(0x1000, bytes({1, 1, 9, 2}), whole), (Elements{{1, 1}}));
    EXPECT_FALSE(whole);
    EXPECT_EQ(elements_of(0x1000, bytes({1, 0, 2, 3}), whole), (Elements{{1, 0}}));
    EXPECT_FALSE(whole);
}

TEST(HeaderExtensions, IgnoresOtherProfiles) {
    bool whole = true;
    EXPECT_TRUE(elements_of(0x1234, bytes({0x10, 1, 0, 0}), whole).empty());
    EXPECT_FALSE(whole);
    EXPECT_TRUE(elements_of(0, {}, whole).empty());
    EXPECT_TRUE(whole);
}

TEST(HeaderExtensions, ReadsEveryKind) {
    Bytes block = bytes({0x11, 'a',  '1',              // mid
                         0x20, 'h',                    // rid
                         0x31, 'r',  'x',              // repaired rid
                         0x42, 0x12, 0x34, 0x56,       // abs-send-time
                         0x51, 0xab, 0xcd,             // transport-wide sequence
                         0x60, 0x85,                   // level 5, voice
                         0x70, 0x0b,                   // orientation
                         0x82, 0x00, 0xa0, 0x14,       // min 10, max 20
                         0x93, 1,    2,    3,    4});  // dependency descriptor
    block.resize((block.size() + 3) / 4 * 4);
    const auto parsed = HeaderExtensionParser(all_ids(1)).parse(packet_with(0xbede, block));
    EXPECT_EQ(parsed.mid, "a1");
    EXPECT_EQ(parsed.rid, "h");
    EXPECT_EQ(parsed.repaired_rid, "rx");
    EXPECT_EQ(parsed.abs_send_time, 0x123456U);
    EXPECT_EQ(parsed.transport_sequence, 0xabcd);
    EXPECT_EQ(parsed.audio_level, (AudioLevel{.minus_dbov = 5, .voice = true}));
    EXPECT_EQ(parsed.video_orientation, 0x0b);
    EXPECT_EQ(parsed.playout_delay, (PlayoutDelay{.min_10ms = 10, .max_10ms = 20}));
    EXPECT_EQ(parsed.dependency_descriptor.size(), 4U);
}

TEST(HeaderExtensions, ReadsIdsThatNeedTwoBytes) {
    const Bytes block = bytes({200, 3, 'm', 'i', 'd', 205, 1, 0x7f});
    const auto parsed = HeaderExtensionParser(all_ids(200)).parse(packet_with(0x1000, block));
    EXPECT_EQ(parsed.mid, "mid");
    EXPECT_EQ(parsed.audio_level, (AudioLevel{.minus_dbov = 127, .voice = false}));
}

TEST(HeaderExtensions, SkipsIdsThatWereNotNegotiated) {
    ExtensionIds ids;
    ids.set(ExtensionKind::kMid, 4);
    const Bytes block = bytes({0x10, 1, 0x40, '7'});
    const auto parsed = HeaderExtensionParser(ids).parse(packet_with(0xbede, block));
    EXPECT_EQ(parsed.mid, "7");
    EXPECT_FALSE(parsed.audio_level);
}

TEST(HeaderExtensions, IgnoresValuesOfTheWrongSize) {
    const Bytes block = bytes({4, 2, 0, 0, 5, 3, 0, 0, 0, 6, 0, 7, 0, 8, 4, 0, 0, 0, 0});
    const auto parsed = HeaderExtensionParser(all_ids(1)).parse(packet_with(0x1000, block));
    EXPECT_FALSE(parsed.abs_send_time);
    EXPECT_FALSE(parsed.transport_sequence);
    EXPECT_FALSE(parsed.audio_level);
    EXPECT_FALSE(parsed.video_orientation);
    EXPECT_FALSE(parsed.playout_delay);
}

TEST(HeaderExtensions, CutsIdsAtNul) {
    const Bytes block = bytes({0x12, 'a', 0, 'b', 0x20, 0, 0, 0});
    const auto parsed = HeaderExtensionParser(all_ids(1)).parse(packet_with(0xbede, block));
    EXPECT_EQ(parsed.mid, "a");
    EXPECT_EQ(parsed.rid, "");
}

TEST(AbsSendTime, CountsSecondsInEighteenBitsOfFraction) {
    EXPECT_EQ(abs_send_time_of(at_ms(0)), 0U);
    EXPECT_EQ(abs_send_time_of(at_ms(1000)), 1U << 18U);
    EXPECT_EQ(abs_send_time_of(at_ms(63500)), (63U << 18U) + (1U << 17U));
    EXPECT_EQ(abs_send_time_of(at_ms(64000)), 0U);
    EXPECT_EQ(abs_send_time_of(at_ms(64000 * 1000 + 250)), 1U << 16U);
    EXPECT_EQ(abs_send_time_of(at_ms(-1000)), 63U << 18U);
}

TEST(ExtensionKind, FindsEachByItsUri) {
    for (std::size_t i = 0; i < kExtensionKinds; ++i) {
        const auto kind = static_cast<ExtensionKind>(i);
        EXPECT_EQ(extension_from_uri(uri_of(kind)), kind);
    }
    EXPECT_FALSE(extension_from_uri("urn:ietf:params:rtp-hdrext:toffset"));
    EXPECT_FALSE(extension_from_uri(""));
}

}  // namespace
}  // namespace isthmus::media::rtp
