// The controller as its driver sees it; how well it does is for the scenarios.
#include "media/congestion/send_side_controller.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
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
using std::chrono::milliseconds;

// A sender, and a receiver that tells of its packets each 128 ms: two steps of feedback's time.
struct Driver {
    SendSideController controller{CongestionConfig{}};
    Instant now = at_ms(12'800);
    std::uint16_t seq = 65'000;
    std::array<std::byte, 1200> buffer{};

    rtp::TransportFeedback feedback(std::uint16_t base, const std::vector<std::int32_t>& deltas) {
        rtp::RtcpWriter writer(buffer);
        rtp::TransportFeedback head;
        head.base_seq = base;
        head.reference_64ms = static_cast<std::int32_t>(now.time_since_epoch() / milliseconds(64));
        EXPECT_TRUE(writer.transport_feedback(head, deltas));
        auto reader = rtp::RtcpReader::parse(writer.bytes());
        return std::get<rtp::TransportFeedback>(*reader->next());
    }

    // Each of 128 ms with 16 packets of so many bytes.
    void run(int rounds, std::uint16_t bytes) {
        for (int i = 0; i < rounds; ++i) {
            const std::uint16_t base = seq;
            for (int k = 0; k < 16; ++k) {
                controller.on_packet_sent(now, {.seq = seq++, .bytes = bytes});
                now += milliseconds(8);
            }
            controller.on_transport_feedback(now,
                                             feedback(base, std::vector<std::int32_t>(16, 32)));
            if (now >= controller.next_timeout()) {
                controller.handle_timeout(now);
            }
        }
    }
};

TEST(SendSideController, BeginsAtItsFirstEstimateAndProbesAtOnce) {
    SendSideController controller({});
    EXPECT_EQ(controller.target(), DataRate::kbps(600));
    EXPECT_EQ(controller.pacing_rate(), DataRate::kbps(900));
    EXPECT_FALSE(controller.poll_probe(at_ms(0)));
    EXPECT_EQ(controller.next_timeout(), kNever);
    controller.on_packet_sent(at_ms(0), {.seq = 1, .bytes = 1200});
    const auto probe = controller.poll_probe(at_ms(0));
    ASSERT_TRUE(probe);
    EXPECT_EQ(probe->rate, DataRate::kbps(1800));
    EXPECT_EQ(controller.in_flight(), DataSize::bytes(1200));
}

TEST(SendSideController, ProbesNothingWhereItCannotPad) {
    SendSideController controller({});
    controller.set_can_pad(false);
    controller.on_packet_sent(at_ms(0), {.seq = 1, .bytes = 1200});
    EXPECT_FALSE(controller.poll_probe(at_ms(0)));
}

TEST(SendSideController, MeasuresRoundTripThroughputAndWhatIsInFlight) {
    Driver driver;
    driver.run(30, 1000);
    const CongestionStats stats = driver.controller.stats();
    ASSERT_TRUE(stats.throughput);
    EXPECT_NEAR(*stats.throughput / DataRate::kbps(1000), 1, 0.05);
    ASSERT_TRUE(stats.round_trip);
    EXPECT_EQ(*stats.round_trip, milliseconds(8));
    EXPECT_EQ(stats.in_flight, DataSize());
    EXPECT_EQ(stats.history.received, 480U);
    EXPECT_EQ(stats.loss, 0);
    EXPECT_GE(stats.target, DataRate::kbps(600));
}

TEST(SendSideController, KeepsToWhatTheReceiverAllows) {
    Driver driver;
    driver.run(10, 1000);
    driver.controller.on_remb(driver.now, DataRate::kbps(300));
    EXPECT_EQ(driver.controller.target(), DataRate::kbps(300));
    driver.controller.on_remb(driver.now, DataRate::bps(1));
    EXPECT_EQ(driver.controller.target(), DataRate::kbps(50)) << "the configured minimum";
    driver.controller.on_remb(driver.now, DataRate::kbps(1'000'000));
    EXPECT_GE(driver.controller.target(), DataRate::kbps(600));
}

TEST(SendSideController, CutsWhereTheReceiverFallsSilent) {
    Driver driver;
    driver.run(20, 1000);
    const DataRate before = driver.controller.target();
    driver.controller.on_packet_sent(driver.now, {.seq = driver.seq++, .bytes = 1000});
    const Instant silent = driver.now + milliseconds(2600);
    while (driver.controller.next_timeout() < silent) {
        driver.now = std::max(driver.now, driver.controller.next_timeout());
        driver.controller.handle_timeout(driver.now);
        (void)driver.controller.poll_probe(driver.now);  // nobody sends it
    }
    EXPECT_LE(driver.controller.target(), before * 0.5);
    EXPECT_GE(driver.controller.stats().silences, 1U);
}

// Feedback on packets that were never sent is no sign of life and changes nothing.
TEST(SendSideController, IsNotMovedByFeedbackOnNothing) {
    Driver driver;
    driver.run(20, 1000);
    const CongestionStats before = driver.controller.stats();
    const std::vector<std::int32_t> deltas(300, 1);
    for (int i = 0; i < 1000; ++i) {
        driver.controller.on_transport_feedback(
            driver.now, driver.feedback(static_cast<std::uint16_t>(driver.seq + 100), deltas));
    }
    const CongestionStats after = driver.controller.stats();
    EXPECT_EQ(after.target, before.target);
    EXPECT_EQ(after.history.received, before.history.received);
    EXPECT_GT(after.history.refused, 900U) << "a flood is not even looked at";
    EXPECT_LT(after.history.unknown, 5000U);
}

// Whatever order and times the receiver makes up, the target keeps its bounds.
TEST(SendSideController, KeepsItsBoundsUnderLies) {
    SeededRandom random(4);
    Driver driver;
    for (int round = 0; round < 3000; ++round) {
        const std::uint16_t base = driver.seq;
        for (int i = 0; i < 10; ++i) {
            driver.controller.on_packet_sent(driver.now, {.seq = driver.seq++, .bytes = 1200});
        }
        std::vector<std::int32_t> deltas(10);
        for (std::int32_t& delta : deltas) {
            // Backwards, far ahead, lost.
            delta = random.next_u32() % 3 == 0
                        ? rtp::RtcpWriter::kNotReceived
                        : static_cast<std::int32_t>(random.next_u32() % 0xffff) - 0x8000;
        }
        driver.now += milliseconds(random.next_u32() % 300);
        driver.controller.on_transport_feedback(driver.now, driver.feedback(base, deltas));
        driver.controller.handle_timeout(driver.now);
        ASSERT_GE(driver.controller.target(), DataRate::kbps(50));
        ASSERT_LE(driver.controller.target(), DataRate::kbps(30'000));
        while (driver.controller.poll_probe(driver.now)) {
            driver.now += milliseconds(100);  // nobody sends it
        }
        driver.controller.handle_timeout(driver.now);
        ASSERT_GE(driver.controller.next_timeout(), driver.now);
    }
}

TEST(SendSideController, TakesLittleMemory) {
    // With the history's ring of 1024 packets, which comes with the first packet.
    EXPECT_LE(sizeof(SendSideController) + SendHistory::kPacketsDefault * 8, 12U * 1024);
}

}  // namespace
}  // namespace isthmus::media::congestion
