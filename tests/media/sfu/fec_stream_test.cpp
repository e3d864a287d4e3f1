#include "media/sfu/fec_stream.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"

namespace isthmus::media::sfu {
namespace {

using std::chrono::milliseconds;

// A sender of media packets beside which a FecStream runs.
class Sender {
  public:
    Sender() : fec({.ssrc = 2, .media_ssrc = 1, .payload_type = 49}, random_) {}

    void send(int packets, std::size_t bytes, Duration apart = milliseconds(4)) {
        for (int i = 0; i < packets; ++i) {
            std::vector<std::byte> packet(bytes);
            packet[0] = std::byte{0x80};
            store_be16(&packet[2], static_cast<std::uint16_t>(seq));
            media_bytes += bytes;
            if (fec.on_sent(
                    now, rtp::ExtendedSeq{seq}, {.header = packet, .prefix = {}, .payload = {}})) {
                std::vector<std::byte> repair(fec.repair_bytes());
                repair_bytes += repair.size();
                fec.take_repair(repair);
            }
            ++seq;
            now += apart;
        }
    }

    void report(double loss, int times = 10) {
        for (int i = 0; i < times; ++i) {
            fec.on_report(loss);
        }
    }

  private:
    SeededRandom random_{7};

  public:
    FecStream fec;
    std::uint64_t seq = 65530;
    Instant now = Instant{} + std::chrono::hours(1);
    std::size_t media_bytes = 0;
    std::size_t repair_bytes = 0;
};

TEST(FecStream, SendsNothingWithoutLoss) {
    Sender sender;
    sender.send(1000, 1200);
    EXPECT_EQ(sender.fec.counters().packets, 0U);
    EXPECT_FALSE(sender.fec.level().has_value());
}

TEST(FecStream, TheMoreIsLostTheMoreItSends) {
    std::uint64_t before = 0;
    for (const auto& [loss, packets] :
         std::vector<std::pair<double, std::uint64_t>>{{0.03, 100}, {0.07, 200}, {0.15, 333}}) {
        Sender sender;
        sender.report(loss);
        sender.send(1000, 1200);
        EXPECT_NEAR(
            static_cast<double>(sender.fec.counters().packets), static_cast<double>(packets), 3)
            << loss;
        EXPECT_GT(sender.fec.counters().packets, before);
        before = sender.fec.counters().packets;
        const double share =
            static_cast<double>(sender.repair_bytes) / static_cast<double>(sender.media_bytes);
        EXPECT_LE(share, 0.4);
    }
}

TEST(FecStream, TheShareIsBoundedWhereLengthsDiffer) {
    Sender sender;
    sender.report(0.03);
    // One packet in ten is large: a repair packet is as large as that one.
    for (int i = 0; i < 200; ++i) {
        sender.send(9, 60);
        sender.send(1, 1200);
    }
    EXPECT_LE(static_cast<double>(sender.repair_bytes),
              0.12 * static_cast<double>(sender.media_bytes) + 3 * 1400);
    EXPECT_GT(sender.fec.counters().skipped, 100U);
}

TEST(FecStream, EndsWhenTheLossIsOver) {
    Sender sender;
    sender.report(0.15);
    sender.send(100, 1000);
    sender.report(0, 60);
    const auto before = sender.fec.counters().packets;
    sender.send(100, 1000);
    EXPECT_EQ(sender.fec.counters().packets, before);
    // And begins again with nothing left over.
    sender.report(0.03);
    sender.send(9, 1000);
    EXPECT_EQ(sender.fec.counters().packets, before);
    sender.send(1, 1000);
    EXPECT_EQ(sender.fec.counters().packets, before + 1);
}

TEST(FecStream, GroupsThatFillTooSlowlyAreGivenUp) {
    Sender sender;
    sender.report(0.03);
    sender.send(100, 1000, milliseconds(100));
    EXPECT_EQ(sender.fec.counters().packets, 0U);
    EXPECT_GT(sender.fec.counters().skipped, 10U);
}

TEST(FecStream, LatePacketsAndGapsAreHarmless) {
    Sender sender;
    sender.report(0.03);
    for (int i = 0; i < 50; ++i) {
        sender.send(3, 1000);
        sender.seq += 200;  // further than a mask reaches
    }
    EXPECT_EQ(sender.fec.counters().packets, 0U);
    sender.send(8, 1000);
    sender.seq -= 5;
    sender.send(5, 1000);
    EXPECT_EQ(sender.fec.counters().packets, 0U) << "eight packets, five of them twice";
    sender.send(2, 1000);
    EXPECT_EQ(sender.fec.counters().packets, 1U);
}

TEST(FecStream, PacketsThatFillADatagramAreNotProtected) {
    Sender sender;
    sender.report(0.03);
    sender.send(40, rtp::FlexfecGroup::kPacketBytesMax + 1);
    EXPECT_EQ(sender.fec.counters().packets, 0U);
    sender.send(10, 1000);
    EXPECT_EQ(sender.fec.counters().packets, 1U);
}

}  // namespace
}  // namespace isthmus::media::sfu
