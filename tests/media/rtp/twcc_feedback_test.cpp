#include "media/rtp/twcc_feedback.h"

#include <map>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "media/rtp/rtcp_reader.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kLost = -1;

struct Told {
    std::vector<std::uint16_t> bases;
    std::vector<int> feedback_counts;
    std::map<std::uint16_t, std::int64_t> arrivals_us;  // kLost where not received
    int messages = 0;
};

// Drains what is due, as the sender reads it.
void drain(TwccFeedback& feedback, Told& told) {
    std::array<std::byte, 1200> buffer{};
    for (;;) {
        RtcpWriter writer(buffer);
        if (!feedback.write_feedback(writer, 1, 2)) {
            return;
        }
        auto reader = RtcpReader::parse(writer.bytes());
        ASSERT_TRUE(reader);
        const auto message = reader->next();
        ASSERT_TRUE(message);
        const auto& parsed = std::get<TransportFeedback>(*message);
        ++told.messages;
        told.bases.push_back(parsed.base_seq);
        told.feedback_counts.push_back(parsed.feedback_count);
        std::int64_t at_us = std::int64_t{parsed.reference_64ms} * 64'000;
        ASSERT_TRUE(parsed.for_each([&](std::uint16_t seq, std::optional<std::int32_t> delta) {
            at_us += delta.value_or(0) * 250;
            told.arrivals_us[seq] = delta ? at_us : kLost;
        }));
    }
}

TEST(TwccFeedback, IsSilentWithoutPackets) {
    TwccFeedback feedback;
    EXPECT_EQ(feedback.next_timeout(), kNever);
    feedback.handle_timeout(at_ms(1000));
    EXPECT_FALSE(feedback.pending());
}

TEST(TwccFeedback, TellsArrivalsAndLossesOncePerInterval) {
    for (const int first : {0, 127, 32767, 65533}) {
        const auto seq = [first](int i) { return static_cast<std::uint16_t>(first + i); };
        TwccFeedback feedback;
        feedback.on_packet(at_ms(1000), seq(0));
        feedback.on_packet(at_ms(1010), seq(1));
        feedback.on_packet(at_ms(1020), seq(4));
        feedback.on_packet(at_ms(1015), seq(3));
        EXPECT_EQ(feedback.next_timeout(), at_ms(1100));
        feedback.handle_timeout(at_ms(1099));
        EXPECT_FALSE(feedback.pending());
        feedback.handle_timeout(at_ms(1100));
        Told told;
        drain(feedback, told);
        EXPECT_EQ(told.messages, 1);
        EXPECT_EQ(told.bases[0], seq(0));
        EXPECT_EQ(told.arrivals_us[seq(0)], 1'000'000);
        EXPECT_EQ(told.arrivals_us[seq(1)], 1'010'000);
        EXPECT_EQ(told.arrivals_us[seq(2)], kLost);
        EXPECT_EQ(told.arrivals_us[seq(3)], 1'015'000);
        EXPECT_EQ(told.arrivals_us[seq(4)], 1'020'000);
        EXPECT_EQ(told.arrivals_us.size(), 5U);
        EXPECT_EQ(feedback.next_timeout(), kNever);
    }
}

TEST(TwccFeedback, BeginsWhereTheLastMessageEnded) {
    TwccFeedback feedback;
    feedback.on_packet(at_ms(0), 10);
    feedback.handle_timeout(at_ms(100));
    Told told;
    drain(feedback, told);
    feedback.on_packet(at_ms(110), 13);
    feedback.handle_timeout(at_ms(210));
    drain(feedback, told);
    EXPECT_EQ(told.bases, (std::vector<std::uint16_t>{10, 11}));
    EXPECT_EQ(told.feedback_counts, (std::vector<int>{0, 1}));
    EXPECT_EQ(told.arrivals_us[11], kLost);
    EXPECT_EQ(told.arrivals_us[12], kLost);
    EXPECT_EQ(told.arrivals_us[13], 110'000);
}

TEST(TwccFeedback, TellsOfALatePacketAfterAll) {
    TwccFeedback feedback;
    feedback.on_packet(at_ms(0), 10);
    feedback.on_packet(at_ms(1), 12);
    feedback.handle_timeout(at_ms(100));
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.arrivals_us[11], kLost);
    feedback.on_packet(at_ms(120), 11);
    EXPECT_EQ(feedback.next_timeout(), at_ms(220));
    feedback.handle_timeout(at_ms(220));
    drain(feedback, told);
    EXPECT_EQ(told.arrivals_us[11], 120'000);
    EXPECT_EQ(told.arrivals_us[12], 1'000);
}

TEST(TwccFeedback, IgnoresRepetitions) {
    TwccFeedback feedback;
    feedback.on_packet(at_ms(0), 10);
    feedback.handle_timeout(at_ms(100));
    Told told;
    drain(feedback, told);
    feedback.on_packet(at_ms(120), 10);
    EXPECT_EQ(feedback.next_timeout(), kNever);
    EXPECT_EQ(feedback.forgotten(), 0U);
}

TEST(TwccFeedback, SplitsManyPackets) {
    TwccFeedback feedback;
    for (int i = 0; i < 1000; ++i) {
        feedback.on_packet(Instant{} + microseconds(100 * i),
                           static_cast<std::uint16_t>(65000 + i));
    }
    feedback.handle_timeout(at_ms(1000));
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.messages, 3);
    EXPECT_EQ(told.arrivals_us.size(), 1000U);
    EXPECT_EQ(told.arrivals_us[static_cast<std::uint16_t>(65999)], 99'750);  // to 250 us
    EXPECT_EQ(feedback.forgotten(), 0U);
}

TEST(TwccFeedback, BeginsANewReferenceAfterALongPause) {
    TwccFeedback feedback;
    feedback.on_packet(at_ms(0), 1);
    feedback.on_packet(at_ms(10'000), 2);
    feedback.handle_timeout(at_ms(10'000));
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.messages, 2);
    EXPECT_EQ(told.arrivals_us[1], 0);
    EXPECT_EQ(told.arrivals_us[2], 10'000'000);
}

TEST(TwccFeedback, SaysHowManyItForgot) {
    TwccFeedback feedback;
    for (int i = 0; i < 1100; ++i) {
        feedback.on_packet(at_ms(0), static_cast<std::uint16_t>(i));
    }
    EXPECT_EQ(feedback.forgotten(), 1100U - 1024U);
    feedback.handle_timeout(at_ms(100));
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.arrivals_us.size(), 1024U);
    EXPECT_EQ(told.bases[0], 1100 - 1024);
}

TEST(TwccFeedback, BeginsAnewAfterAJump) {
    TwccFeedback feedback;
    feedback.on_packet(at_ms(0), 5);
    feedback.on_packet(at_ms(1), 5000);
    feedback.handle_timeout(at_ms(100));
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.arrivals_us.size(), 1U);
    EXPECT_EQ(told.arrivals_us[5000], 1'000);
    EXPECT_EQ(feedback.forgotten(), 1U);
}

TEST(TwccFeedback, TellsOfALongGap) {
    TwccFeedback feedback;
    feedback.on_packet(at_ms(0), 0);
    feedback.on_packet(at_ms(1), 900);
    feedback.handle_timeout(at_ms(100));
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.arrivals_us[0], 0);
    EXPECT_EQ(told.arrivals_us[399], kLost);
    EXPECT_EQ(told.arrivals_us[899], kLost);
    EXPECT_EQ(told.arrivals_us[900], 1'000);
    EXPECT_FALSE(feedback.pending());
}

TEST(TwccFeedback, KeepsWhatDoesNotFitForTheNextPacket) {
    TwccFeedback feedback;
    for (int i = 0; i < 50; ++i) {
        feedback.on_packet(at_ms(i), static_cast<std::uint16_t>(i));
    }
    feedback.handle_timeout(at_ms(100));
    std::array<std::byte, 32> small{};
    RtcpWriter writer(small);
    EXPECT_FALSE(feedback.write_feedback(writer, 1, 2));
    EXPECT_TRUE(writer.empty());
    EXPECT_TRUE(feedback.pending());
    Told told;
    drain(feedback, told);
    EXPECT_EQ(told.arrivals_us.size(), 50U);
    EXPECT_EQ(told.feedback_counts[0], 0);
}

TEST(TwccFeedback, LosesNothingUnderRandomTraffic) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        TwccFeedback feedback;
        Told told;
        std::map<std::uint16_t, std::int64_t> sent;
        std::uint16_t next = static_cast<std::uint16_t>(random.next_u32());
        std::int64_t now_us = 0;
        for (int i = 0; i < 20'000; ++i) {
            now_us += random.next_u32() % 2000;
            const Instant now = Instant{} + microseconds(now_us);
            if (now >= feedback.next_timeout()) {
                feedback.handle_timeout(now);
                drain(feedback, told);
            }
            ++next;
            if (random.next_u32() % 10 == 0) {
                continue;  // lost
            }
            feedback.on_packet(now, next);
            sent[next] = now_us / 250 * 250;
        }
        feedback.handle_timeout(at_ms(1'000'000));
        drain(feedback, told);
        for (const auto& [seq, at_us] : sent) {
            ASSERT_EQ(told.arrivals_us[seq], at_us) << seq;
        }
        EXPECT_EQ(feedback.forgotten(), 0U);
    }
}

}  // namespace
}  // namespace isthmus::media::rtp
