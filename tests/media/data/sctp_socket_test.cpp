// Two sockets with different limits, and nothing between them that loses or delays.
#include "media/data/sctp_socket.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/data/sctp_library.h"

namespace isthmus::media::data {
namespace {

using ::testing::SizeIs;

class SctpSocketTest : public ::testing::Test {
  protected:
    void connect() {
        client_ = *SctpSocket::connect(library_, client_limits_, 5000);
        node_ = *SctpSocket::connect(library_, node_limits_, 5000);
        exchange_packets();
        ASSERT_TRUE(has<SctpConnected>(client_->take_events()));
        ASSERT_TRUE(has<SctpConnected>(node_->take_events()));
    }

    void exchange_packets() {
        for (bool any = true; any;) {
            any = false;
            for (const auto& packet : client_->take_packets()) {
                node_->handle_packet(packet);
                any = true;
            }
            for (const auto& packet : node_->take_packets()) {
                client_->handle_packet(packet);
                any = true;
            }
            if (!any && ticks_left_ > 0) {  // delayed acknowledgements
                --ticks_left_;
                library_.pass_time(100);
                any = true;
            }
        }
        ticks_left_ = 50;
    }

    template <typename T>
    static bool has(const std::vector<SctpEvent>& events) {
        return std::ranges::any_of(
            events, [](const SctpEvent& event) { return std::holds_alternative<T>(event); });
    }

    DataLimits client_limits_;
    DataLimits node_limits_;
    SctpLibrary library_;
    std::unique_ptr<SctpSocket> client_;
    std::unique_ptr<SctpSocket> node_;
    int ticks_left_ = 50;
};

TEST_F(SctpSocketTest, AMessageLongerThanItsLimitEndsTheAssociation) {
    node_limits_.message_bytes_max = 10'000;
    connect();
    const std::vector<std::byte> longest(10'000);
    ASSERT_EQ(client_->send({.bytes = longest}), StreamSender::Outcome::kTaken);
    exchange_packets();
    EXPECT_TRUE(has<SctpMessage>(node_->take_events()));

    const std::vector<std::byte> too_long(10'001);
    ASSERT_EQ(client_->send({.bytes = too_long}), StreamSender::Outcome::kTaken);
    exchange_packets();
    const auto events = node_->take_events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(std::get<SctpEnded>(events[0]).reason, FailureReason::kMessageTooLong);
}

// usrsctp hands over half a receive buffer at a time.
TEST_F(SctpSocketTest, PutsTheLongestMessageTogether) {
    connect();
    std::vector<std::byte> message(256UL * 1024);
    for (std::size_t i = 0; i < message.size(); ++i) {
        message[i] = static_cast<std::byte>(i * 7 >> 3U);
    }
    ASSERT_EQ(client_->send({.stream = 4, .bytes = message}), StreamSender::Outcome::kTaken);
    exchange_packets();
    const auto events = node_->take_events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(std::get<SctpMessage>(events[0]).stream, 4);
    EXPECT_EQ(std::get<SctpMessage>(events[0]).bytes, message);
}

TEST_F(SctpSocketTest, SaysThatItIsFullAndNotThatItIsGone) {
    connect();
    const std::vector<std::byte> message(100'000);
    int taken = 0;
    StreamSender::Outcome outcome = StreamSender::Outcome::kTaken;
    for (; taken < 10 && outcome == StreamSender::Outcome::kTaken; ++taken) {
        outcome = client_->send({.bytes = message});
    }
    EXPECT_EQ(outcome, StreamSender::Outcome::kFull);
    exchange_packets();
    EXPECT_EQ(client_->send({.bytes = message}), StreamSender::Outcome::kTaken);
    client_->abort();
    EXPECT_EQ(client_->send({.bytes = message}), StreamSender::Outcome::kGone);
}

TEST_F(SctpSocketTest, AStreamBeyondThoseAgreedOnIsRefused) {
    connect();
    const std::vector<std::byte> message(10);
    EXPECT_EQ(client_->send({.stream = kStreams - 1, .bytes = message}),
              StreamSender::Outcome::kTaken);
    EXPECT_EQ(client_->send({.stream = kStreams, .bytes = message}), StreamSender::Outcome::kGone);
}

TEST_F(SctpSocketTest, GarbageAndShortPacketsAreIgnored) {
    connect();
    for (std::size_t length = 0; length < 64; ++length) {
        node_->handle_packet(std::vector<std::byte>(length, std::byte{0xff}));
    }
    const std::vector<std::byte> message(10);
    ASSERT_EQ(client_->send({.bytes = message}), StreamSender::Outcome::kTaken);
    exchange_packets();
    EXPECT_TRUE(has<SctpMessage>(node_->take_events()));
}

}  // namespace
}  // namespace isthmus::media::data
