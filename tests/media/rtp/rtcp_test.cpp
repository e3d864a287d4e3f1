// Reader and writer together: what is written reads back, and what is malformed is refused.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/status_chunks.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

// The message, which must be the only one and of type T.
template <typename T>
std::optional<T> only(std::span<const std::byte> packet) {
    auto reader = RtcpReader::parse(packet);
    if (!reader) {
        return std::nullopt;
    }
    const auto message = reader->next();
    if (!message || !std::holds_alternative<T>(*message) || reader->next() ||
        reader->malformed() != 0 || reader->unknown() != 0) {
        return std::nullopt;
    }
    return std::get<T>(*message);
}

std::vector<std::uint16_t> numbers_of(const Nack& nack) {
    std::vector<std::uint16_t> numbers;
    nack.for_each([&](std::uint16_t seq) { numbers.push_back(seq); });
    return numbers;
}

ReportBlock block(std::uint32_t ssrc) {
    return {.ssrc = ssrc,
            .fraction_lost = 255,
            .cumulative_lost = -3,
            .highest_seq = 0x0001'ffff,
            .jitter = 77,
            .last_sr = 0x12345678,
            .delay_since_last_sr = 0x9abcdef0};
}

TEST(Rtcp, CarriesASenderReport) {
    std::array<std::byte, 200> buffer{};
    RtcpWriter writer(buffer);
    const SenderInfo info{.ntp = {0x0123456789abcdefULL},
                          .rtp = RtpTimestamp{0xfedcba98},
                          .packets = 10,
                          .octets = 0xffffffff};
    const std::array blocks = {block(1), block(2)};
    ASSERT_TRUE(writer.sender_report(0xabcd, info, blocks));
    EXPECT_EQ(writer.size(), 28U + 48U);
    const auto report = only<SenderReport>(writer.bytes());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->ssrc, 0xabcdU);
    EXPECT_EQ(report->info, info);
    ASSERT_EQ(report->blocks.size(), 2U);
    EXPECT_EQ(report->blocks[0], block(1));
    EXPECT_EQ(report->blocks[1], block(2));
}

TEST(Rtcp, CarriesAReceiverReportOfAllSizes) {
    for (std::size_t count = 0; count <= kReportBlocksMax; ++count) {
        std::array<std::byte, 8 + kReportBlocksMax * 24> buffer{};
        RtcpWriter writer(buffer);
        const std::vector<ReportBlock> blocks(count, block(9));
        ASSERT_TRUE(writer.receiver_report(5, blocks));
        const auto report = only<ReceiverReport>(writer.bytes());
        ASSERT_TRUE(report);
        EXPECT_EQ(report->ssrc, 5U);
        EXPECT_TRUE(std::ranges::equal(report->blocks, blocks));
    }
}

TEST(Rtcp, CarriesSignedLossOver24Bits) {
    for (const std::int32_t lost : {0, 1, -1, 0x7fffff, -0x800000}) {
        std::array<std::byte, 64> buffer{};
        RtcpWriter writer(buffer);
        ReportBlock sent = block(1);
        sent.cumulative_lost = lost;
        ASSERT_TRUE(writer.receiver_report(5, std::span(&sent, 1)));
        EXPECT_EQ(only<ReceiverReport>(writer.bytes())->blocks[0].cumulative_lost, lost);
    }
}

TEST(Rtcp, CarriesCanonicalNamesOfEveryLength) {
    for (std::size_t length = 0; length <= 255; ++length) {
        std::array<std::byte, 300> buffer{};
        buffer.fill(std::byte{0xff});
        RtcpWriter writer(buffer);
        const std::string name(length, 'c');
        ASSERT_TRUE(writer.cname(3, name));
        EXPECT_EQ(writer.size() % 4, 0U);
        const auto read = only<CanonicalName>(writer.bytes());
        ASSERT_TRUE(read) << length;
        EXPECT_EQ(read->ssrc, 3U);
        EXPECT_EQ(read->cname, name);
    }
}

TEST(Rtcp, ReadsSeveralChunksAndSkipsOtherItems) {
    const Bytes packet = bytes(
        {0x83, 202, 0, 10,                                     //
         0,    0,   0, 1,  2, 2,  'n', 'n', 1,   1,   'a', 0,  // NAME, CNAME
         0,    0,   0, 2,  3, 1,  'x', 0,                      // no CNAME
         0,    0,   0, 3,  1, 10, 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 0, 0, 0, 0});
    auto reader = RtcpReader::parse(packet);
    ASSERT_TRUE(reader);
    const auto first = reader->next();
    ASSERT_TRUE(first);
    EXPECT_EQ(std::get<CanonicalName>(*first).cname, "a");
    const auto second = reader->next();
    ASSERT_TRUE(second);
    EXPECT_EQ(std::get<CanonicalName>(*second).ssrc, 3U);
    EXPECT_EQ(std::get<CanonicalName>(*second).cname, "bbbbbbbbbb");
    EXPECT_FALSE(reader->next());
    EXPECT_EQ(reader->malformed(), 0U);
}

TEST(Rtcp, CountsDescriptionsThatRunOver) {
    for (const Bytes& packet : {bytes({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 'a', 'b'}),
                                bytes({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'a', 'b'}),
                                bytes({0x81, 202, 0, 1, 0, 0, 0, 1}),
                                bytes({0x81, 202, 0, 0})}) {
        auto reader = RtcpReader::parse(packet);
        ASSERT_TRUE(reader);
        EXPECT_FALSE(reader->next());
        EXPECT_EQ(reader->malformed(), 1U);
    }
}

TEST(Rtcp, CarriesBye) {
    std::array<std::byte, 64> buffer{};
    RtcpWriter writer(buffer);
    const std::array<std::uint32_t, 2> ssrcs = {7, 0xffffffff};
    ASSERT_TRUE(writer.bye(ssrcs));
    const auto bye = only<Goodbye>(writer.bytes());
    ASSERT_TRUE(bye);
    ASSERT_EQ(bye->ssrcs.size(), 2U);
    EXPECT_EQ(bye->ssrcs[1].ssrc, 0xffffffffU);
    EXPECT_EQ(bye->reason, "");
    const Bytes last_words = bytes({0x81, 203, 0, 2, 0, 0, 0, 1, 3, 'b', 'y', 'e'});
    const auto with_reason = only<Goodbye>(last_words);
    ASSERT_TRUE(with_reason);
    EXPECT_EQ(with_reason->reason, "bye");
    EXPECT_FALSE(only<Goodbye>(bytes({0x81, 203, 0, 2, 0, 0, 0, 1, 4, 'b', 'y', 'e'})));
    EXPECT_FALSE(only<Goodbye>(bytes({0x82, 203, 0, 1, 0, 0, 0, 1})));
}

TEST(Rtcp, PacksNacksAndReadsThemBack) {
    const std::vector<std::vector<std::int64_t>> cases = {
        {0}, {0, 1}, {0, 16}, {0, 17}, {0, 1, 2, 3, 16, 17, 18, 40}, {0, 32767, 65535, 65536 * 2}};
    for (const std::uint16_t start : std::initializer_list<std::uint16_t>{0, 127, 32767, 65535}) {
        for (const auto& offsets : cases) {
            std::vector<ExtendedSeq> asked;
            std::vector<std::uint16_t> expected;
            for (const std::int64_t offset : offsets) {
                asked.push_back(advance(make_extended_seq(1, start), offset));
                expected.push_back(seq16_of(asked.back()));
            }
            std::array<std::byte, 64> buffer{};
            RtcpWriter writer(buffer);
            ASSERT_TRUE(writer.nack(1, 2, asked));
            const auto nack = only<Nack>(writer.bytes());
            ASSERT_TRUE(nack);
            EXPECT_EQ(nack->sender_ssrc, 1U);
            EXPECT_EQ(nack->media_ssrc, 2U);
            EXPECT_EQ(numbers_of(*nack), expected);
        }
    }
}

TEST(Rtcp, NeedsOneItemForSeventeenNumbersInARow) {
    std::vector<ExtendedSeq> asked;
    for (int i = 0; i < 17; ++i) {
        asked.push_back(advance(make_extended_seq(1, 65530), i));
    }
    std::array<std::byte, 64> buffer{};
    RtcpWriter writer(buffer);
    ASSERT_TRUE(writer.nack(1, 2, asked));
    EXPECT_EQ(writer.size(), 16U);
}

TEST(Rtcp, CarriesKeyFrameRequests) {
    std::array<std::byte, 64> buffer{};
    RtcpWriter writer(buffer);
    ASSERT_TRUE(writer.pli(1, 2));
    const std::array items = {FirItem{.ssrc = 9, .command = 200},
                              FirItem{.ssrc = 10, .command = 0}};
    ASSERT_TRUE(writer.fir(3, items));
    auto reader = RtcpReader::parse(writer.bytes());
    ASSERT_TRUE(reader);
    const auto pli = reader->next();
    ASSERT_TRUE(pli);
    EXPECT_EQ(std::get<PictureLoss>(*pli).media_ssrc, 2U);
    const auto fir = reader->next();
    ASSERT_TRUE(fir);
    const auto& request = std::get<FullIntraRequest>(*fir);
    EXPECT_EQ(request.sender_ssrc, 3U);
    ASSERT_EQ(request.items.size(), 2U);
    EXPECT_EQ(request.items[0], items[0]);
    EXPECT_EQ(request.items[1], items[1]);
}

TEST(Rtcp, CarriesBitratesWithinTheirMantissa) {
    for (const std::uint64_t bitrate :
         {0ULL, 1ULL, 0x3ffffULL, 0x40000ULL, 300'000ULL, 2'500'000ULL, 1ULL << 40U, ~0ULL}) {
        std::array<std::byte, 64> buffer{};
        RtcpWriter writer(buffer);
        const std::array<std::uint32_t, 2> ssrcs = {5, 6};
        ASSERT_TRUE(writer.remb(1, bitrate, ssrcs));
        const auto remb = only<Remb>(writer.bytes());
        ASSERT_TRUE(remb);
        EXPECT_LE(remb->bitrate_bps, bitrate);
        EXPECT_GE(remb->bitrate_bps, bitrate - (bitrate >> 17U));
        ASSERT_EQ(remb->ssrcs.size(), 2U);
        EXPECT_EQ(remb->ssrcs[0].ssrc, 5U);
    }
}

TEST(Rtcp, RefusesBitratesBeyond64Bits) {
    // Mantissa 1 with exponent 63.
    const Bytes packet =
        bytes({0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0xfc, 0x00, 0x01});
    auto reader = RtcpReader::parse(packet);
    ASSERT_TRUE(reader);
    EXPECT_FALSE(reader->next());
    EXPECT_EQ(reader->malformed(), 1U);
}

TEST(Rtcp, CarriesReferenceTimesAndTheirAnswers) {
    std::array<std::byte, 100> buffer{};
    RtcpWriter writer(buffer);
    ASSERT_TRUE(writer.receiver_reference_time(1, NtpTime{0xabcdef0123456789ULL}));
    const std::array items = {DlrrItem{.ssrc = 5, .last_rr = 6, .delay_since_last_rr = 7},
                              DlrrItem{.ssrc = 8, .last_rr = 0, .delay_since_last_rr = 0}};
    ASSERT_TRUE(writer.dlrr(2, items));
    auto reader = RtcpReader::parse(writer.bytes());
    ASSERT_TRUE(reader);
    const auto reference = reader->next();
    ASSERT_TRUE(reference);
    EXPECT_EQ(std::get<ReceiverReferenceTime>(*reference).ntp.value, 0xabcdef0123456789ULL);
    const auto answer = reader->next();
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<Dlrr>(*answer).ssrc, 2U);
    EXPECT_EQ(std::get<Dlrr>(*answer).items[0], items[0]);
    EXPECT_EQ(std::get<Dlrr>(*answer).items[1], items[1]);
}

TEST(Rtcp, ReadsSeveralBlocksOfOneExtendedReport) {
    // An unknown block (9), a reference time, a block that is too long.
    const Bytes packet = bytes({0x80, 207, 0, 8, 0, 0, 0, 1,              //
                                9,    0,   0, 1, 1, 2, 3, 4,              //
                                4,    0,   0, 2, 0, 0, 0, 1, 0, 0, 0, 2,  //
                                5,    0,   0, 3, 0, 0, 0, 0});
    auto reader = RtcpReader::parse(packet);
    ASSERT_TRUE(reader);
    const auto message = reader->next();
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<ReceiverReferenceTime>(*message).ntp.value, 0x1'0000'0002ULL);
    EXPECT_FALSE(reader->next());
    EXPECT_EQ(reader->unknown(), 1U);
    EXPECT_EQ(reader->malformed(), 1U);
}

using Statuses = std::vector<std::optional<std::int32_t>>;

Statuses statuses_of(const TransportFeedback& feedback, std::uint16_t base) {
    Statuses statuses;
    EXPECT_TRUE(feedback.for_each([&](std::uint16_t seq, std::optional<std::int32_t> delta) {
        EXPECT_EQ(seq, static_cast<std::uint16_t>(base + statuses.size()));
        statuses.push_back(delta);
    }));
    return statuses;
}

void expect_feedback_round_trip(const Statuses& statuses, std::uint16_t base) {
    std::vector<std::int32_t> deltas;
    for (const auto& status : statuses) {
        deltas.push_back(status.value_or(RtcpWriter::kNotReceived));
    }
    std::vector<std::byte> buffer(20000);
    RtcpWriter writer(buffer);
    TransportFeedback head;
    head.sender_ssrc = 1;
    head.media_ssrc = 2;
    head.base_seq = base;
    head.reference_64ms = -5;
    head.feedback_count = 250;
    ASSERT_TRUE(writer.transport_feedback(head, deltas));
    ASSERT_EQ(writer.size() % 4, 0U);
    const auto feedback = only<TransportFeedback>(writer.bytes());
    ASSERT_TRUE(feedback);
    EXPECT_EQ(feedback->base_seq, base);
    EXPECT_EQ(feedback->status_count, statuses.size());
    EXPECT_EQ(feedback->reference_64ms, -5);
    EXPECT_EQ(feedback->feedback_count, 250);
    EXPECT_EQ(statuses_of(*feedback, base), statuses);
}

TEST(TransportFeedbackMessage, CarriesEveryKindOfChunk) {
    const std::optional<std::int32_t> none;
    expect_feedback_round_trip({0}, 0);
    expect_feedback_round_trip({255, 256, -1, 32767, -32768, none, 4}, 65533);
    expect_feedback_round_trip(Statuses(7, 1), 10);
    expect_feedback_round_trip(Statuses(9000, 1), 10);
    expect_feedback_round_trip({1, none, 1, none, 1, none, 1, none, 1, none, 1, none, 1, none}, 10);
    Statuses mixed(20, none);
    mixed.insert(mixed.begin(), 3);
    mixed.push_back(1000);
    mixed.push_back(3);
    expect_feedback_round_trip(mixed, 32760);
}

TEST(TransportFeedbackMessage, CarriesAnythingAtRandom) {
    SeededRandom random(42);
    for (int round = 0; round < 500; ++round) {
        Statuses statuses;
        const std::uint32_t count = 1 + random.next_u32() % 300;
        // Long stretches of the same kind, as on a network, and short ones.
        while (statuses.size() < count) {
            const std::uint32_t kind = random.next_u32() % 3;
            for (std::uint32_t run = random.next_u32() % 30;
                 run-- > 0 && statuses.size() < count;) {
                const auto value = static_cast<std::int32_t>(random.next_u32());
                statuses.push_back(kind == 0   ? std::nullopt
                                   : kind == 1 ? std::optional(value & 0xff)
                                               : std::optional(static_cast<std::int32_t>(
                                                     static_cast<std::int16_t>(value))));
            }
        }
        expect_feedback_round_trip(statuses, static_cast<std::uint16_t>(random.next_u32()));
    }
}

// From the draft, section 3.1.3 and 3.1.4, by hand: a run of 3 not received, a vector of two-bit
// symbols (small, large, not received, ...), a vector of one-bit symbols.
TEST(TransportFeedbackMessage, ReadsAHandWrittenMessage) {
    Bytes packet = bytes({0x8f, 205,  0,    7,  0, 0, 0, 1, 0, 0, 0, 2,  //
                          0xff, 0xff, 0,    14,                          // base 65535, 14 packets
                          0xff, 0xff, 0xfe, 9,                           // reference -2, count 9
                          0x00, 0x03,                                    // three not received
                          0xd8, 0x00,                                    // 11 01 10 00 00 00 00 00
                          0xa0, 0x00,                                    // 1 0 1 0...
                          0x10,                                          // small 16
                          0xff, 0xf0,                                    // large -16
                          0x20,                                          // small 32
                          0,    0});
    const auto feedback = only<TransportFeedback>(packet);
    ASSERT_TRUE(feedback);
    EXPECT_EQ(feedback->reference_64ms, -2);
    Statuses expected(14);
    expected[3] = 16;
    expected[4] = -16;
    expected[10] = 32;
    EXPECT_EQ(statuses_of(*feedback, 65535), expected);
}

TEST(TransportFeedbackMessage, IsRefusedWhereBytesAreMissing) {
    const auto malformed = [](const Bytes& packet) {
        auto reader = RtcpReader::parse(packet);
        return reader && !reader->next() && reader->malformed() == 1;
    };
    const Bytes head = bytes({0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 8, 0, 0, 0, 0});
    Bytes no_deltas = head;
    append(no_deltas, bytes({0x20, 8, 1, 2}));  // eight small deltas, two bytes
    EXPECT_TRUE(malformed(no_deltas));
    Bytes no_chunks = head;
    no_chunks[3] = std::byte{4};
    EXPECT_TRUE(malformed(no_chunks));
    Bytes reserved = head;
    append(reserved, bytes({0x60, 8, 0, 0}));  // symbol 3
    EXPECT_TRUE(malformed(reserved));
    Bytes short_runs = head;
    append(short_runs, bytes({0x00, 0x00, 0x00, 0x00}));  // runs of nothing
    EXPECT_TRUE(malformed(short_runs));
    EXPECT_TRUE(malformed(bytes({0x8f, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2})));
}

// What a check by chunks says is what a walk over all packets finds.
TEST(TransportFeedbackMessage, IsWholeWhereTheWalkReachesTheEnd) {
    SeededRandom random(3);
    int whole = 0;
    for (int round = 0; round < 20'000; ++round) {
        Bytes chunks(random.next_u32() % 24);
        random.fill(chunks);
        if (!chunks.empty() && round % 2 == 0) {
            chunks[0] &= std::byte{0xe0};  // shorter runs
        }
        TransportFeedback feedback;
        feedback.status_count = static_cast<std::uint16_t>(random.next_u32() % 60);
        feedback.chunks = chunks;
        const bool walked = feedback.for_each([](std::uint16_t, std::optional<std::int32_t>) {});
        ASSERT_EQ(is_whole(feedback), walked) << round;
        whole += walked ? 1 : 0;
    }
    EXPECT_GT(whole, 1000);
    EXPECT_LT(whole, 19'000);
}

TEST(CongestionFeedbackMessage, CarriesBlocksOfEveryLength) {
    for (std::size_t count = 0; count <= 9; ++count) {
        std::array<std::byte, 200> buffer{};
        buffer.fill(std::byte{0xff});
        RtcpWriter writer(buffer);
        std::vector<PacketMetric> metrics;
        for (std::size_t i = 0; i < count; ++i) {
            metrics.push_back({.received = i % 3 != 0,
                               .ecn = static_cast<std::uint8_t>(i % 4),
                               .offset = static_cast<std::uint16_t>(0x1fff - i)});
        }
        const std::array<RtcpWriter::StreamMetrics, 2> streams = {
            {{.ssrc = 7, .begin_seq = 65535, .packets = metrics},
             {.ssrc = 9, .begin_seq = 3, .packets = std::span(metrics).first(count / 2)}}};
        ASSERT_TRUE(writer.congestion_feedback(5, 0x12345678, streams));
        const auto feedback = only<CongestionFeedback>(writer.bytes());
        ASSERT_TRUE(feedback) << count;
        EXPECT_EQ(feedback->sender_ssrc, 5U);
        EXPECT_EQ(feedback->report_time, 0x12345678U);
        std::vector<CongestionBlock> blocks;
        EXPECT_TRUE(feedback->for_each_block(
            [&](const CongestionBlock& block) { blocks.push_back(block); }));
        ASSERT_EQ(blocks.size(), 2U);
        EXPECT_EQ(blocks[0].ssrc, 7U);
        EXPECT_EQ(blocks[0].begin_seq, 65535);
        EXPECT_TRUE(std::ranges::equal(blocks[0].packets, metrics));
        EXPECT_EQ(blocks[1].packets.size(), count / 2);
    }
}

// From the picture in RFC 8888 section 3.1, by hand.
TEST(CongestionFeedbackMessage, ReadsAHandWrittenMessage) {
    const Bytes packet = bytes({0x8b, 205, 0, 6, 0,    0,    0, 1,  //
                                0,    0,   0, 2, 0xff, 0xfe, 0, 3,  // SSRC 2, 65534, three
                                0x82, 0,   0, 0, 0xff, 0xff, 0, 0,  // half a second; lost
                                0,    1,   0, 0});
    const auto feedback = only<CongestionFeedback>(packet);
    ASSERT_TRUE(feedback);
    EXPECT_EQ(feedback->report_time, 0x10000U);
    std::vector<PacketMetric> metrics;
    EXPECT_TRUE(feedback->for_each_block([&](const CongestionBlock& block) {
        metrics.assign(block.packets.begin(), block.packets.end());
    }));
    EXPECT_EQ(metrics,
              (std::vector<PacketMetric>{
                  {.received = true, .ecn = 0, .offset = 512},
                  {},
                  {.received = true, .ecn = 3, .offset = PacketMetric::kUnavailable}}));
}

TEST(CongestionFeedbackMessage, IsRefusedWhereABlockRunsOver) {
    for (const Bytes& packet :
         {bytes({0x8b, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}),
          bytes({0x8b, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0}),
          bytes({0x8b, 205, 0, 1, 0, 0, 0, 1})}) {
        auto reader = RtcpReader::parse(packet);
        ASSERT_TRUE(reader);
        EXPECT_FALSE(reader->next());
        EXPECT_EQ(reader->malformed(), 1U);
    }
}

TEST(RtcpReader, ReadsACompoundInOrder) {
    std::array<std::byte, 300> buffer{};
    RtcpWriter writer(buffer);
    ASSERT_TRUE(writer.receiver_report(1, {}));
    ASSERT_TRUE(writer.cname(1, "x@y"));
    ASSERT_TRUE(writer.pli(1, 2));
    auto reader = RtcpReader::parse(writer.bytes());
    ASSERT_TRUE(reader);
    std::vector<std::size_t> kinds;
    while (const auto message = reader->next()) {
        kinds.push_back(message->index());
    }
    EXPECT_EQ(kinds,
              (std::vector<std::size_t>{RtcpMessage(ReceiverReport{}).index(),
                                        RtcpMessage(CanonicalName{}).index(),
                                        RtcpMessage(PictureLoss{}).index()}));
}

TEST(RtcpReader, SkipsWhatItDoesNotKnow) {
    // APP, a transport-layer feedback of type 2, an AFB that is not REMB, then a PLI.
    Bytes packet = bytes({0x80, 204, 0, 2, 0, 0, 0, 1, 'n', 'a', 'm', 'e'});
    append(packet, bytes({0x82, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}));
    append(packet, bytes({0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 'A', 'B', 'C', 'D'}));
    append(packet, bytes({0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}));
    auto reader = RtcpReader::parse(packet);
    ASSERT_TRUE(reader);
    const auto message = reader->next();
    ASSERT_TRUE(message);
    EXPECT_TRUE(std::holds_alternative<PictureLoss>(*message));
    EXPECT_FALSE(reader->next());
    EXPECT_EQ(reader->unknown(), 3U);
    EXPECT_EQ(reader->malformed(), 0U);
}

TEST(RtcpReader, CountsPacketsThatContradictTheirLength) {
    for (const Bytes& packet :
         {bytes({0x80, 200, 0, 1, 0, 0, 0, 1}),              // SR without its info
          bytes({0x81, 201, 0, 1, 0, 0, 0, 1}),              // RR without its block
          bytes({0x80, 201, 0, 0}),                          // RR without its SSRC
          bytes({0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}),  // NACK of nothing
          bytes({0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}),  // FIR of nothing
          bytes({0x81, 206, 0, 1, 0, 0, 0, 1}),              // PLI of one SSRC
          bytes({0x80, 207, 0, 0})}) {                       // XR without its SSRC
        auto reader = RtcpReader::parse(packet);
        ASSERT_TRUE(reader);
        EXPECT_FALSE(reader->next());
        EXPECT_EQ(reader->malformed(), 1U);
    }
}

TEST(RtcpReader, RefusesFramesThatDoNotAddUp) {
    EXPECT_EQ(RtcpReader::parse({}).error(), RtcpError::kTooShort);
    EXPECT_EQ(RtcpReader::parse(bytes({0x80, 201, 0})).error(), RtcpError::kTooShort);
    EXPECT_EQ(RtcpReader::parse(bytes({0x40, 201, 0, 1, 0, 0, 0, 1})).error(),
              RtcpError::kBadVersion);
    EXPECT_EQ(RtcpReader::parse(bytes({0x80, 201, 0, 2, 0, 0, 0, 1})).error(),
              RtcpError::kBadLength);
    EXPECT_EQ(RtcpReader::parse(bytes({0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 201})).error(),
              RtcpError::kBadLength);
    // A good packet in front does not help a bad one behind it.
    EXPECT_EQ(RtcpReader::parse(bytes({0x80, 201, 0, 1, 0, 0, 0, 1, 0, 201, 0, 0})).error(),
              RtcpError::kBadVersion);
}

TEST(RtcpReader, TakesPaddingOff) {
    Bytes packet = bytes({0xa1, 203, 0, 3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8});
    const auto bye = only<Goodbye>(packet);
    ASSERT_TRUE(bye);
    EXPECT_EQ(bye->ssrcs.size(), 1U);
    EXPECT_EQ(bye->reason, "");

    for (const int count : {0, 3, 13, 16, 255}) {
        packet.back() = static_cast<std::byte>(count);
        EXPECT_EQ(RtcpReader::parse(packet).error(), RtcpError::kBadPadding) << count;
    }
}

// Whole compounds with such feedback in them were refused, so that three of four messages of a
// browser were lost, and its bandwidth estimate with them.
TEST(RtcpReader, TakesFeedbackThatIsPaddedByLessThanAWord) {
    // One packet received: a chunk, one delta, and a byte of padding that counts itself, as
    // libwebrtc writes it.
    const Bytes feedback =
        bytes({0xaf, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 1, 0, 0, 1, 0, 0x20, 1, 4, 1});
    const auto alone = only<TransportFeedback>(feedback);
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->base_seq, 9U);
    EXPECT_EQ(alone->status_count, 1U);

    // And not at the end of its compound.
    Bytes compound = feedback;
    append(compound, bytes({0x80, 201, 0, 1, 0, 0, 0, 1}));
    auto reader = RtcpReader::parse(compound);
    ASSERT_TRUE(reader.has_value());
    const auto first = reader->next();
    ASSERT_TRUE(first.has_value());
    EXPECT_TRUE(std::holds_alternative<TransportFeedback>(*first));
    const auto second = reader->next();
    ASSERT_TRUE(second.has_value());
    EXPECT_TRUE(std::holds_alternative<ReceiverReport>(*second));
    EXPECT_EQ(reader->malformed(), 0U);
}

TEST(RtcpWriter, WritesWholePacketsOrNothing) {
    std::array<std::byte, 24> buffer{};
    RtcpWriter writer(buffer);
    EXPECT_TRUE(writer.empty());
    EXPECT_FALSE(writer.sender_report(1, {}, {}));
    EXPECT_EQ(writer.size(), 0U);
    EXPECT_TRUE(writer.pli(1, 2));
    EXPECT_TRUE(writer.pli(1, 3));
    EXPECT_FALSE(writer.pli(1, 4));
    EXPECT_FALSE(writer.cname(1, ""));
    EXPECT_FALSE(writer.nack(1, 2, std::array{ExtendedSeq{1}}));
    EXPECT_FALSE(writer.receiver_reference_time(1, {}));
    EXPECT_EQ(writer.size(), 24U);
    EXPECT_TRUE(RtcpReader::parse(writer.bytes()));
}

}  // namespace
}  // namespace isthmus::media::rtp
