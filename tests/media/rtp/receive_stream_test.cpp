#include "media/rtp/receive_stream.h"

#include <gtest/gtest.h>

#include "media/rtp/rtp_clock.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::milliseconds;

RtpPacketView packet(std::uint16_t seq, std::uint32_t timestamp = 0) {
    static const Bytes kPayload(100);
    RtpPacketView view;
    view.seq = seq;
    view.timestamp = RtpTimestamp{timestamp};
    view.payload = kPayload;
    return view;
}

ArrivalOrder arrive(ReceiveStream& stream, int seq) {
    return stream.on_packet(at_ms(0), packet(static_cast<std::uint16_t>(seq))).order;
}

TEST(ReceiveStream, HasNothingToReportBeforeTheFirstPacket) {
    ReceiveStream stream(1, 48000);
    EXPECT_FALSE(stream.make_report_block(at_ms(0)));
    EXPECT_EQ(stream.lost(), 0);
}

TEST(ReceiveStream, TellsNewLateAndRepeatedPacketsApartAtEveryWrap) {
    for (const int at : {0, 127, 32767, 65535}) {
        ReceiveStream stream(1, 48000);
        EXPECT_EQ(arrive(stream, at), ArrivalOrder::kNewest);
        EXPECT_EQ(arrive(stream, at + 3), ArrivalOrder::kNewest);
        EXPECT_EQ(arrive(stream, at + 1), ArrivalOrder::kLate);
        EXPECT_EQ(arrive(stream, at + 1), ArrivalOrder::kDuplicate);
        EXPECT_EQ(arrive(stream, at + 3), ArrivalOrder::kDuplicate);
        EXPECT_EQ(arrive(stream, at), ArrivalOrder::kDuplicate);
        EXPECT_EQ(arrive(stream, at + 2), ArrivalOrder::kLate);
        EXPECT_EQ(arrive(stream, at + 1024), ArrivalOrder::kNewest);
        EXPECT_EQ(arrive(stream, at), ArrivalOrder::kTooOld);
        EXPECT_EQ(arrive(stream, at + 1), ArrivalOrder::kDuplicate);
        EXPECT_EQ(arrive(stream, at + 4), ArrivalOrder::kLate);
    }
}

TEST(ReceiveStream, ForgetsAfterAGapAsLongAsItsMemory) {
    ReceiveStream stream(1, 48000);
    for (int i = 0; i < 1024; ++i) {
        arrive(stream, i);
    }
    EXPECT_EQ(arrive(stream, 2047), ArrivalOrder::kNewest);
    for (int i = 1024; i < 2047; ++i) {
        EXPECT_EQ(arrive(stream, i), ArrivalOrder::kLate) << i;
    }
    EXPECT_EQ(stream.lost(), 0);
}

// RFC 3550 appendix A.3: loss since the last report, of 256.
TEST(ReceiveStream, ReportsTheFractionLostInEachInterval) {
    ReceiveStream stream(0xabcd, 90000);
    for (const int seq : {1, 2, 4, 5, 6, 8}) {
        arrive(stream, seq);
    }
    auto block = stream.make_report_block(at_ms(0));
    ASSERT_TRUE(block);
    EXPECT_EQ(block->ssrc, 0xabcdU);
    EXPECT_EQ(block->cumulative_lost, 2);
    EXPECT_EQ(block->fraction_lost, 2 * 256 / 8);
    EXPECT_EQ(block->highest_seq, 8U);

    arrive(stream, 9);
    block = stream.make_report_block(at_ms(0));
    EXPECT_EQ(block->fraction_lost, 0);
    EXPECT_EQ(block->cumulative_lost, 2);

    block = stream.make_report_block(at_ms(0));
    EXPECT_EQ(block->fraction_lost, 0);

    arrive(stream, 12);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->fraction_lost, 2 * 256 / 3);
    EXPECT_EQ(stream.lost(), 4);
}

TEST(ReceiveStream, CountsLatePacketsAsReceivedAfterAll) {
    ReceiveStream stream(1, 90000);
    arrive(stream, 1);
    arrive(stream, 3);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->cumulative_lost, 1);
    arrive(stream, 2);
    const auto block = stream.make_report_block(at_ms(0));
    EXPECT_EQ(block->cumulative_lost, 0);
    EXPECT_EQ(block->fraction_lost, 0);
    EXPECT_EQ(stream.counters().late, 1U);
}

TEST(ReceiveStream, LetsDuplicatesMakeTheLossNegative) {
    ReceiveStream stream(1, 90000);
    arrive(stream, 1);
    arrive(stream, 1);
    arrive(stream, 1);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->cumulative_lost, -2);
    EXPECT_EQ(stream.lost(), 0);
    EXPECT_EQ(stream.counters().packets, 1U);
    EXPECT_EQ(stream.counters().bytes, 100U);
    EXPECT_EQ(stream.counters().duplicates, 2U);
}

TEST(ReceiveStream, CountsWrapsInTheHighestSequenceNumber) {
    ReceiveStream stream(1, 90000);
    arrive(stream, 65535);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->highest_seq, 65535U);
    arrive(stream, 0);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->highest_seq, 0x1'0000U);
}

TEST(ReceiveStream, KeepsRetransmissionsOutOfTheLoss) {
    ReceiveStream stream(1, 90000);
    arrive(stream, 1);
    arrive(stream, 3);
    EXPECT_EQ(stream.on_repaired(2).order, ArrivalOrder::kLate);
    EXPECT_EQ(stream.on_repaired(2).order, ArrivalOrder::kDuplicate);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->cumulative_lost, 1);
    EXPECT_EQ(stream.counters().repaired, 1U);
    // The original was only late: received after all, but nothing new.
    EXPECT_EQ(arrive(stream, 2), ArrivalOrder::kDuplicate);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->cumulative_lost, 0);
}

TEST(ReceiveStream, DoesNotCallARestartLoss) {
    ReceiveStream stream(1, 90000);
    for (int i = 0; i < 10; ++i) {
        arrive(stream, i);
    }
    arrive(stream, 20000);
    EXPECT_EQ(stream.counters().jumps, 1U);
    EXPECT_EQ(stream.lost(), 0);
    arrive(stream, 20002);
    EXPECT_EQ(stream.lost(), 1);
    const auto block = stream.make_report_block(at_ms(0));
    EXPECT_EQ(block->cumulative_lost, 1);
    EXPECT_EQ(block->highest_seq, 20002U);
}

TEST(ReceiveStream, MeasuresNoJitterOnASteadyStream) {
    ReceiveStream stream(1, 48000);
    for (int i = 0; i < 1000; ++i) {
        stream.on_packet(at_ms(20L * i),
                         packet(static_cast<std::uint16_t>(i),
                                0xffff'0000U + 960U * static_cast<std::uint32_t>(i)));
    }
    EXPECT_EQ(stream.jitter_seconds(), 0);
}

TEST(ReceiveStream, ApproachesTheMeanDeviation) {
    // Every other packet is 10 ms late: each difference is 10 ms, so is J in the end.
    ReceiveStream stream(1, 48000);
    for (int i = 0; i < 1000; ++i) {
        stream.on_packet(
            at_ms(20L * i + (i % 2) * 10),
            packet(static_cast<std::uint16_t>(i), 960U * static_cast<std::uint32_t>(i)));
    }
    EXPECT_NEAR(stream.jitter_seconds(), 0.010, 0.0005);
    EXPECT_NEAR(stream.make_report_block(at_ms(0))->jitter, 480, 24);
}

TEST(ReceiveStream, IgnoresLeapsOfTheTimestamp) {
    ReceiveStream stream(1, 48000);
    stream.on_packet(at_ms(0), packet(0, 0));
    stream.on_packet(at_ms(20), packet(1, 0x7000'0000));
    EXPECT_EQ(stream.jitter_seconds(), 0);
}

TEST(ReceiveStream, AnswersSenderReports) {
    ReceiveStream stream(1, 48000);
    arrive(stream, 1);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->last_sr, 0U);
    EXPECT_EQ(stream.make_report_block(at_ms(0))->delay_since_last_sr, 0U);
    stream.on_sender_report(at_ms(1000), {.ntp = {0x1111'2222'3333'4444ULL}});
    const auto block = stream.make_report_block(at_ms(2500));
    EXPECT_EQ(block->last_sr, 0x2222'3333U);
    EXPECT_EQ(block->delay_since_last_sr, 0x0001'8000U);
}

TEST(ReceiveStream, MeasuresItsRate) {
    ReceiveStream stream(1, 48000);
    for (int i = 0; i < 300; ++i) {
        stream.on_packet(at_ms(10L * i), packet(static_cast<std::uint16_t>(i)));
    }
    EXPECT_NEAR(stream.bits_per_second(at_ms(3000)), 80'000, 3'000);
    EXPECT_EQ(stream.bits_per_second(at_ms(5000)), 0);
    EXPECT_EQ(stream.last_packet_at(), at_ms(2990));
}

TEST(BitrateMeter, WaitsForHalfASecondOfData) {
    BitrateMeter meter;
    EXPECT_EQ(meter.bits_per_second(at_ms(0)), 0);
    meter.on_bytes(at_ms(0), 1000);
    EXPECT_EQ(meter.bits_per_second(at_ms(100)), 0);
    EXPECT_GT(meter.bits_per_second(at_ms(600)), 0);
    EXPECT_EQ(meter.bits_per_second(at_ms(100'000'000)), 0);
}

}  // namespace
}  // namespace isthmus::media::rtp
