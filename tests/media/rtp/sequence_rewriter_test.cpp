#include "media/rtp/sequence_rewriter.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

constexpr std::uint32_t kSource = 0xaaaa;
constexpr std::uint32_t kOther = 0xbbbb;

ExtendedSeq pub(std::int64_t number) {
    return advance(make_extended_seq(1, 0), number);
}

SourcePacket from(std::uint32_t source, std::int64_t number) {
    return {.source = source, .seq = pub(number)};
}

// Begins at number 1000 and timestamp 5000, with the publisher's packet `first`.
SequenceRewriter started_at(std::int64_t first) {
    SequenceRewriter rewriter({.seq = 1000, .timestamp = RtpTimestamp{5000}});
    rewriter.switch_source(
        at_ms(0),
        {.source = kSource, .seq = pub(first), .timestamp = RtpTimestamp{0}, .clock_hz = 90000});
    return rewriter;
}

std::int64_t send(SequenceRewriter& rewriter, std::int64_t number, std::uint32_t source = kSource) {
    const auto out = rewriter.rewrite(at_ms(0), from(source, number), RtpTimestamp{0});
    return out ? static_cast<std::int64_t>(value_of(out->seq)) : -1;
}

TEST(SequenceRewriter, NumbersNothingBeforeASource) {
    SequenceRewriter rewriter({});
    EXPECT_FALSE(rewriter.started());
    EXPECT_FALSE(rewriter.rewrite(at_ms(0), {.source = 0, .seq = ExtendedSeq{0}}, {}));
    EXPECT_FALSE(rewriter.find(0));
    EXPECT_FALSE(rewriter.timestamp_of({}));
    rewriter.on_dropped({.source = 0, .seq = ExtendedSeq{0}});
    EXPECT_FALSE(rewriter.started());
}

TEST(SequenceRewriter, BeginsWhereItIsToldInTheLowerHalf) {
    SequenceRewriter rewriter({.seq = 0xffff, .timestamp = RtpTimestamp{77}});
    rewriter.switch_source(
        at_ms(0), {.source = kSource, .seq = pub(9), .timestamp = RtpTimestamp{1'000'000}});
    const auto out = rewriter.rewrite(at_ms(0), from(kSource, 9), RtpTimestamp{1'000'000});
    ASSERT_TRUE(out);
    EXPECT_EQ(out->seq, make_extended_seq(0, 0x7fff));
    EXPECT_EQ(out->timestamp, RtpTimestamp{77});
}

TEST(SequenceRewriter, CountsOnOverEveryWrap) {
    for (const std::int64_t first : {0, 127, 32767, 65535}) {
        SequenceRewriter rewriter({.seq = 0x7fff, .timestamp = {}});
        rewriter.switch_source(at_ms(0), {.source = kSource, .seq = pub(first)});
        for (std::int64_t i = 0; i < 200'000; ++i) {
            ASSERT_EQ(send(rewriter, first + i), 0x7fff + i);
        }
        EXPECT_EQ(roc_of(rewriter.highest()), 3U);
    }
}

TEST(SequenceRewriter, LeavesAGapForWhatIsLost) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    EXPECT_EQ(send(rewriter, 13), 1003);
    EXPECT_EQ(send(rewriter, 11), 1001);
    EXPECT_EQ(send(rewriter, 11), 1001);  // the same again
    EXPECT_EQ(send(rewriter, 14), 1004);
    EXPECT_EQ(send(rewriter, 12), 1002);
}

TEST(SequenceRewriter, ClosesTheGapOfWhatIsDropped) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    rewriter.on_dropped(from(kSource, 11));
    rewriter.on_dropped(from(kSource, 12));
    EXPECT_EQ(send(rewriter, 13), 1001);
    EXPECT_EQ(send(rewriter, 11), -1);
    EXPECT_EQ(send(rewriter, 12), -1);
    EXPECT_EQ(send(rewriter, 10), 1000);
}

TEST(SequenceRewriter, KeepsNumbersForWhatIsLostAmongTheDropped) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    rewriter.on_dropped(from(kSource, 12));  // 11 is missing
    EXPECT_EQ(send(rewriter, 13), 1002);
    EXPECT_EQ(send(rewriter, 11), 1001);
}

// A late packet may be the newest that is sent: the highest number and the timestamp that a switch
// continues from stayed at the packet before it.
TEST(SequenceRewriter, ContinuesFromALatePacketThatIsTheNewestSent) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    rewriter.on_dropped(from(kSource, 12));
    ASSERT_TRUE(rewriter.rewrite(at_ms(40), from(kSource, 11), RtpTimestamp{3600}));
    EXPECT_EQ(value_of(rewriter.highest()), 1001U);
    rewriter.switch_source(at_ms(40), {.source = kOther, .seq = pub(1)});
    EXPECT_EQ(rewriter.timestamp_of(RtpTimestamp{0}), RtpTimestamp{5000 + 3600 + 1});
}

TEST(SequenceRewriter, CannotTakeANumberBack) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    EXPECT_EQ(send(rewriter, 12), 1002);
    rewriter.on_dropped(from(kSource, 11));
    EXPECT_EQ(send(rewriter, 13), 1003);
}

TEST(SequenceRewriter, RefusesWhatCameBeforeTheSourceBegan) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 9), -1);
    EXPECT_EQ(send(rewriter, 10), 1000);
    EXPECT_EQ(send(rewriter, 9), -1);
}

TEST(SequenceRewriter, ContinuesWithAnotherSource) {
    SequenceRewriter rewriter = started_at(10);
    const auto before = rewriter.rewrite(at_ms(0), from(kSource, 10), RtpTimestamp{9000});
    ASSERT_TRUE(before);
    EXPECT_EQ(before->timestamp, RtpTimestamp{14000});
    rewriter.switch_source(
        at_ms(100), {.source = kOther, .seq = pub(60000), .timestamp = RtpTimestamp{0xffff'ff00}});
    const auto after = rewriter.rewrite(at_ms(100), from(kOther, 60000), RtpTimestamp{0xffff'ff00});
    ASSERT_TRUE(after);
    EXPECT_EQ(after->seq, advance(before->seq, 1));
    EXPECT_EQ(distance(before->timestamp, after->timestamp), 9000);  // 100 ms
    const auto later = rewriter.rewrite(at_ms(110), from(kOther, 60001), RtpTimestamp{0x84});
    EXPECT_EQ(distance(after->timestamp, later->timestamp), 0x184);
    EXPECT_EQ(rewriter.source(), kOther);
}

TEST(SequenceRewriter, TakesABetterTimestampUnlessItStepsBack) {
    SequenceRewriter rewriter = started_at(10);
    ASSERT_TRUE(rewriter.rewrite(at_ms(0), from(kSource, 10), RtpTimestamp{0}));
    rewriter.switch_source(at_ms(100),
                           {.source = kOther,
                            .seq = pub(1),
                            .timestamp = RtpTimestamp{1},
                            .timestamp_out = RtpTimestamp{5000 + 3000}});
    EXPECT_EQ(rewriter.timestamp_of(RtpTimestamp{1}), RtpTimestamp{8000});
    rewriter.switch_source(at_ms(100),
                           {.source = kOther,
                            .seq = pub(1),
                            .timestamp = RtpTimestamp{1},
                            .timestamp_out = RtpTimestamp{4999}});
    EXPECT_EQ(rewriter.timestamp_of(RtpTimestamp{1}), RtpTimestamp{14000});
}

TEST(SequenceRewriter, AlwaysMovesTheTimestampForwardAtASwitch) {
    SequenceRewriter rewriter = started_at(10);
    ASSERT_TRUE(rewriter.rewrite(at_ms(50), from(kSource, 10), RtpTimestamp{0}));
    rewriter.switch_source(at_ms(50),
                           {.source = kOther, .seq = pub(1), .timestamp = RtpTimestamp{7}});
    EXPECT_EQ(rewriter.timestamp_of(RtpTimestamp{7}), RtpTimestamp{5001});
}

TEST(SequenceRewriter, ForwardsLatePacketsOfTheOldSourceOnlyWhereTheyHaveNumbers) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    EXPECT_EQ(send(rewriter, 12), 1002);
    rewriter.switch_source(at_ms(1), {.source = kOther, .seq = pub(500)});
    EXPECT_EQ(send(rewriter, 500, kOther), 1003);
    EXPECT_EQ(send(rewriter, 11), 1001);
    EXPECT_EQ(send(rewriter, 13), -1);
    EXPECT_EQ(send(rewriter, 499, kOther), -1);
    EXPECT_EQ(send(rewriter, 501, kOther), 1004);
}

TEST(SequenceRewriter, ResumesTheSameSourceAfterAPause) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    rewriter.switch_source(at_ms(5000), {.source = kSource, .seq = pub(900)});
    EXPECT_EQ(send(rewriter, 900), 1001);
    EXPECT_EQ(send(rewriter, 899), -1);
    EXPECT_EQ(send(rewriter, 11), -1);
}

TEST(SequenceRewriter, ShowsAnOutageAsOneMissingPacket) {
    SequenceRewriter rewriter = started_at(10);
    EXPECT_EQ(send(rewriter, 10), 1000);
    EXPECT_EQ(send(rewriter, 11 + 1000), 2001);  // a large gap is kept
    EXPECT_EQ(send(rewriter, 1012 + 1001), 2003);
    EXPECT_EQ(send(rewriter, 2014), 2004);
    EXPECT_EQ(send(rewriter, 2012), -1);
    EXPECT_FALSE(rewriter.find(2002));
}

TEST(SequenceRewriter, FindsThePublishersNumberForANack) {
    SequenceRewriter rewriter = started_at(10);
    send(rewriter, 10);
    rewriter.on_dropped(from(kSource, 11));
    send(rewriter, 12);
    send(rewriter, 15);
    rewriter.switch_source(at_ms(1), {.source = kOther, .seq = pub(65535)});
    send(rewriter, 65535, kOther);
    send(rewriter, 65536, kOther);
    EXPECT_EQ(rewriter.find(1000), from(kSource, 10));
    EXPECT_EQ(rewriter.find(1001), from(kSource, 12));
    EXPECT_EQ(rewriter.find(1002), from(kSource, 13));  // never came
    EXPECT_EQ(rewriter.find(1004), from(kSource, 15));
    EXPECT_EQ(rewriter.find(1005), from(kOther, 65535));
    EXPECT_EQ(rewriter.find(1006), from(kOther, 65536));
    EXPECT_FALSE(rewriter.find(1007));
    EXPECT_FALSE(rewriter.find(999));
    EXPECT_EQ(rewriter.extend(1006), rewriter.highest());
}

TEST(SequenceRewriter, FindsOverTheReceiversWrap) {
    SequenceRewriter rewriter({.seq = 0x7ffe, .timestamp = {}});
    rewriter.switch_source(at_ms(0), {.source = kSource, .seq = pub(0)});
    for (int i = 0; i < 40'000; ++i) {
        send(rewriter, i);
    }
    EXPECT_EQ(rewriter.find(65535), from(kSource, 65535 - 0x7ffe));
    EXPECT_EQ(rewriter.find(0), from(kSource, 65536 - 0x7ffe));
    EXPECT_EQ(roc_of(rewriter.extend(0)), 1U);
    EXPECT_EQ(roc_of(rewriter.extend(65535)), 0U);
}

TEST(SequenceRewriter, ForgetsTheOldestRuns) {
    SequenceRewriter rewriter = started_at(0);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(send(rewriter, 2 * i), 1000 + i);
        rewriter.on_dropped(from(kSource, 2 * i + 1));
    }
    EXPECT_EQ(rewriter.find(1000 + 999), from(kSource, 2 * 999));
    EXPECT_EQ(rewriter.find(1000 + 950), from(kSource, 2 * 950));
    EXPECT_FALSE(rewriter.find(1000 + 900));
    EXPECT_EQ(send(rewriter, 2 * 950), 1000 + 950);
    EXPECT_EQ(send(rewriter, 2 * 900), -1);
}

// Random loss, reordering, dropping and switching: numbers are never used for two packets, never
// change, and run on without a hole but for packets that were lost on the way in.
TEST(SequenceRewriter, NeverUsesANumberTwice) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        SequenceRewriter rewriter({.seq = 32760, .timestamp = {}});
        std::map<std::uint64_t, SourcePacket> used;
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> given;
        std::uint32_t source = 0;
        std::int64_t next = 0;
        for (int step = 0; step < 5000; ++step) {
            const std::uint32_t dice = random.next_u32() % 1000;
            if (step == 0 || dice == 0) {
                ++source;
                next = random.next_u32() % 200'000;
                rewriter.switch_source(at_ms(step), {.source = source, .seq = pub(next)});
            }
            std::int64_t number = 0;
            if (dice < 100) {
                number = next - 1 - static_cast<std::int64_t>(random.next_u32() % 20);
            } else {
                next += 1 + (dice < 130 ? random.next_u32() % 5 : 0);
                number = next - 1;
            }
            const SourcePacket packet = from(source, number);
            if (dice > 900) {
                rewriter.on_dropped(packet);
                continue;
            }
            const auto out = rewriter.rewrite(at_ms(step), packet, {});
            if (!out) {
                continue;
            }
            const auto [place, fresh] = used.try_emplace(value_of(out->seq), packet);
            ASSERT_EQ(place->second, packet);
            const auto [known, first_time] = given.try_emplace(
                std::pair(packet.source, value_of(packet.seq)), value_of(out->seq));
            ASSERT_EQ(known->second, value_of(out->seq));
            ASSERT_EQ(fresh, first_time);
            ASSERT_EQ(rewriter.find(seq16_of(out->seq)), packet);
        }
        EXPECT_EQ(used.begin()->first, 32760U);
        EXPECT_GT(used.size(), 3000U);
    }
}

}  // namespace
}  // namespace isthmus::media::rtp
