// What happens to a connection that stands: moving, restarting, going silent, saying goodbye.
// Topology: transport_scenario.h.
#include <gtest/gtest.h>

#include "tests/media/transport/transport_scenario.h"

namespace isthmus::media::transport {
namespace {

using simulator::Network;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectedTest : public ::testing::Test {
  protected:
    void SetUp() override {
        scenario_.begin();
        ASSERT_TRUE(scenario_.run_until_connected());
        scenario_.node->events.clear();
    }

    Scenario scenario_{ScenarioOptions{}};
};

TEST_F(ConnectedTest, StaysForAnHourOnChecksAlone) {
    scenario_.simulator.run_for(std::chrono::hours(1));
    EXPECT_TRUE(scenario_.node->transport.connected());
    EXPECT_TRUE(scenario_.node->events.empty());
    scenario_.expect_media_flows();
}

//     client 192.0.2.10:40000 ──▶ NAT ──▶ as 192.0.2.77:1024, from one moment to the next
TEST_F(ConnectedTest, FollowsANatThatChangesTheAddress) {
    const SocketAddress outside = v4_address(77, 1024);
    scenario_.network.rebind(scenario_.client_address, outside);
    // Until the client's next check, media from it is taken all the same.
    ASSERT_TRUE(scenario_.client->client.send_rtp(make_rtp(65'533, 10)));
    scenario_.network.settle(*scenario_.client);
    scenario_.simulator.run_for(milliseconds(30));
    EXPECT_EQ(scenario_.node->received_rtp.size(), 1U);
    EXPECT_EQ(scenario_.node->transport.selected_path()->remote, scenario_.client_address);

    scenario_.simulator.run_for(milliseconds(2600));
    EXPECT_EQ(scenario_.node->count(TransportEventKind::kPathChanged), 1U);
    EXPECT_EQ(scenario_.node->transport.selected_path()->remote, outside);
    scenario_.expect_media_flows();
}

//     client 192.0.2.10:40000 (gone) and 192.0.2.20:40002 (new network)
TEST_F(ConnectedTest, FollowsAClientThatNominatesANewPath) {
    const SocketAddress moved = v4_address(20, 40002);
    scenario_.network.add_address(*scenario_.client, moved);
    Path path = scenario_.client_path();
    path.local = moved;
    scenario_.client->client.remove_path(scenario_.client_path());
    scenario_.client->client.add_path(scenario_.simulator.now(), path);
    scenario_.client->client.nominate(scenario_.simulator.now(), path);
    scenario_.network.settle(*scenario_.client);
    scenario_.simulator.run_for(milliseconds(100));
    EXPECT_EQ(scenario_.node->count(TransportEventKind::kPathChanged), 1U);
    EXPECT_EQ(scenario_.node->transport.selected_path()->remote, moved);
    scenario_.expect_media_flows();
}

TEST_F(ConnectedTest, RestartsIceWhileMediaGoesOn) {
    const IceCredentials node{.ufrag = "nod2", .pwd = "2222222222222222222222"};
    const IceCredentials peer{.ufrag = "pee2", .pwd = "3333333333333333333333"};
    scenario_.node->transport.restart_ice(scenario_.simulator.now(), node, peer);
    scenario_.network.settle(*scenario_.node);
    EXPECT_EQ(scenario_.node->transport.local_ice(), node);
    EXPECT_EQ(scenario_.node->transport.remote_ice(), peer);
    // The answer is still on its way to the client, which checks with what it has.
    scenario_.simulator.run_for(seconds(10));
    scenario_.expect_media_flows();
    EXPECT_EQ(scenario_.node->transport.counters().stun_bad, 0U);

    const SocketAddress moved = v4_address(20, 40002);
    scenario_.network.add_address(*scenario_.client, moved);
    Path path = scenario_.client_path();
    path.local = moved;
    scenario_.client->client.restart_ice(scenario_.simulator.now(), peer, node);
    scenario_.client->client.remove_path(scenario_.client_path());
    scenario_.client->client.add_path(scenario_.simulator.now(), path);
    scenario_.network.settle(*scenario_.client);
    scenario_.simulator.run_for(milliseconds(100));
    EXPECT_EQ(scenario_.node->transport.selected_path()->remote, moved);
    EXPECT_TRUE(scenario_.node->transport.connected());
    EXPECT_EQ(scenario_.node->count(TransportEventKind::kConnected), 0U) << "no second handshake";
    scenario_.expect_media_flows();
    scenario_.simulator.run_for(seconds(60));
    scenario_.expect_media_flows();
}

TEST_F(ConnectedTest, EndsWithin15SecondsOfSilence) {
    scenario_.expect_media_flows();
    scenario_.client->silent = true;
    scenario_.simulator.run_for(milliseconds(14'800));
    EXPECT_TRUE(scenario_.node->transport.connected());
    scenario_.simulator.run_for(milliseconds(200));
    EXPECT_EQ(scenario_.node->close_reason(), CloseReason::kConsentExpired);
    EXPECT_FALSE(scenario_.node->transport.connected());
    EXPECT_EQ(scenario_.node->transport.next_timeout(), kNever);
}

TEST_F(ConnectedTest, LivesOnMediaWhereChecksAreLost) {
    scenario_.network.set_tap([](const Network::Transit& transit) {
        return classify(transit.bytes) == DatagramKind::kStun ? Network::Verdict::kDrop
                                                              : Network::Verdict::kPass;
    });
    for (std::uint16_t i = 0; i < 60; ++i) {
        ASSERT_TRUE(scenario_.client->client.send_rtp(make_rtp(i, 20)));
        scenario_.network.settle(*scenario_.client);
        scenario_.simulator.run_for(seconds(1));
    }
    EXPECT_TRUE(scenario_.node->transport.connected());
    EXPECT_EQ(scenario_.node->received_rtp.size(), 60U);
    scenario_.simulator.run_for(seconds(16));
    EXPECT_EQ(scenario_.node->close_reason(), CloseReason::kConsentExpired);
}

TEST_F(ConnectedTest, ForgedMediaDoesNotKeepItAlive) {
    scenario_.client->silent = true;
    for (std::uint16_t i = 0; i < 20; ++i) {
        scenario_.network.inject(
            scenario_.client_address, scenario_.node_address, make_rtp(i, 100));
        scenario_.simulator.run_for(seconds(1));
    }
    EXPECT_EQ(scenario_.node->close_reason(), CloseReason::kConsentExpired);
    EXPECT_GE(scenario_.node->transport.counters().srtp_auth_failures, 14U);
}

TEST_F(ConnectedTest, ReportsTheClientsGoodbye) {
    scenario_.client->client.close();
    scenario_.network.settle(*scenario_.client);
    scenario_.simulator.run_for(milliseconds(50));
    EXPECT_EQ(scenario_.node->close_reason(), CloseReason::kDtlsCloseNotify);
    EXPECT_EQ(scenario_.node->count(TransportEventKind::kClosed), 1U);
    EXPECT_FALSE(scenario_.node->transport.connected());
}

TEST_F(ConnectedTest, SaysGoodbyeWithoutReportingItsOwn) {
    scenario_.node->transport.close(scenario_.simulator.now());
    scenario_.network.settle(*scenario_.node);
    scenario_.simulator.run_for(milliseconds(50));
    EXPECT_EQ(scenario_.client->client.dtls_state(), DtlsState::kClosed);
    EXPECT_FALSE(scenario_.node->close_reason());
    EXPECT_EQ(scenario_.node->transport.next_timeout(), kNever);
}

TEST_F(ConnectedTest, KeepsTheProtectionOfRtcpInStep) {
    auto buffer = make_rtcp();
    const std::size_t plain_bytes = buffer.size();
    buffer.resize(plain_bytes + kSrtcpOverheadBytesMax);
    const auto sealed = scenario_.node->transport.protect_rtcp(buffer, plain_bytes);
    ASSERT_TRUE(sealed);
    scenario_.network.inject(scenario_.node_address, scenario_.client_address, *sealed);
    scenario_.simulator.run_for(milliseconds(50));
    EXPECT_EQ(scenario_.client->client.poll_rtcp(), make_rtcp());
}

//     client 192.0.2.10:40000 ── TCP ──▶ node 198.51.100.1:5004
TEST(TcpPath, CarriesAWholeConnectionAndIsForgottenWhenItCloses) {
    ScenarioOptions options;
    options.client_up.loss = 1;  // UDP is blocked
    options.client_down.loss = 1;
    Scenario scenario(options);
    const Network::TcpPaths tcp =
        scenario.network.connect_tcp(scenario.client_address, scenario.node_address);
    scenario.begin();
    scenario.client->client.add_path(scenario.simulator.now(), tcp.client);
    scenario.network.settle(*scenario.client);
    ASSERT_TRUE(scenario.run_until_connected());
    ASSERT_NE(scenario.node->transport.selected_path(), nullptr);
    EXPECT_EQ(*scenario.node->transport.selected_path(), tcp.server);
    scenario.expect_media_flows();

    scenario.network.set_lines(*scenario.client, {}, {});
    scenario.client->client.remove_path(tcp.client);
    scenario.network.close_tcp(tcp);
    scenario.simulator.run_for(milliseconds(40));
    EXPECT_EQ(scenario.node->transport.selected_path(), nullptr);
    scenario.client->client.nominate(scenario.simulator.now(), scenario.client_path());
    scenario.network.settle(*scenario.client);
    scenario.simulator.run_for(milliseconds(100));
    ASSERT_NE(scenario.node->transport.selected_path(), nullptr);
    EXPECT_EQ(scenario.node->transport.selected_path()->protocol, Protocol::kUdp);
    scenario.expect_media_flows();
}

TEST(TcpPath, LeavesNoPathSelectedWhenTheOnlyOneCloses) {
    Scenario scenario({});
    const Network::TcpPaths tcp =
        scenario.network.connect_tcp(scenario.client_address, scenario.node_address);
    scenario.client->client.add_path(scenario.simulator.now(), tcp.client);
    scenario.network.settle(*scenario.client);
    ASSERT_TRUE(scenario.run_until_connected());
    scenario.client->client.remove_path(tcp.client);
    scenario.network.close_tcp(tcp);
    scenario.simulator.run_for(milliseconds(40));
    EXPECT_EQ(scenario.node->transport.selected_path(), nullptr);
    EXPECT_TRUE(scenario.node->transport.connected()) << "the client may come back by another way";
    scenario.begin();
    scenario.simulator.run_for(milliseconds(100));
    scenario.expect_media_flows();
}

}  // namespace
}  // namespace isthmus::media::transport
