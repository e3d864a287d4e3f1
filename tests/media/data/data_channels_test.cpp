// The protocol of data channels, with a sender in SCTP's place that can be full or gone.
#include "media/data/data_channels.h"

#include <chrono>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/data/dcep.h"

namespace isthmus::media::data {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FakeSender final : public StreamSender {
  public:
    struct Sent {
        std::uint16_t stream;
        PayloadProtocol protocol;
        bool ordered;
        std::optional<std::uint32_t> max_retransmits;
        std::vector<std::byte> bytes;
    };

    Outcome send(const StreamMessage& message) override {
        if (outcome != Outcome::kTaken) {
            return outcome;
        }
        sent.push_back({message.stream,
                        message.protocol,
                        message.ordered,
                        message.max_retransmits,
                        {message.bytes.begin(), message.bytes.end()}});
        if (room > 0) {
            --room;
            outcome = room == 0 ? Outcome::kFull : Outcome::kTaken;
        }
        return Outcome::kTaken;
    }

    bool reset(std::uint16_t stream) override {
        resets.push_back(stream);
        return can_reset;
    }

    Outcome outcome = Outcome::kTaken;
    int room = 0;  // sends until full; 0: any number
    bool can_reset = true;
    std::vector<Sent> sent;
    std::vector<std::uint16_t> resets;
};

class DataChannelsTest : public ::testing::Test {
  protected:
    void make(StreamParity parity = StreamParity::kOdd, const DataDescription& description = {}) {
        channels_ = std::make_unique<DataChannels>(limits_, counters_, parity, description);
        channels_->on_connected(sender_);
    }

    void receive(std::uint16_t stream, PayloadProtocol protocol, std::vector<std::byte> bytes) {
        channels_->on_message(now_, stream, protocol, std::move(bytes), sender_);
    }

    void receive_open(std::uint16_t stream, const DcepOpen& open) {
        receive(stream, PayloadProtocol::kDcep, write_dcep_open(open));
    }

    void send(std::uint16_t channel, std::size_t bytes) {
        channels_->send({.channel = channel,
                         .binary = true,
                         .bytes = std::make_shared<const std::vector<std::byte>>(bytes)},
                        sender_);
    }

    std::vector<DataEvent> events() {
        std::vector<DataEvent> found;
        while (auto event = channels_->poll_event()) {
            found.push_back(*std::move(event));
        }
        return found;
    }

    Instant now_{hours(1)};
    DataLimits limits_;
    DataCounters counters_;
    FakeSender sender_;
    std::unique_ptr<DataChannels> channels_;
};

TEST_F(DataChannelsTest, AcknowledgesAnOpenedChannelAndTellsOfIt) {
    make();
    receive_open(0, {.ordered = false, .max_retransmits = 0, .label = "_lossy", .protocol = ""});
    ASSERT_THAT(sender_.sent, SizeIs(1));
    EXPECT_EQ(sender_.sent[0].protocol, PayloadProtocol::kDcep);
    EXPECT_TRUE(sender_.sent[0].ordered);
    EXPECT_EQ(sender_.sent[0].max_retransmits, std::nullopt);
    EXPECT_EQ(sender_.sent[0].bytes, write_dcep_ack());
    const auto told = events();
    ASSERT_THAT(told, SizeIs(1));
    const auto& opened = std::get<ChannelOpened>(told[0]);
    EXPECT_EQ(opened.label, "_lossy");
    EXPECT_FALSE(opened.reliable);
    EXPECT_FALSE(opened.ordered);
}

TEST_F(DataChannelsTest, NumbersItsOwnChannelsByItsRole) {
    const DataDescription description{.opens = {{.label = "a"}, {.label = "b"}}};
    make(StreamParity::kOdd, description);
    make(StreamParity::kEven, description);
    ASSERT_THAT(sender_.sent, SizeIs(4));
    EXPECT_EQ(sender_.sent[0].stream, 1);
    EXPECT_EQ(sender_.sent[1].stream, 3);
    EXPECT_EQ(sender_.sent[2].stream, 0);
    EXPECT_EQ(sender_.sent[3].stream, 2);
}

// SPEC rfc8832#6
TEST_F(DataChannelsTest, SendsInOrderUntilItsOpeningIsAcknowledged) {
    make(StreamParity::kOdd,
         {.opens = {{.label = "mouse", .ordered = false, .max_retransmits = 0}}});
    send(1, 10);
    EXPECT_THAT(events(), IsEmpty());
    receive(1, PayloadProtocol::kDcep, write_dcep_ack());
    EXPECT_THAT(events(), SizeIs(1));
    send(1, 10);
    ASSERT_THAT(sender_.sent, SizeIs(3));
    EXPECT_TRUE(sender_.sent[1].ordered);
    EXPECT_FALSE(sender_.sent[2].ordered);
    EXPECT_EQ(sender_.sent[2].max_retransmits, 0U);
}

TEST_F(DataChannelsTest, RefusesAStreamThatIsNotTheClientsToOpen) {
    make(StreamParity::kOdd);
    receive_open(1, {.label = "mine", .protocol = ""});
    EXPECT_THAT(sender_.resets, ElementsAre(1));
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(counters_.protocol_errors, 1U);
}

TEST_F(DataChannelsTest, ClosesAChannelThatIsOpenedTwice) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    receive_open(0, {.label = "a", .protocol = ""});
    EXPECT_THAT(sender_.resets, ElementsAre(0));
    EXPECT_EQ(counters_.protocol_errors, 1U);
}

TEST_F(DataChannelsTest, ClosesAChannelWithMalformedOrDeprecatedMessages) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    receive_open(2, {.label = "b", .protocol = ""});
    receive_open(4, {.label = "c", .protocol = ""});
    receive(0, PayloadProtocol::kDcep, {});
    receive(2, PayloadProtocol::kStringPartial, {std::byte{'x'}});
    // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): what a peer may send
    receive(4, static_cast<PayloadProtocol>(4711), {std::byte{'x'}});
    EXPECT_THAT(sender_.resets, ElementsAre(0, 2, 4));
    EXPECT_EQ(counters_.protocol_errors, 3U);
    EXPECT_THAT(events(), SizeIs(3));  // opened
}

TEST_F(DataChannelsTest, RefusesLongLabelsAndTooManyChannels) {
    limits_.channels_max = 2;
    make();
    receive_open(0, {.label = std::string(257, 'x'), .protocol = ""});
    receive_open(2, {.label = std::string(256, 'x'), .protocol = ""});
    receive_open(4, {.label = "b", .protocol = ""});
    receive_open(6, {.label = "c", .protocol = ""});
    EXPECT_THAT(sender_.resets, ElementsAre(0, 6));
    EXPECT_EQ(counters_.channels_refused, 2U);
    EXPECT_EQ(channels_->size(), 2U);
}

TEST_F(DataChannelsTest, CountsMessagesForChannelsThatAreNotThere) {
    make();
    receive(0, PayloadProtocol::kBinary, {std::byte{1}});
    send(0, 10);
    EXPECT_EQ(counters_.messages_unroutable, 2U);
    EXPECT_THAT(sender_.sent, IsEmpty());
}

TEST_F(DataChannelsTest, QueuesInOrderWhileFullAndSendsWhenThereIsRoom) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    sender_.sent.clear();
    sender_.outcome = StreamSender::Outcome::kFull;
    send(0, 1);
    send(0, 2);
    send(0, 3);
    EXPECT_TRUE(channels_->waits());
    EXPECT_EQ(counters_.queued_bytes, 6U);
    sender_.outcome = StreamSender::Outcome::kTaken;
    send(0, 4);  // not before those that wait
    EXPECT_THAT(sender_.sent, IsEmpty());
    channels_->drain(sender_);
    ASSERT_THAT(sender_.sent, SizeIs(4));
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(sender_.sent[i].bytes.size(), i + 1);
    }
    EXPECT_FALSE(channels_->waits());
    EXPECT_EQ(counters_.queued_bytes, 0U);
    EXPECT_EQ(counters_.messages_sent, 4U);
}

TEST_F(DataChannelsTest, ServesChannelsInTurn) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    receive_open(2, {.label = "b", .protocol = ""});
    sender_.sent.clear();
    sender_.outcome = StreamSender::Outcome::kFull;
    for (int i = 0; i < 4; ++i) {
        send(0, 1);
        send(2, 1);
    }
    for (int turn = 0; turn < 2; ++turn) {
        sender_.outcome = StreamSender::Outcome::kTaken;
        sender_.room = 2;
        channels_->drain(sender_);
    }
    ASSERT_THAT(sender_.sent, SizeIs(4));
    EXPECT_EQ(sender_.sent[0].stream, 0);
    EXPECT_EQ(sender_.sent[1].stream, 0);
    EXPECT_EQ(sender_.sent[2].stream, 2);
    EXPECT_EQ(sender_.sent[3].stream, 2);
}

TEST_F(DataChannelsTest, AFullReliableQueueFailsTheAssociation) {
    limits_.channel_queue_messages_max = 2;
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    sender_.outcome = StreamSender::Outcome::kFull;
    send(0, 1);
    send(0, 1);
    EXPECT_EQ(channels_->failure(), std::nullopt);
    send(0, 1);
    EXPECT_EQ(channels_->failure(), FailureReason::kReadsTooSlowly);
}

TEST_F(DataChannelsTest, AFullUnreliableQueueDropsTheMessage) {
    limits_.unreliable_queue_bytes_max = 5;
    make();
    receive_open(0, {.max_retransmits = 0, .label = "a", .protocol = ""});
    sender_.outcome = StreamSender::Outcome::kFull;
    send(0, 3);
    send(0, 3);
    send(0, 2);
    EXPECT_EQ(channels_->failure(), std::nullopt);
    EXPECT_EQ(counters_.messages_dropped, 1U);
    EXPECT_EQ(counters_.queued_bytes, 5U);
}

TEST_F(DataChannelsTest, TheLimitOfAllQueuesTogetherCountsOthersToo) {
    limits_.queue_bytes_max = 10;
    make();
    counters_.queued_bytes = 8;  // of other associations
    receive_open(0, {.label = "a", .protocol = ""});
    sender_.outcome = StreamSender::Outcome::kFull;
    send(0, 2);
    EXPECT_EQ(channels_->failure(), std::nullopt);
    send(0, 1);
    EXPECT_EQ(channels_->failure(), FailureReason::kReadsTooSlowly);
    channels_.reset();
    EXPECT_EQ(counters_.queued_bytes, 8U);
}

TEST_F(DataChannelsTest, ClosesOnlyAfterWhatWaitsWasSent) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    sender_.outcome = StreamSender::Outcome::kFull;
    send(0, 1);
    channels_->close(0, sender_);
    EXPECT_THAT(sender_.resets, IsEmpty());
    send(0, 1);  // too late
    EXPECT_EQ(counters_.messages_unroutable, 1U);
    sender_.outcome = StreamSender::Outcome::kTaken;
    channels_->drain(sender_);
    EXPECT_THAT(sender_.resets, ElementsAre(0));
    static_cast<void>(events());
    channels_->on_outgoing_reset(0);
    EXPECT_THAT(events(), IsEmpty());
    channels_->on_incoming_reset(0, sender_);
    const auto told = events();
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(std::get<ChannelClosed>(told[0]).channel, 0);
    EXPECT_EQ(channels_->size(), 0U);
}

// SPEC rfc8831#6.7
TEST_F(DataChannelsTest, AnswersAResetWithOneOfItsOwn) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    static_cast<void>(events());
    channels_->on_incoming_reset(0, sender_);
    EXPECT_THAT(sender_.resets, ElementsAre(0));
    channels_->on_outgoing_reset(0);
    EXPECT_THAT(events(), SizeIs(1));
    // The stream may be used again.
    receive_open(0, {.label = "again", .protocol = ""});
    EXPECT_THAT(events(), SizeIs(1));
    EXPECT_EQ(counters_.channels, 1U);
}

TEST_F(DataChannelsTest, AClientThatKnowsNoResetsLosesTheChannelAtOnce) {
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    static_cast<void>(events());
    sender_.can_reset = false;
    channels_->close(0, sender_);
    EXPECT_THAT(events(), SizeIs(1));
    EXPECT_EQ(channels_->size(), 0U);
}

TEST_F(DataChannelsTest, TakesNoMoreMessagesThanTheRateAllows) {
    limits_.messages_per_second_max = 10;
    limits_.messages_burst = 20;
    make();
    receive_open(0, {.label = "a", .protocol = ""});
    static_cast<void>(events());
    for (int i = 0; i < 50; ++i) {
        receive(0, PayloadProtocol::kBinary, {std::byte{1}});
    }
    EXPECT_THAT(events(), SizeIs(20));
    EXPECT_EQ(counters_.messages_rate_limited, 30U);
    now_ += seconds(1);
    for (int i = 0; i < 50; ++i) {
        receive(0, PayloadProtocol::kBinary, {std::byte{1}});
    }
    EXPECT_THAT(events(), SizeIs(10));
}

}  // namespace
}  // namespace isthmus::media::data
