#include "media/rtp/ccfb_feedback.h"

#include <array>
#include <chrono>
#include <map>
#include <span>
#include <utility>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_reader.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::milliseconds;

struct Told {
    // By SSRC and number: when it came, in ms; -1 where it did not.
    std::map<std::pair<std::uint32_t, std::uint16_t>, double> arrivals_ms;
    std::map<std::pair<std::uint32_t, std::uint16_t>, int> ecn;
    int messages = 0;
    int statuses = 0;
};

// Drains what is due, as the sender reads it.
void drain(CcfbFeedback& feedback, Instant now, Told& told, std::size_t bytes = 1200) {
    feedback.handle_timeout(now);
    std::array<std::byte, 1200> buffer{};
    for (;;) {
        RtcpWriter writer(std::span<std::byte>(buffer).first(bytes));
        if (!feedback.write_feedback(now, writer, 9)) {
            return;
        }
        auto reader = RtcpReader::parse(writer.bytes());
        ASSERT_TRUE(reader);
        const auto message = reader->next();
        ASSERT_TRUE(message);
        const auto& parsed = std::get<CongestionFeedback>(*message);
        EXPECT_EQ(parsed.sender_ssrc, 9U);
        ++told.messages;
        EXPECT_TRUE(parsed.for_each_block([&](const CongestionBlock& block) {
            std::uint16_t seq = block.begin_seq;
            for (const PacketMetric metric : block.packets) {
                const std::pair packet{block.ssrc, seq++};
                ++told.statuses;
                told.arrivals_ms[packet] =
                    metric.received
                        ? (parsed.report_time / 65'536.0 - metric.offset / 1024.0) * 1000
                        : -1;
                told.ecn[packet] = metric.ecn;
            }
        }));
    }
}

TEST(CcfbFeedback, IsSilentWithoutPackets) {
    CcfbFeedback feedback;
    EXPECT_EQ(feedback.next_timeout(), kNever);
    feedback.handle_timeout(at_ms(1000));
    EXPECT_FALSE(feedback.pending());
}

TEST(CcfbFeedback, TellsArrivalsAndLossesOfEachStream) {
    for (const int first : {0, 127, 32'767, 65'533}) {
        CcfbFeedback feedback;
        const auto seq = [first](int i) { return static_cast<std::uint16_t>(first + i); };
        feedback.on_packet(at_ms(1000), 1, seq(0), 3);
        feedback.on_packet(at_ms(1010), 2, seq(5));
        feedback.on_packet(at_ms(1020), 1, seq(3));
        feedback.on_packet(at_ms(1030), 1, seq(2));
        feedback.on_packet(at_ms(1040), 1, seq(2));  // the second time does not count
        EXPECT_EQ(feedback.next_timeout(), at_ms(1100));
        Told told;
        drain(feedback, at_ms(1100), told);
        EXPECT_EQ(told.messages, 1);
        ASSERT_EQ(told.arrivals_ms.size(), 5U);
        EXPECT_NEAR((told.arrivals_ms[{1, seq(0)}]), 1000, 1);
        EXPECT_EQ((told.arrivals_ms[{1, seq(1)}]), -1);
        EXPECT_NEAR((told.arrivals_ms[{1, seq(2)}]), 1030, 1);
        EXPECT_NEAR((told.arrivals_ms[{1, seq(3)}]), 1020, 1);
        EXPECT_NEAR((told.arrivals_ms[{2, seq(5)}]), 1010, 1);
        EXPECT_EQ((told.ecn[{1, seq(0)}]), 3);
        EXPECT_EQ((told.ecn[{1, seq(3)}]), 0);
        EXPECT_EQ(feedback.next_timeout(), kNever);
    }
}

TEST(CcfbFeedback, TellsOfALatePacketAndRepeatsAFew) {
    CcfbFeedback feedback;
    for (int i = 0; i < 20; ++i) {
        if (i != 15) {
            feedback.on_packet(at_ms(1000 + i), 1, static_cast<std::uint16_t>(65'530 + i));
        }
    }
    Told told;
    drain(feedback, at_ms(1100), told);
    EXPECT_EQ((told.arrivals_ms[{1, 9}]), -1);
    feedback.on_packet(at_ms(1110), 1, 9);
    Told again;
    drain(feedback, at_ms(1300), again);
    EXPECT_NEAR((again.arrivals_ms[{1, 9}]), 1110, 1);
    EXPECT_EQ(again.statuses, 8 + 5) << "eight before, and all since";
    EXPECT_NEAR((again.arrivals_ms[{1, 8}]), 1014, 1) << "on the same clock";
}

TEST(CcfbFeedback, TellsOfManyPacketsInSeveralMessages) {
    CcfbFeedback feedback;
    for (int i = 0; i < 1000; ++i) {
        feedback.on_packet(at_ms(1000 + i / 10), 1 + i % 3, static_cast<std::uint16_t>(i / 3));
    }
    Told told;
    drain(feedback, at_ms(1100), told);
    EXPECT_EQ(told.arrivals_ms.size(), 1000U);
    EXPECT_GE(told.messages, 3);
    EXPECT_EQ(feedback.forgotten(), 0U);
}

TEST(CcfbFeedback, StaysDueWhereItDoesNotFit) {
    CcfbFeedback feedback;
    for (int i = 0; i < 20; ++i) {
        feedback.on_packet(at_ms(1000), 1, static_cast<std::uint16_t>(i));
    }
    Told told;
    drain(feedback, at_ms(1100), told, 40);
    EXPECT_EQ(told.messages, 0);
    EXPECT_TRUE(feedback.pending());
    drain(feedback, at_ms(1110), told);
    EXPECT_EQ(told.arrivals_ms.size(), 20U);
}

TEST(CcfbFeedback, IsBoundedWhateverTheSenderInvents) {
    CcfbFeedback feedback;
    for (std::uint32_t ssrc = 0; ssrc < 1000; ++ssrc) {
        feedback.on_packet(at_ms(1000), ssrc, 1);
    }
    EXPECT_EQ(feedback.forgotten(), 1000U - 64);
    // Jumps of thousands: only the window is told of.
    for (int i = 0; i < 50; ++i) {
        feedback.on_packet(at_ms(1000), 0, static_cast<std::uint16_t>(i * 7919));
    }
    Told told;
    drain(feedback, at_ms(1100), told);
    EXPECT_LT(told.statuses, 1000);
}

}  // namespace
}  // namespace isthmus::media::rtp
