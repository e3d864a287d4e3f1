#include "media/congestion/stream_feedback.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::congestion {
namespace {

using std::chrono::milliseconds;

rtp::CongestionFeedback message_of(rtp::RtcpWriter& writer,
                                   std::uint32_t time,
                                   std::span<const rtp::RtcpWriter::StreamMetrics> streams) {
    EXPECT_TRUE(writer.congestion_feedback(1, time, streams));
    auto reader = rtp::RtcpReader::parse(writer.bytes());
    return std::get<rtp::CongestionFeedback>(*reader->next());
}

TEST(StreamIndex, FindsWhatWasInserted) {
    StreamIndex index(1024);
    EXPECT_FALSE(index.find(1, 2));
    EXPECT_EQ(index.memory_bytes(), 0U) << "nobody pays who does not use it";
    int found = 0;
    for (std::uint32_t i = 0; i < 400; ++i) {
        index.insert(
            7 + i % 3, static_cast<std::uint16_t>(65'500 + i), static_cast<std::uint16_t>(i));
    }
    for (std::uint32_t i = 0; i < 400; ++i) {
        const auto seq = index.find(7 + i % 3, static_cast<std::uint16_t>(65'500 + i));
        found += seq ? 1 : 0;
        EXPECT_EQ(seq.value_or(i), i);
    }
    EXPECT_GE(found, 398);
    EXPECT_FALSE(index.find(7, 30'000));
    EXPECT_FALSE(index.find(99, 65'500));
}

TEST(StreamFeedback, PutsStreamsIntoTheOrderThatTheyWereSentIn) {
    StreamIndex index(64);
    // Two streams in turns, over the wrap of the transport-wide number.
    for (std::uint16_t i = 0; i < 4; ++i) {
        index.insert(
            1, static_cast<std::uint16_t>(100 + i), static_cast<std::uint16_t>(65'533 + 2 * i));
        index.insert(
            2, static_cast<std::uint16_t>(200 + i), static_cast<std::uint16_t>(65'534 + 2 * i));
    }
    const std::array<rtp::PacketMetric, 4> metrics = {
        {{.received = true, .offset = 1024},
         {},
         {.received = true, .ecn = 3, .offset = 512},
         {.received = true, .offset = rtp::PacketMetric::kUnavailable}}};
    const std::array<rtp::RtcpWriter::StreamMetrics, 2> streams = {
        {{.ssrc = 2, .begin_seq = 200, .packets = metrics},
         {.ssrc = 1, .begin_seq = 100, .packets = std::span(metrics).first(1)}}};
    std::array<std::byte, 200> buffer{};
    rtp::RtcpWriter writer(buffer);
    StreamFeedback feedback;
    auto scratch = std::make_unique<StreamFeedback::Reports>();
    const auto reports =
        feedback.read(message_of(writer, 10 * 65'536, streams), index, 4, *scratch);
    ASSERT_EQ(reports.size(), 5U);
    EXPECT_EQ(reports[0].transport_seq, 65'533);
    EXPECT_EQ(reports[1].transport_seq, 65'534);
    EXPECT_EQ(reports[4].transport_seq, 4);
    EXPECT_EQ(reports[1].arrived_at, milliseconds(9000));
    EXPECT_FALSE(reports[2].received);
    EXPECT_EQ(reports[3].arrived_at, milliseconds(9500));
    EXPECT_TRUE(reports[4].received);
    EXPECT_FALSE(reports[4].arrived_at);
    EXPECT_EQ(feedback.counters().congestion, 1U);
    EXPECT_EQ(feedback.counters().unknown, 0U);
}

TEST(StreamFeedback, UnwrapsItsTimeAndCountsStrangers) {
    StreamIndex index(64);
    index.insert(1, 5, 50);
    const std::array<rtp::PacketMetric, 2> metrics = {{{.received = true}, {.received = true}}};
    const std::array<rtp::RtcpWriter::StreamMetrics, 1> streams = {
        {{.ssrc = 1, .begin_seq = 5, .packets = metrics}}};
    StreamFeedback feedback;
    auto scratch = std::make_unique<StreamFeedback::Reports>();
    std::vector<Duration> at;
    for (const std::uint32_t time : {0xffff'0000U, 0U, 0x0001'0000U}) {
        std::array<std::byte, 200> buffer{};
        rtp::RtcpWriter writer(buffer);
        const auto reports = feedback.read(message_of(writer, time, streams), index, 50, *scratch);
        ASSERT_EQ(reports.size(), 1U);
        at.push_back(*reports[0].arrived_at);
    }
    EXPECT_EQ(at[1] - at[0], milliseconds(1000));
    EXPECT_EQ(at[2] - at[1], milliseconds(1000));
    EXPECT_EQ(feedback.counters().unknown, 3U);
}

}  // namespace
}  // namespace isthmus::media::congestion
