#include "media/client/talk_spurts.h"

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::client {
namespace {

using rtp::at_ms;

struct Heard {
    int packets = 0;
    int loud = 0;
    int markers = 0;
};

Heard listen(TalkSpurts& talk, int ms) {
    Heard heard;
    for (int now = 0; now < ms; ++now) {
        while (const auto packet = talk.poll(at_ms(now))) {
            ++heard.packets;
            heard.loud += packet->level.voice ? 1 : 0;
            heard.markers += packet->part.marker ? 1 : 0;
        }
    }
    return heard;
}

TEST(TalkSpurts, SendsFiftyPacketsASecondWhileTalking) {
    SeededRandom random(1);
    TalkSpurts talk(at_ms(0), {}, random);
    const Heard heard = listen(talk, 10'000);
    EXPECT_EQ(heard.packets, 500);
    EXPECT_EQ(heard.loud, 500);
}

TEST(TalkSpurts, SaysWhenEachPacketWasDueThatIsPolledLate) {
    SeededRandom random(1);
    TalkSpurts talk(at_ms(0), {}, random);
    for (const int due_ms : {0, 20, 40}) {
        const auto packet = talk.poll(at_ms(50));
        ASSERT_TRUE(packet.has_value());
        EXPECT_EQ(packet->taken_at, at_ms(due_ms));
    }
    EXPECT_FALSE(talk.poll(at_ms(50)).has_value());
}

TEST(TalkSpurts, PausesAboutThreeFifthsOfTheTime) {
    SeededRandom random(7);
    TalkSpurts talk(at_ms(0), {.spurts = true}, random);
    const Heard heard = listen(talk, 600'000);
    const double talked = heard.loud / 50.0 / 600;
    EXPECT_GT(talked, 0.3);
    EXPECT_LT(talked, 0.5);
    EXPECT_GT(heard.markers, 100) << "each spurt begins with a marker (RFC 7587)";
    // A packet every 400 ms in pauses.
    EXPECT_NEAR(heard.packets - heard.loud, (1 - talked) * 600 / 0.4, 300);
}

TEST(TalkSpurts, SaysNothingWhereItIsSilent) {
    SeededRandom random(1);
    TalkSpurts talk(at_ms(0), {.silent = true}, random);
    const Heard heard = listen(talk, 4000);
    EXPECT_EQ(heard.packets, 10);
    EXPECT_EQ(heard.loud, 0);
}

// RFC 6716 section 3.2.5: code 3, one frame, padding whose length is told, and which the stamp is
// part of.
TEST(TalkSpurts, HidesItsStampInOpusPadding) {
    for (const std::uint32_t bitrate : {6'000U, 32'000U, 64'000U, 510'000U}) {
        SeededRandom random(1);
        TalkSpurts talk(at_ms(0), {.bitrate_bps = bitrate}, random);
        const auto packet = talk.poll(at_ms(3));
        ASSERT_TRUE(packet);
        rtp::Bytes payload(packet->part.bytes());
        packet->part.write(at_ms(3), payload.data());
        EXPECT_EQ(read_stamp(payload), at_ms(3));
        EXPECT_EQ(load_u8(&payload[0]) & 3U, 3U);
        EXPECT_EQ(load_u8(&payload[1]), 0x41U);
        const std::size_t padding = load_u8(&payload[2]);
        EXPECT_LT(padding, 255U);
        EXPECT_EQ(payload.size(), 3 + 2 + padding);
        if (bitrate >= 12'000 && bitrate <= 64'000) {
            EXPECT_EQ(payload.size(), bitrate / 8 / 50);
        }
    }
}

}  // namespace
}  // namespace isthmus::media::client
