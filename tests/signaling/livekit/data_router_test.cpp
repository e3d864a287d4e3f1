#include "signaling/livekit/data_router.h"

#include <string>

#include <gtest/gtest.h>
#include <signaling/livekit/proto/data.pb.h>

namespace isthmus::signaling::livekit {
namespace {

namespace pb = ::livekit;

std::string bytes_of(const pb::DataPacket& packet) {
    return packet.SerializeAsString();
}

std::span<const std::byte> view(const std::string& text) {
    return std::as_bytes(std::span(text));
}

pb::DataPacket parse(const RoutedData& data) {
    pb::DataPacket packet;
    EXPECT_TRUE(packet.ParseFromArray(data.bytes->data(), static_cast<int>(data.bytes->size())));
    return packet;
}

pb::DataPacket user_packet(std::string payload, std::uint32_t sequence = 0) {
    pb::DataPacket packet;
    packet.mutable_user()->set_payload(std::move(payload));
    packet.set_sequence(sequence);
    return packet;
}

const DataSender kAlice{.sid = "PA_alice", .identity = "alice"};

TEST(DataRouter, WritesTheSendersNameWhateverTheMessageClaims) {
    pb::DataPacket forged = user_packet("hello");
    forged.set_participant_identity("bob");
    forged.set_participant_sid("PA_bob");
    forged.mutable_user()->set_participant_identity("bob");
    DataRouter router;
    const auto routed = router.route(view(bytes_of(forged)), false, kAlice);
    ASSERT_TRUE(routed);
    const pb::DataPacket packet = parse(*routed);
    EXPECT_EQ(packet.participant_identity(), "alice");
    EXPECT_EQ(packet.participant_sid(), "PA_alice");
    EXPECT_EQ(packet.user().participant_identity(), "alice");
    EXPECT_EQ(packet.user().participant_sid(), "PA_alice");
    EXPECT_EQ(packet.user().payload(), "hello");
    EXPECT_EQ(packet.kind(), pb::DataPacket::LOSSY);
    EXPECT_FALSE(routed->reliable);

    DataSender hidden = kAlice;
    hidden.hidden = true;
    EXPECT_EQ(parse(*router.route(view(bytes_of(forged)), true, hidden)).participant_identity(),
              "");
}

TEST(DataRouter, SaysWhomItIsFor) {
    DataRouter router;
    const auto to_all = router.route(view(bytes_of(user_packet("a"))), true, kAlice);
    ASSERT_TRUE(to_all);
    EXPECT_TRUE(to_all->is_for("bob", "PA_bob"));

    pb::DataPacket to_bob = user_packet("a");
    to_bob.add_destination_identities("bob");
    const auto routed = router.route(view(bytes_of(to_bob)), true, kAlice);
    EXPECT_TRUE(routed->is_for("bob", "PA_1"));
    EXPECT_FALSE(routed->is_for("carol", "PA_2"));

    pb::DataPacket of_old = user_packet("a");
    of_old.mutable_user()->add_destination_sids("PA_2");
    const auto old_routed = router.route(view(bytes_of(of_old)), true, kAlice);
    EXPECT_TRUE(old_routed->is_for("carol", "PA_2"));
    EXPECT_FALSE(old_routed->is_for("bob", "PA_1"));
}

TEST(DataRouter, PassesWhatItDoesNotKnowByteForByte) {
    // Field 13 (stream_header) with content, and a field of some future version.
    const std::string header(
        "\x6a\x05\x0a\x03"
        "abc",
        7);
    const std::string future("\xca\x3e\x02hi", 5);
    DataRouter router;
    const std::string message = header + future;
    const auto routed = router.route(view(message), true, kAlice);
    ASSERT_TRUE(routed);
    const std::string sent(reinterpret_cast<const char*>(routed->bytes->data()),
                           routed->bytes->size());
    EXPECT_TRUE(sent.contains(header));
    EXPECT_TRUE(sent.contains(future));
}

TEST(DataRouter, DropsWhatCameAlready) {
    DataRouter router;
    const auto send = [&](std::uint32_t sequence, bool reliable = true) {
        return router.route(view(bytes_of(user_packet("a", sequence))), reliable, kAlice)
            .has_value();
    };
    EXPECT_TRUE(send(1));
    EXPECT_TRUE(send(3));
    EXPECT_FALSE(send(3));
    EXPECT_FALSE(send(2));
    EXPECT_TRUE(send(0));  // of a client that does not number
    EXPECT_TRUE(send(2, false));
    EXPECT_EQ(router.last_sequence(), 3U);
}

TEST(DataRouter, RefusesWhatIsNotAllowedOrNoMessage) {
    DataRouter router;
    const std::string hello = bytes_of(user_packet("hello"));
    EXPECT_EQ(
        router.route(view(hello), true, {.sid = "a", .identity = "b", .can_publish_data = false})
            .error(),
        DataFault::kNotAllowed);
    pb::DataPacket transcription;
    transcription.mutable_transcription();
    EXPECT_EQ(router.route(view(bytes_of(transcription)), true, kAlice).error(),
              DataFault::kNotAllowed);
    DataSender agent = kAlice;
    agent.agent = true;
    EXPECT_TRUE(router.route(view(bytes_of(transcription)), true, agent));
    for (const std::string& nonsense :
         {std::string("\xff\xff"), hello.substr(0, hello.size() - 2)}) {
        EXPECT_EQ(router.route(view(nonsense), true, kAlice).error(), DataFault::kMalformed);
    }
}

TEST(DataRouter, CarriesAServersMessage) {
    const RoutedData routed = route_server_data({.payload = "news",
                                                 .reliable = false,
                                                 .topic = "t",
                                                 .identities = {"bob"},
                                                 .sids = {},
                                                 .nonce = "0123456789abcdef"});
    const pb::DataPacket packet = parse(routed);
    EXPECT_EQ(packet.user().payload(), "news");
    EXPECT_EQ(packet.user().topic(), "t");
    EXPECT_EQ(packet.user().nonce(), "0123456789abcdef");
    EXPECT_EQ(packet.kind(), pb::DataPacket::LOSSY);
    EXPECT_TRUE(routed.is_for("bob", ""));
    EXPECT_FALSE(routed.is_for("alice", ""));
}

}  // namespace
}  // namespace isthmus::signaling::livekit
