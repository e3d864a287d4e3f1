#include "media/rtp/sequence.h"

#include <array>

#include <gtest/gtest.h>

namespace isthmus::media::rtp {
namespace {

constexpr std::array<std::uint16_t, 8> kEdges = {0, 1, 127, 128, 32767, 32768, 65534, 65535};

TEST(ExtendedSeq, KeepsRolloverCounterAboveTheSequenceNumber) {
    const ExtendedSeq seq = make_extended_seq(0xffff'ffff, 0xfffe);
    EXPECT_EQ(roc_of(seq), 0xffff'ffffU);
    EXPECT_EQ(seq16_of(seq), 0xfffe);
    EXPECT_EQ(seq16_of(advance(make_extended_seq(0, 0xffff), 1)), 0);
    EXPECT_EQ(roc_of(advance(make_extended_seq(0, 0xffff), 1)), 1U);
    EXPECT_EQ(distance(make_extended_seq(1, 0), make_extended_seq(0, 0xffff)), -1);
}

TEST(SeqNewer, OrdersNeighboursAtEveryWrap) {
    for (const std::uint16_t seq : kEdges) {
        const auto next = static_cast<std::uint16_t>(seq + 1);
        EXPECT_TRUE(seq_newer(next, seq)) << seq;
        EXPECT_FALSE(seq_newer(seq, next)) << seq;
        EXPECT_FALSE(seq_newer(seq, seq)) << seq;
    }
}

TEST(SeqNewer, IsTotalAtHalfTheCircle) {
    for (const std::uint16_t seq : kEdges) {
        const auto opposite = static_cast<std::uint16_t>(seq + 0x8000);
        EXPECT_NE(seq_newer(seq, opposite), seq_newer(opposite, seq)) << seq;
    }
}

TEST(SeqUnwrapper, BeginsInCycleOne) {
    SeqUnwrapper unwrapper;
    EXPECT_FALSE(unwrapper.highest());
    EXPECT_EQ(unwrapper.unwrap(5), make_extended_seq(1, 5));
    EXPECT_EQ(unwrapper.highest(), make_extended_seq(1, 5));
}

TEST(SeqUnwrapper, GivesPacketsBeforeTheFirstANumber) {
    SeqUnwrapper unwrapper;
    unwrapper.unwrap(2);
    EXPECT_EQ(unwrapper.unwrap(65534), make_extended_seq(0, 65534));
    EXPECT_EQ(unwrapper.highest(), make_extended_seq(1, 2));
}

TEST(SeqUnwrapper, FollowsEveryStepForThreeCycles) {
    for (const std::uint16_t start : kEdges) {
        SeqUnwrapper unwrapper;
        const ExtendedSeq first = unwrapper.unwrap(start);
        for (std::int64_t i = 1; i < 3 * 65536; ++i) {
            ASSERT_EQ(unwrapper.unwrap(static_cast<std::uint16_t>(start + i)), advance(first, i));
        }
    }
}

TEST(SeqUnwrapper, PutsReorderedPacketsBeforeTheWrap) {
    SeqUnwrapper unwrapper;
    unwrapper.unwrap(65534);
    EXPECT_EQ(unwrapper.unwrap(1), make_extended_seq(2, 1));
    EXPECT_EQ(unwrapper.unwrap(65535), make_extended_seq(1, 65535));
    EXPECT_EQ(unwrapper.unwrap(2), make_extended_seq(2, 2));
}

TEST(SeqUnwrapper, PeeksWithoutRemembering) {
    SeqUnwrapper unwrapper;
    EXPECT_EQ(unwrapper.peek(7), make_extended_seq(1, 7));
    EXPECT_FALSE(unwrapper.highest());
    unwrapper.unwrap(65535);
    EXPECT_EQ(unwrapper.peek(0), make_extended_seq(2, 0));
    EXPECT_EQ(unwrapper.highest(), make_extended_seq(1, 65535));
}

TEST(NearestExtendedSeq, ReachesHalfTheCircleEitherWay) {
    const ExtendedSeq reference = make_extended_seq(3, 100);
    EXPECT_EQ(nearest_extended_seq(reference, 100 + 32767), advance(reference, 32767));
    EXPECT_EQ(nearest_extended_seq(reference, 100 + 32768), advance(reference, -32768));
    EXPECT_EQ(nearest_extended_seq(reference, 99), advance(reference, -1));
}

TEST(RtpTimestamp, CountsTheShorterWayRound) {
    const RtpTimestamp late{0xffff'ff00};
    EXPECT_EQ(distance(late, advance(late, 0x200)), 0x200);
    EXPECT_EQ(distance(advance(late, 0x200), late), -0x200);
    EXPECT_EQ(value_of(advance(RtpTimestamp{5}, -6)), 0xffff'ffffU);
}

}  // namespace
}  // namespace isthmus::media::rtp
