// Data channels through a worker: SCTP over the client's DTLS, between the core and the data stack.
//
//     alice (SCTP in DTLS) --> node: WorkerCore <-> DataStack
//
// usrsctp is one per process: alice's end is another association of the same stack.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/data/data_stack.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

data::DataMessage message(std::uint16_t channel, const std::string& text) {
    std::vector<std::byte> bytes(text.size());
    std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
    return {.channel = channel,
            .binary = true,
            .bytes = std::make_shared<const std::vector<std::byte>>(std::move(bytes))};
}

std::string text_of(const data::DataMessage& message) {
    std::string text(message.bytes->size(), ' ');
    std::ranges::transform(
        *message.bytes, text.begin(), [](std::byte b) { return static_cast<char>(b); });
    return text;
}

class DataChannelsOfAWorker : public ::testing::Test {
  protected:
    // Alice's end of the connection's association.
    static data::AssociationId client_end(ConnectionId connection) {
        return {connection.value + 1000};
    }

    void open_client(ConnectionId connection, std::vector<data::DataChannelConfig> opens) {
        ASSERT_TRUE(stack_.open(meeting_.simulator().now(),
                                client_end(connection),
                                data::StreamParity::kEven,
                                {.opens = std::move(opens)}));
    }

    void run(Joined& alice, Duration duration) {
        for (Duration passed{}; passed < duration; passed += milliseconds(5)) {
            meeting_.run_for(milliseconds(5));
            const Instant now = meeting_.simulator().now();
            while (const auto record = alice.client->ice().poll_application_data()) {
                stack_.handle_packet(now, client_end(alice.connection), *record);
            }
            do_work(now);
            stack_.handle_timeout(now);
            deliver(alice);
        }
    }

    // What the worker has for the data thread.
    void do_work(Instant now) {
        DataWork work = meeting_.core().take_data_work();
        for (DataWork::Opening& opening : work.opens) {
            ASSERT_TRUE(stack_.open(now, opening.id, opening.parity, opening.description));
        }
        for (const data::SctpPacket& packet : work.packets) {
            stack_.handle_packet(now, packet.association, packet.bytes);
        }
        for (const data::AssociationId closing : work.closes) {
            stack_.close(closing);
        }
    }

    void deliver(Joined& alice) {
        std::vector<data::SctpPacket> packets;
        while (auto packet = stack_.poll_packet()) {
            if (packet->association == client_end(alice.connection)) {
                alice.client->ice().send_application_data(packet->bytes);
                meeting_.network().settle(*alice.client);
            } else {
                packets.push_back(*std::move(packet));
            }
        }
        std::vector<data::AssociationEvent> events;
        while (auto event = stack_.poll_event()) {
            (event->association == client_end(alice.connection) ? at_client_ : events)
                .push_back(*std::move(event));
        }
        meeting_.call([&](WorkerCore& core, Instant now, transport::DatagramSink& sink) {
            core.handle_data(now, packets, std::move(events), sink);
        });
    }

    template <typename Event>
    [[nodiscard]] std::vector<Event> client_events() const {
        std::vector<Event> found;
        for (const data::AssociationEvent& event : at_client_) {
            if (const auto* one = std::get_if<Event>(&event.event)) {
                found.push_back(*one);
            }
        }
        return found;
    }

    Joined join(const std::optional<data::DataDescription>& description) {
        meeting_.data = description;
        return meeting_.join_connected("alice", {audio_section(Direction::kReceive)});
    }

    Meeting meeting_{1};
    data::DataStack stack_{data::DataLimits{}};
    std::vector<data::AssociationEvent> at_client_;
};

TEST_F(DataChannelsOfAWorker, CarryWhatTheClientSendsAndWhatItIsSent) {
    Joined alice = join(data::DataDescription{});
    open_client(
        alice.connection,
        {{.label = "_reliable"}, {.label = "_lossy", .ordered = false, .max_retransmits = 0}});
    run(alice, seconds(1));
    const auto opened = meeting_.events<DataChannelOpened>();
    ASSERT_EQ(opened.size(), 2U);
    EXPECT_EQ(opened[0].label, "_reliable");
    EXPECT_TRUE(opened[0].reliable);
    EXPECT_FALSE(opened[1].reliable);
    EXPECT_EQ(opened[0].connection, alice.connection);

    stack_.send(client_end(alice.connection), message(opened[0].channel, "up"));
    stack_.send({alice.connection.value}, message(opened[1].channel, "down"));
    run(alice, seconds(1));
    const auto received = meeting_.events<DataReceived>();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].message.channel, opened[0].channel);
    EXPECT_EQ(text_of(received[0].message), "up");
    const auto at_client = client_events<data::DataMessage>();
    ASSERT_EQ(at_client.size(), 1U);
    EXPECT_EQ(text_of(at_client[0]), "down");
    const sfu::WorkerStats stats = meeting_.core().stats();
    EXPECT_EQ(stats.data_channels, 2U);
    EXPECT_EQ(stats.data_messages_received, 1U);
    EXPECT_GT(stats.data_packets_received, 2U);
    EXPECT_GT(stats.data_packets_sent, 2U);
}

TEST_F(DataChannelsOfAWorker, MayBeOpenedByTheNode) {
    Joined alice = join(data::DataDescription{.opens = {{.label = "_reliable"}}});
    open_client(alice.connection, {});
    run(alice, seconds(1));
    const auto opened = meeting_.events<DataChannelOpened>();
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_EQ(opened[0].channel % 2, 1) << "the node is the DTLS server";
    ASSERT_EQ(client_events<data::ChannelOpened>().size(), 1U);
}

TEST_F(DataChannelsOfAWorker, MayComeWithALaterDescription) {
    Joined alice = join(std::nullopt);
    run(alice, milliseconds(100));
    EXPECT_EQ(stack_.counters().associations, 0U);
    meeting_.data = data::DataDescription{};
    ASSERT_TRUE(meeting_.renegotiate(alice, {audio_section(Direction::kReceive)}));
    ASSERT_TRUE(meeting_.renegotiate(alice, {audio_section(Direction::kReceive)}));
    open_client(alice.connection, {{.label = "late"}});
    run(alice, seconds(1));
    EXPECT_EQ(meeting_.events<DataChannelOpened>().size(), 1U);
    EXPECT_EQ(stack_.counters().associations, 2U) << "alice's end and the node's";
}

TEST_F(DataChannelsOfAWorker, EndWithTheirConnection) {
    Joined alice = join(data::DataDescription{});
    open_client(alice.connection, {{.label = "_reliable"}});
    run(alice, seconds(1));
    ASSERT_EQ(stack_.counters().associations, 2U);
    meeting_.leave(alice.connection);
    do_work(meeting_.simulator().now());
    EXPECT_EQ(stack_.counters().associations, 1U) << "alice's end";
}

TEST_F(DataChannelsOfAWorker, WhoDoesNotReadLosesTheConnectionWhoLosesChannelsDoesNot) {
    Joined alice = join(data::DataDescription{});
    open_client(alice.connection, {{.label = "_reliable"}});
    run(alice, seconds(1));
    const auto fail = [&](data::FailureReason reason) {
        meeting_.call([&](WorkerCore& core, Instant now, transport::DatagramSink& sink) {
            core.handle_data(now,
                             {},
                             {{.association = {alice.connection.value},
                               .event = data::AssociationFailed{.reason = reason}}},
                             sink);
        });
    };
    fail(data::FailureReason::kAborted);
    EXPECT_EQ(meeting_.events<DataChannelClosed>().size(), 1U);
    EXPECT_TRUE(meeting_.gone().empty());
    fail(data::FailureReason::kReadsTooSlowly);
    ASSERT_EQ(meeting_.gone().size(), 1U);
    EXPECT_EQ(meeting_.gone()[0].reason, LeaveReason::kTransportFailed);
    fail(data::FailureReason::kReadsTooSlowly);
    EXPECT_EQ(meeting_.gone().size(), 1U) << "events of who is gone are nobody's";
}

TEST_F(DataChannelsOfAWorker, RecordsOfAClientThatNegotiatedNoneGoNowhere) {
    Joined alice = join(std::nullopt);
    ASSERT_TRUE(alice.client->ice().send_application_data(std::vector<std::byte>(100)));
    meeting_.network().settle(*alice.client);
    meeting_.run_for(milliseconds(100));
    EXPECT_TRUE(meeting_.core().take_data_work().empty());
}

}  // namespace
}  // namespace isthmus::media::testing
