// usrsctp against itself over a simulated link, on a simulated clock.
#include "media/data/data_stack.h"

#include <array>
#include <chrono>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "tests/media/data/data_pair.h"

namespace isthmus::media::data::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

DataDescription opening(std::vector<DataChannelConfig> opens) {
    return {
        .remote_port = 5000, .remote_message_bytes_max = 256UL * 1024, .opens = std::move(opens)};
}

// CRC32c bit by bit, as RFC 9260 appendix A has it: slow, and of another kind than usrsctp's.
std::uint32_t crc32c(std::span<const std::byte> bytes) {
    std::uint32_t crc = ~0U;
    for (const std::byte byte : bytes) {
        crc ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
        }
    }
    return ~crc;
}

std::vector<std::byte> numbered(std::uint32_t number, std::size_t bytes = 4) {
    std::vector<std::byte> message(std::max<std::size_t>(bytes, 4));
    store_be32(message.data(), number);
    for (std::size_t i = 4; i < message.size(); ++i) {
        message[i] = static_cast<std::byte>(number + i);
    }
    return message;
}

TEST(DataStack, OpensChannelsFromBothSides) {
    DataPair pair;
    pair.open(
        opening({{.label = "chat"}, {.label = "mouse", .ordered = false, .max_retransmits = 0}}),
        opening({{.label = "_reliable"}}));
    pair.run(seconds(1));

    const auto at_node = pair.opened(kNode);
    ASSERT_THAT(at_node, SizeIs(3));
    std::set<std::string> labels;
    for (const ChannelOpened& channel : at_node) {
        labels.insert(channel.label);
        if (channel.label == "mouse") {
            EXPECT_EQ(channel.channel, 2);
            EXPECT_FALSE(channel.ordered);
            EXPECT_FALSE(channel.reliable);
        }
        if (channel.label == "_reliable") {
            EXPECT_EQ(channel.channel, 1);
            EXPECT_TRUE(channel.reliable);
        }
    }
    EXPECT_EQ(labels, (std::set<std::string>{"chat", "mouse", "_reliable"}));
    EXPECT_THAT(pair.opened(kClient), SizeIs(3));
    EXPECT_EQ(pair.stack().counters().channels, 6U);
    EXPECT_EQ(pair.stack().counters().associations_failed, 0U);
}

TEST(DataStack, CarriesTextAndBinaryAndNothingAtAll) {
    DataPair pair;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.send_text(kClient, 0, "hello");
    pair.send(kClient, 0, numbered(7));
    pair.send_text(kClient, 0, "");
    pair.send(kClient, 0, {});
    pair.run(seconds(1));

    const auto messages = pair.messages(kNode);
    ASSERT_THAT(messages, SizeIs(4));
    EXPECT_EQ(as_text(messages[0]), "hello");
    EXPECT_FALSE(messages[0].binary);
    EXPECT_EQ(*messages[1].bytes, numbered(7));
    EXPECT_TRUE(messages[1].binary);
    EXPECT_THAT(*messages[2].bytes, IsEmpty());
    EXPECT_FALSE(messages[2].binary);
    EXPECT_THAT(*messages[3].bytes, IsEmpty());
    EXPECT_TRUE(messages[3].binary);
}

TEST(DataStack, PacketsAreShortAndTheirChecksumsAreRight) {
    DataPair pair;
    pair.keep_sent = true;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.send(kClient, 0, numbered(1, 100'000));
    pair.run(seconds(5));
    ASSERT_THAT(pair.messages(kNode), SizeIs(1));

    std::size_t longest = 0;
    ASSERT_GT(pair.sent.size(), 90U);
    for (SctpPacket packet : pair.sent) {
        longest = std::max(longest, packet.bytes.size());
        // Little-endian on the wire (RFC 9260 appendix A).
        const std::uint32_t checksum = std::byteswap(load_be32(&packet.bytes[8]));
        store_be32(&packet.bytes[8], 0);
        EXPECT_EQ(checksum, crc32c(packet.bytes));
    }
    EXPECT_LE(longest, kPacketBytesMax);
    EXPECT_GT(longest, kPacketBytesMax - 16);
}

TEST(DataStack, APacketWithAWrongChecksumIsIgnored) {
    DataPair pair;
    pair.keep_sent = true;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.sent.clear();
    pair.cut = true;
    pair.send_text(kClient, 0, "hello");
    ASSERT_THAT(pair.sent, SizeIs(1));
    std::vector<std::byte> packet = pair.sent[0].bytes;
    packet.back() ^= std::byte{1};
    pair.stack().handle_packet(pair.now(), kNode, packet);
    pair.run(milliseconds(100));
    EXPECT_THAT(pair.messages(kNode), IsEmpty());
    pair.stack().handle_packet(pair.now(), kNode, pair.sent[0].bytes);
    pair.run(milliseconds(100));
    EXPECT_THAT(pair.messages(kNode), SizeIs(1));
}

struct BadLink {
    const char* name;
    LinkConfig link;
};

class DataStackOverBadLinks : public ::testing::TestWithParam<BadLink> {};

// Thousands of messages on a reliable, ordered channel: all of them, in order, once.
TEST_P(DataStackOverBadLinks, ReliableChannelLosesNothing) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(seed);
        DataPair pair({}, seed);
        pair.link = GetParam().link;
        pair.open(opening({{.label = "chat"}}), {});
        pair.run(seconds(10));
        ASSERT_THAT(pair.opened(kNode), SizeIs(1));
        constexpr std::uint32_t kMessages = 3000;
        for (std::uint32_t i = 0; i < kMessages; ++i) {
            pair.send(kClient, 0, numbered(i, 4 + i % 300));
            pair.run(milliseconds(2));
        }
        pair.run_until_quiet(minutes(5));
        const auto messages = pair.messages(kNode);
        ASSERT_THAT(messages, SizeIs(kMessages));
        for (std::uint32_t i = 0; i < kMessages; ++i) {
            ASSERT_EQ(*messages[i].bytes, numbered(i, 4 + i % 300));
        }
    }
}

// Without order and retransmission: some are lost, none comes twice, none is damaged.
TEST_P(DataStackOverBadLinks, UnreliableChannelDeliversEachAtMostOnce) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(seed);
        DataPair pair({}, seed);
        pair.link = GetParam().link;
        pair.open(opening({{.label = "mouse", .ordered = false, .max_retransmits = 0}}), {});
        pair.run(seconds(10));
        ASSERT_THAT(pair.opened(kNode), SizeIs(1));
        constexpr std::uint32_t kMessages = 3000;
        for (std::uint32_t i = 0; i < kMessages; ++i) {
            pair.send(kClient, 0, numbered(i, 40));
            pair.run(milliseconds(2));
        }
        pair.run_until_quiet(minutes(5));
        std::set<std::uint32_t> seen;
        for (const DataMessage& message : pair.messages(kNode)) {
            const std::uint32_t number = load_be32(message.bytes->data());
            ASSERT_EQ(*message.bytes, numbered(number, 40));
            EXPECT_TRUE(seen.insert(number).second) << number;
        }
        EXPECT_GT(seen.size(), kMessages / 3);
        // The association survived: a reliable one of it would go on.
        EXPECT_EQ(pair.failure(kNode), std::nullopt);
        EXPECT_EQ(pair.failure(kClient), std::nullopt);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Links,
    DataStackOverBadLinks,
    ::testing::Values(BadLink{"Perfect", {.delay = milliseconds(10)}},
                      BadLink{"Loss", {.delay = milliseconds(20), .loss = 0.05}},
                      BadLink{"Reorder", {.delay = milliseconds(5), .jitter = milliseconds(30)}},
                      BadLink{"All",
                              {.delay = milliseconds(10),
                               .jitter = milliseconds(20),
                               .loss = 0.03,
                               .duplication = 0.05}}),
    [](const auto& link) { return std::string(link.param.name); });

TEST(DataStack, CarriesBigMessagesBothWays) {
    DataPair pair;
    pair.link.loss = 0.01;
    pair.open(opening({{.label = "files"}}), opening({}));
    pair.run(seconds(5));
    constexpr std::size_t kBytes = 256UL * 1024;
    pair.send(kClient, 0, numbered(1, kBytes));
    pair.send(kClient, 0, numbered(2, kBytes));
    pair.send(kNode, 0, numbered(3, kBytes));
    pair.run_until_quiet(minutes(5));
    const auto at_node = pair.messages(kNode);
    ASSERT_THAT(at_node, SizeIs(2));
    EXPECT_EQ(*at_node[0].bytes, numbered(1, kBytes));
    EXPECT_EQ(*at_node[1].bytes, numbered(2, kBytes));
    const auto at_client = pair.messages(kClient);
    ASSERT_THAT(at_client, SizeIs(1));
    EXPECT_EQ(*at_client[0].bytes, numbered(3, kBytes));
}

TEST(DataStack, AMessageLongerThanTheClientTakesIsNotSent) {
    DataPair pair;
    pair.open({.remote_message_bytes_max = 1000, .opens = {{.label = "chat"}}}, {});
    pair.run(seconds(1));
    pair.send(kClient, 0, numbered(1, 1001));
    pair.send(kClient, 0, numbered(2, 1000));
    pair.run(seconds(1));
    EXPECT_THAT(pair.messages(kNode), SizeIs(1));
    EXPECT_EQ(pair.stack().counters().messages_unroutable, 1U);
}

TEST(DataStack, ClosesAChannelByAskingAndByBeingAsked) {
    DataPair pair;
    pair.open(opening({{.label = "a"}, {.label = "b"}}), {});
    pair.run(seconds(1));
    pair.send_text(kClient, 0, "last words");
    pair.stack().close_channel(kClient, 0);
    pair.run(seconds(2));
    EXPECT_THAT(pair.messages(kNode), SizeIs(1));
    EXPECT_THAT(pair.closed(kNode), ElementsAre(0));
    EXPECT_THAT(pair.closed(kClient), ElementsAre(0));

    // From the other side, of a channel that the other opened.
    pair.stack().close_channel(kNode, 2);
    pair.run(seconds(2));
    EXPECT_THAT(pair.closed(kNode), ElementsAre(0, 2));
    EXPECT_THAT(pair.closed(kClient), ElementsAre(0, 2));
    EXPECT_EQ(pair.stack().counters().channels, 0U);
    EXPECT_EQ(pair.stack().counters().protocol_errors, 0U);
}

TEST(DataStack, ChannelsCloseOverABadLink) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(seed);
        DataPair pair({}, seed);
        pair.link = {.delay = milliseconds(10), .jitter = milliseconds(20), .loss = 0.1};
        pair.open(opening({{.label = "a"}, {.label = "b"}, {.label = "c"}}), {});
        pair.run(seconds(20));
        ASSERT_THAT(pair.opened(kNode), SizeIs(3));
        // All at once: SCTP has one reset under way at a time.
        for (const std::uint16_t channel : std::to_array<std::uint16_t>({0, 2, 4})) {
            pair.send_text(kNode, channel, "bye");
            pair.stack().close_channel(kNode, channel);
        }
        pair.run(minutes(1));
        EXPECT_THAT(pair.messages(kClient), SizeIs(3));
        EXPECT_THAT(pair.closed(kNode), ::testing::UnorderedElementsAre(0, 2, 4));
        EXPECT_THAT(pair.closed(kClient), ::testing::UnorderedElementsAre(0, 2, 4));
    }
}

TEST(DataStack, TheOtherSideHearsOfAnEnd) {
    DataPair pair;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.stack().close(kClient);
    pair.run(seconds(1));
    EXPECT_EQ(pair.failure(kNode), FailureReason::kAborted);
    EXPECT_EQ(pair.failure(kClient), std::nullopt);
    EXPECT_EQ(pair.stack().counters().associations, 0U);
    EXPECT_EQ(pair.stack().counters().channels, 0U);
    EXPECT_EQ(pair.stack().next_timeout(), kNever);
}

TEST(DataStack, AClientThatBeginsAgainEndsTheAssociation) {
    DataPair pair;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.cut = true;
    pair.stack().close(kClient);
    pair.run(seconds(1));
    pair.cut = false;
    ASSERT_TRUE(pair.stack().open(pair.now(), kClient, StreamParity::kEven, {}).has_value());
    pair.run(seconds(5));
    EXPECT_EQ(pair.failure(kNode), FailureReason::kRestarted);
    EXPECT_EQ(pair.stack().counters().channels, 0U);
}

TEST(DataStack, AClientThatDoesNotAnswerIsGivenUp) {
    DataPair pair;
    pair.cut = true;
    pair.open();
    pair.run(seconds(29));
    EXPECT_EQ(pair.failure(kNode), std::nullopt);
    pair.run(seconds(2));
    EXPECT_EQ(pair.failure(kNode), FailureReason::kHandshakeTimeout);
    EXPECT_EQ(pair.stack().counters().associations, 0U);
}

TEST(DataStack, ConnectsOverALinkThatLosesHalf) {
    DataPair pair({}, 5);
    pair.link.loss = 0.5;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(29));
    pair.link.loss = 0;
    pair.run(seconds(10));
    EXPECT_THAT(pair.opened(kNode), SizeIs(1));
}

// The client's receive window and the link are open, but it acknowledges nothing: it reads too
// slowly for what it is sent.
TEST(DataStack, ASlowReaderFailsAReliableChannelAndNotTheNode) {
    DataPair pair;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.cut = true;
    for (std::uint32_t i = 0; i < 400 && !pair.failure(kNode); ++i) {
        pair.send(kNode, 0, numbered(i, 15'000));
    }
    EXPECT_EQ(pair.failure(kNode), FailureReason::kReadsTooSlowly);
    EXPECT_EQ(pair.stack().counters().queued_bytes, 0U);
    // The other association of the stack is as it was.
    EXPECT_EQ(pair.failure(kClient), std::nullopt);
}

TEST(DataStack, ASlowReaderLosesMessagesOfAnUnreliableChannel) {
    DataPair pair;
    pair.open(
        opening({{.label = "mouse", .ordered = false, .max_retransmits = 0}, {.label = "chat"}}),
        {});
    pair.run(seconds(1));
    pair.cut = true;
    for (std::uint32_t i = 0; i < 400; ++i) {
        pair.send(kNode, 0, numbered(i, 15'000));
    }
    EXPECT_EQ(pair.failure(kNode), std::nullopt);
    EXPECT_GT(pair.stack().counters().messages_dropped, 300U);
    EXPECT_LE(pair.stack().counters().queued_bytes, DataLimits{}.unreliable_queue_bytes_max);
    // It comes back, and so does what matters.
    pair.cut = false;
    pair.send_text(kNode, 2, "still there?");
    pair.run_until_quiet(minutes(2));
    const auto messages = pair.messages(kClient);
    ASSERT_FALSE(messages.empty());
    EXPECT_TRUE(std::ranges::any_of(
        messages, [](const DataMessage& message) { return message.channel == 2; }));
}

TEST(DataStack, WhatWaitsIsSentAsTheReaderCatchesUp) {
    DataPair pair;
    pair.link.delay = milliseconds(50);
    pair.open(opening({{.label = "files"}}), {});
    pair.run(seconds(2));
    // More than SCTP's buffer takes, less than the queue.
    for (std::uint32_t i = 0; i < 200; ++i) {
        pair.send(kNode, 0, numbered(i, 15'000));
    }
    EXPECT_GT(pair.stack().counters().queued_bytes, 1'000'000U);
    pair.run_until_quiet(minutes(5));
    EXPECT_EQ(pair.stack().counters().queued_bytes, 0U);
    const auto messages = pair.messages(kClient);
    ASSERT_THAT(messages, SizeIs(200));
    for (std::uint32_t i = 0; i < 200; ++i) {
        ASSERT_EQ(*messages[i].bytes, numbered(i, 15'000));
    }
}

TEST(DataStack, TooManyMessagesAreDroppedAndCounted) {
    DataLimits limits;
    limits.messages_per_second_max = 100;
    limits.messages_burst = 200;
    DataPair pair(limits);
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    for (std::uint32_t i = 0; i < 1000; ++i) {
        pair.send(kClient, 0, numbered(i, 20));
    }
    pair.run(seconds(1));
    EXPECT_GE(pair.messages(kNode).size(), 200U);
    EXPECT_LE(pair.messages(kNode).size(), 301U);
    EXPECT_EQ(pair.messages(kNode).size() + pair.stack().counters().messages_rate_limited, 1000U);
}

// What is dropped above the rate is packets, which SCTP takes for congestion: all arrives, slower.
TEST(DataStack, TooManyPacketsSlowTheClientDown) {
    DataLimits limits;
    limits.packets_per_second_max = 100;
    limits.packets_burst = 50;
    DataPair pair(limits);
    pair.open(opening({{.label = "files"}}), {});
    pair.run(seconds(1));
    for (std::uint32_t i = 0; i < 100; ++i) {
        pair.send(kClient, 0, numbered(i, 10'000));
    }
    pair.run_until_quiet(minutes(10));
    EXPECT_GT(pair.stack().counters().packets_refused, 0U);
    EXPECT_THAT(pair.messages(kNode), SizeIs(100));
}

TEST(DataStack, AChannelTooManyIsRefused) {
    DataLimits limits;
    limits.channels_max = 2;
    DataPair pair(limits);
    pair.open(opening({{.label = "a"}, {.label = "b"}, {.label = "c"}}),
              opening({{.label = "node"}}));
    pair.run(seconds(2));
    EXPECT_GE(pair.stack().counters().channels_refused, 1U);
    EXPECT_LE(pair.stack().counters().channels, 4U);
    EXPECT_EQ(pair.failure(kNode), std::nullopt);
}

TEST(DataStack, AnAssociationTooManyIsRefused) {
    DataLimits limits;
    limits.associations_max = 2;
    DataPair pair(limits);
    pair.open();
    const auto third = pair.stack().open(pair.now(), {7}, StreamParity::kEven, {});
    ASSERT_FALSE(third.has_value());
    EXPECT_EQ(third.error().code, ErrorCode::kLimitExceeded);
    const auto again = pair.stack().open(pair.now(), kNode, StreamParity::kEven, {});
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
    pair.stack().close(kNode);
    EXPECT_TRUE(pair.stack().open(pair.now(), {7}, StreamParity::kEven, {}).has_value());
}

// A number that usrsctp knows is used again by the next association: it must hear nothing of the
// one before it, and packets for that one must not reach it.
TEST(DataStack, AnEndedAssociationIsNotTakenForItsSuccessor) {
    DataPair pair;
    pair.keep_sent = true;
    pair.open(opening({{.label = "chat"}}), {});
    pair.run(seconds(1));
    pair.cut = true;
    pair.sent.clear();
    pair.send_text(kClient, 0, "late");
    const SctpPacket late = pair.sent.at(0);
    pair.stack().close(kNode);
    ASSERT_TRUE(pair.stack().open(pair.now(), {2000}, StreamParity::kOdd, {}).has_value());
    const std::uint64_t refused = pair.stack().counters().packets_refused;
    pair.stack().handle_packet(pair.now(), kNode, late.bytes);
    EXPECT_EQ(pair.stack().counters().packets_refused, refused + 1);
    // Even under the new name it belongs to nothing.
    pair.stack().handle_packet(pair.now(), {2000}, late.bytes);
    pair.run(seconds(1));
    EXPECT_THAT(pair.events({2000}), IsEmpty());
}

TEST(DataStack, OpensAndClosesThousandsOfTimes) {
    DataPair pair;
    for (int round = 0; round < 1000; ++round) {
        pair.clear();
        pair.open(opening({{.label = "chat"}}), {});
        pair.run(milliseconds(100));
        ASSERT_THAT(pair.opened(kNode), SizeIs(1)) << round;
        pair.stack().close(kClient);
        pair.stack().close(kNode);
        pair.run(milliseconds(50));
    }
    EXPECT_EQ(pair.stack().counters().associations, 0U);
}

}  // namespace
}  // namespace isthmus::media::data::testing
