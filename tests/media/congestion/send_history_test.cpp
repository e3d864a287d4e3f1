#include "media/congestion/send_history.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int32_t kLost = rtp::RtcpWriter::kNotReceived;

// A message as the sender gets it. Valid until the next one is made.
class Feedback {
  public:
    Feedback(std::uint16_t base, std::vector<std::int32_t> deltas, std::int32_t reference = 0) {
        rtp::RtcpWriter writer(buffer_);
        rtp::TransportFeedback head;
        head.base_seq = base;
        head.reference_64ms = reference;
        EXPECT_TRUE(writer.transport_feedback(head, deltas));
        auto reader = rtp::RtcpReader::parse(writer.bytes());
        message_ = std::get<rtp::TransportFeedback>(*reader->next());
    }

    [[nodiscard]] const rtp::TransportFeedback& message() const { return message_; }

  private:
    std::array<std::byte, 4096> buffer_{};
    rtp::TransportFeedback message_;
};

std::vector<PacketResult> results(SendHistory& history,
                                  Instant now,
                                  const rtp::TransportFeedback& feedback) {
    std::vector<PacketResult> all;
    history.on_feedback(now, feedback, [&](const PacketResult& result) { all.push_back(result); });
    return all;
}

TEST(SendHistory, TellsWhatBecameOfEachPacketAroundTheWraps) {
    for (const int first : {0, 127, 32766, 65533}) {
        SendHistory history;
        for (int i = 0; i < 5; ++i) {
            history.on_packet_sent(at_ms(100 + i),
                                   {.seq = static_cast<std::uint16_t>(first + i),
                                    .bytes = static_cast<std::uint16_t>(1000 + i),
                                    .probe = static_cast<ProbeClusterId>(i),
                                    .is_padding = i == 3});
        }
        EXPECT_EQ(history.in_flight().bytes(), 5010);
        const Feedback feedback(static_cast<std::uint16_t>(first), {10, kLost, 4, 2}, 7);
        const auto all = results(history, at_ms(200), feedback.message());
        ASSERT_EQ(all.size(), 4U) << first;
        const Duration reference = milliseconds(7 * 64);
        EXPECT_TRUE(all[0].received);
        EXPECT_EQ(all[0].sent_at, at_ms(100));
        EXPECT_EQ(all[0].arrived_at, reference + microseconds(2500));
        EXPECT_FALSE(all[1].received);
        EXPECT_EQ(all[1].bytes, 1001);
        EXPECT_EQ(all[2].arrived_at, reference + microseconds(3500));
        EXPECT_EQ(all[2].probe, 2);
        EXPECT_FALSE(all[2].is_padding);
        EXPECT_TRUE(all[3].is_padding);
        EXPECT_EQ(rtp::distance(all[0].seq, all[3].seq), 3);
        EXPECT_EQ(history.in_flight().bytes(), 1004);
        EXPECT_EQ(history.counters().received, 3U);
        EXPECT_EQ(history.counters().lost, 1U);
    }
}

TEST(SendHistory, TellsOfAPacketOnceAndOfALostOneAgainWhereItArrives) {
    SendHistory history;
    history.on_packet_sent(at_ms(0), {.seq = 1, .bytes = 100});
    history.on_packet_sent(at_ms(1), {.seq = 2, .bytes = 100});
    const Feedback lost(1, {kLost, 4});
    EXPECT_EQ(results(history, at_ms(50), lost.message()).size(), 2U);
    EXPECT_TRUE(results(history, at_ms(50), lost.message()).empty());
    EXPECT_EQ(history.counters().repeated, 2U);

    const Feedback found(1, {8, 4});
    const auto all = results(history, at_ms(60), found.message());
    ASSERT_EQ(all.size(), 1U);
    EXPECT_TRUE(all[0].received);
    EXPECT_TRUE(all[0].was_lost);
    EXPECT_EQ(history.counters().repeated, 3U);
}

TEST(SendHistory, DoesNotBelieveInPacketsThatWereNeverSent) {
    SendHistory history;
    const Feedback before(65'000, {4, 4});
    EXPECT_TRUE(results(history, at_ms(0), before.message()).empty());
    EXPECT_EQ(history.counters().unknown, 2U);

    history.on_packet_sent(at_ms(0), {.seq = 10, .bytes = 100});
    // One before the first, the first, and two that come later.
    const Feedback feedback(9, {4, 4, 4, 4});
    EXPECT_EQ(results(history, at_ms(50), feedback.message()).size(), 1U);
    EXPECT_EQ(history.counters().unknown, 5U);
    // A number that was left out is not known either.
    history.on_packet_sent(at_ms(1), {.seq = 13, .bytes = 100});
    const Feedback gap(11, {4, 4, 4});
    const auto all = results(history, at_ms(60), gap.message());
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].sent_at, at_ms(1));
    EXPECT_EQ(history.in_flight().bytes(), 0);
}

TEST(SendHistory, ForgetsTheOldestAndKeepsCountOfWhatIsInFlight) {
    SendHistory history(16);
    for (int i = 0; i < 20; ++i) {
        history.on_packet_sent(at_ms(i), {.seq = static_cast<std::uint16_t>(i), .bytes = 100});
    }
    EXPECT_EQ(history.in_flight().bytes(), 1600);
    const Feedback forgotten(3, {4, 4});
    const auto all = results(history, at_ms(50), forgotten.message());
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].sent_at, at_ms(4));
    EXPECT_EQ(history.in_flight().bytes(), 1500);
    // A jump of the sender's own numbers empties the ring.
    history.on_packet_sent(at_ms(60), {.seq = 500, .bytes = 70});
    EXPECT_EQ(history.in_flight().bytes(), 70);
    const Feedback jumped(19, {4});
    EXPECT_TRUE(results(history, at_ms(70), jumped.message()).empty());
}

TEST(SendHistory, BoundsWhatTheReceiverMayTell) {
    SendHistory history(16);
    history.on_packet_sent(at_ms(0), {.seq = 0, .bytes = 100});
    // 16 at the beginning and four for the packet.
    const Feedback flood(0, std::vector<std::int32_t>(21, 1));
    EXPECT_TRUE(results(history, at_ms(50), flood.message()).empty());
    EXPECT_EQ(history.counters().refused, 1U);
    EXPECT_EQ(history.counters().received, 0U);
    const Feedback fits(0, std::vector<std::int32_t>(20, 1));
    EXPECT_EQ(results(history, at_ms(50), fits.message()).size(), 1U);
    const Feedback more(0, {1});
    EXPECT_TRUE(results(history, at_ms(50), more.message()).empty());
    EXPECT_EQ(history.counters().refused, 2U);
}

TEST(SendHistory, FollowsTheReferenceTimeOverItsWrap) {
    SendHistory history;
    std::vector<PacketResult> all;
    const std::int32_t last = 0x7f'ffff;  // 24 bits, signed: the next is the smallest
    for (const std::int32_t reference : {last, -0x80'0000, -0x7f'ffff, -1, 0}) {
        const auto seq = static_cast<std::uint16_t>(all.size());
        history.on_packet_sent(at_ms(0), {.seq = seq, .bytes = 100});
        const Feedback feedback(seq, {0}, reference);
        for (const PacketResult& result : results(history, at_ms(50), feedback.message())) {
            all.push_back(result);
        }
    }
    ASSERT_EQ(all.size(), 5U);
    EXPECT_EQ(*all[1].arrived_at - *all[0].arrived_at, milliseconds(64));
    EXPECT_EQ(*all[2].arrived_at - *all[1].arrived_at, milliseconds(64));
    EXPECT_EQ(*all[4].arrived_at - *all[3].arrived_at, milliseconds(64));
}

TEST(SendHistory, RemembersSendTimesOverTheWrapOfItsClock) {
    SendHistory history;
    // 2^32 us after the clock's origin.
    const Instant wrap = Instant{} + microseconds(std::int64_t{1} << 32U);
    history.on_packet_sent(wrap - milliseconds(5), {.seq = 1, .bytes = 100});
    const Feedback feedback(1, {4});
    const auto all = results(history, wrap + milliseconds(5), feedback.message());
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].sent_at, wrap - milliseconds(5));
}

// Anything in any order: each packet is told of as received at most once, as lost at most once
// before that, and nothing is in flight in the end.
TEST(SendHistory, AgreesWithItselfOnRandomFeedback) {
    SeededRandom random(17);
    for (int round = 0; round < 200; ++round) {
        SendHistory history(64);
        std::vector<int> told(2000, 0);
        auto seq = static_cast<std::uint16_t>(random.next_u32());
        const std::uint16_t first = seq;
        for (int step = 0; step < 50; ++step) {
            for (unsigned i = random.next_u32() % 20; i > 0; --i) {
                history.on_packet_sent(at_ms(step), {.seq = seq, .bytes = 100});
                seq = static_cast<std::uint16_t>(seq + 1);
            }
            std::vector<std::int32_t> deltas(1 + random.next_u32() % 30);
            for (std::int32_t& delta : deltas) {
                delta = random.next_u32() % 4 == 0
                            ? kLost
                            : static_cast<std::int32_t>(random.next_u32() % 9);
            }
            const auto base = static_cast<std::uint16_t>(seq - random.next_u32() % 40);
            const Feedback feedback(base, deltas, static_cast<std::int32_t>(step));
            for (const PacketResult& result : results(history, at_ms(step), feedback.message())) {
                int& state = told[static_cast<std::uint16_t>(rtp::seq16_of(result.seq) - first)];
                ASSERT_LT(state, result.received ? 2 : 1);
                ASSERT_EQ(result.was_lost, state == 1);
                state = result.received ? 2 : 1;
            }
            ASSERT_GE(history.in_flight().bytes(), 0);
            ASSERT_LE(history.in_flight().bytes(), 6400);
        }
        history.on_packet_sent(at_ms(60), {.seq = seq, .bytes = 100});
        const Feedback all(seq, {0}, 50);
        (void)results(history, at_ms(60), all.message());
        ASSERT_EQ(history.in_flight().bytes(), 0);
    }
}

}  // namespace
}  // namespace isthmus::media::congestion
