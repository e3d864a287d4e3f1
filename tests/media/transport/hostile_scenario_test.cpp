// What strangers may send: counted, never answered, never believed. Topology:
//
//     client 192.0.2.10:40000 ─┐
//                              ├─ core ─ node 198.51.100.1:5004
//     stranger 192.0.2.66:666 ─┘
#include <gtest/gtest.h>

#include "tests/media/transport/stun_builder.h"
#include "tests/media/transport/transport_scenario.h"

namespace isthmus::media::transport {
namespace {

using simulator::Network;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Notes what goes to the stranger.
class HostileTest : public ::testing::Test {
  protected:
    void SetUp() override {
        scenario_.network.set_tap([this](const Network::Transit& transit) {
            if (transit.to == stranger_) {
                ++to_stranger_;
            }
            if (transit.from == scenario_.client_address &&
                classify(transit.bytes) == DatagramKind::kStun) {
                checks_.emplace_back(transit.bytes.begin(), transit.bytes.end());
            }
            if (transit.from == scenario_.client_address &&
                classify(transit.bytes) == DatagramKind::kRtp) {
                media_.emplace_back(transit.bytes.begin(), transit.bytes.end());
            }
            return Network::Verdict::kPass;
        });
    }

    void attack(std::span<const std::byte> bytes) {
        scenario_.network.inject(stranger_, scenario_.node_address, bytes);
        scenario_.simulator.run_for(milliseconds(1));
    }

    [[nodiscard]] const TransportCounters& counters() const {
        return scenario_.node->transport.counters();
    }

    Scenario scenario_{ScenarioOptions{}};
    SocketAddress stranger_ = v4_address(66, 666);
    std::uint64_t to_stranger_ = 0;
    std::vector<std::vector<std::byte>> checks_;
    std::vector<std::vector<std::byte>> media_;
};

TEST_F(HostileTest, ChecksWithoutOurPasswordAreNotAnswered) {
    const std::string username = scenario_.node_ice.ufrag + ":" + scenario_.client_ice.ufrag;
    attack(StunBuilder().fingerprint().bytes());
    attack(StunBuilder().attribute(0x0006, username).fingerprint().bytes());
    attack(StunBuilder()
               .attribute(0x0006, username)
               .attribute(0x0025, "")
               .integrity("guess")
               .fingerprint()
               .bytes());
    attack(StunBuilder()
               .attribute(0x0006, username)
               .attribute(0x7fff, "unknown")
               .integrity("guess")
               .fingerprint()
               .bytes());
    attack(StunBuilder(0x0101).fingerprint().bytes());
    EXPECT_EQ(counters().stun_bad, 5U);
    EXPECT_EQ(scenario_.node->datagrams_sent, 0U);
    EXPECT_EQ(scenario_.node->transport.selected_path(), nullptr);
}

TEST_F(HostileTest, DtlsFromAnUnverifiedPathIsNotLookedAt) {
    DtlsEndpoint client(identity_of_client(), DtlsRole::kClient, identity_of_node()->fingerprint());
    client.start(scenario_.simulator.now());
    const auto hello = client.poll_datagram();
    ASSERT_TRUE(hello);
    attack(*hello);
    EXPECT_EQ(counters().dtls_unverified, 1U);
    EXPECT_EQ(scenario_.node->datagrams_sent, 0U);

    // Nor while the client's own handshake runs.
    scenario_.begin();
    scenario_.simulator.run_for(milliseconds(45));
    attack(*hello);
    EXPECT_EQ(counters().dtls_unverified, 2U);
    ASSERT_TRUE(scenario_.run_until_connected());
    EXPECT_EQ(to_stranger_, 0U);
}

TEST_F(HostileTest, AReplayedCheckMovesNothing) {
    scenario_.begin();
    ASSERT_TRUE(scenario_.run_until_connected());
    scenario_.simulator.run_for(seconds(20));
    ASSERT_GE(checks_.size(), 8U);
    scenario_.node->events.clear();
    const auto checks = checks_;
    for (const auto& check : checks) {
        attack(check);
    }
    EXPECT_EQ(counters().stun_bad, checks.size());
    EXPECT_EQ(to_stranger_, 0U);
    EXPECT_EQ(scenario_.node->transport.selected_path()->remote, scenario_.client_address);
    EXPECT_EQ(scenario_.node->count(TransportEventKind::kPathChanged), 0U);
    scenario_.expect_media_flows();
}

TEST_F(HostileTest, AReplayedCheckDoesNotKeepADeadClientAlive) {
    scenario_.begin();
    ASSERT_TRUE(scenario_.run_until_connected());
    scenario_.simulator.run_for(seconds(5));
    scenario_.client->silent = true;
    const auto last_check = checks_.back();
    for (int i = 0; i < 20; ++i) {
        scenario_.network.inject(scenario_.client_address, scenario_.node_address, last_check);
        scenario_.simulator.run_for(seconds(1));
    }
    EXPECT_EQ(scenario_.node->close_reason(), CloseReason::kConsentExpired);
}

TEST_F(HostileTest, ReplayedAndForgedMediaIsCountedAndDropped) {
    const auto early = make_rtp(1, 100);
    attack(early);
    attack(make_rtcp());
    EXPECT_EQ(counters().srtp_unverified, 2U);

    scenario_.begin();
    ASSERT_TRUE(scenario_.run_until_connected());
    scenario_.expect_media_flows();
    scenario_.node->received_rtp.clear();
    ASSERT_EQ(media_.size(), 1U);
    attack(media_[0]);
    EXPECT_EQ(counters().srtp_replays, 1U);
    auto forged = media_[0];
    forged[3] ^= std::byte{0x40};
    attack(forged);
    attack(make_rtp(77, 100));
    EXPECT_EQ(counters().srtp_auth_failures, 2U);
    attack(std::span(media_[0]).first(11));
    EXPECT_EQ(counters().srtp_malformed, 1U);
    EXPECT_TRUE(scenario_.node->received_rtp.empty());
    scenario_.expect_media_flows();
}

TEST_F(HostileTest, NoiseIsNeverAnswered) {
    scenario_.begin();
    ASSERT_TRUE(scenario_.run_until_connected());
    SeededRandom random(42);
    for (int i = 0; i < 5000; ++i) {
        std::vector<std::byte> noise(1 + random.next_u32() % 1400);
        random.fill(noise);
        attack(noise);
    }
    EXPECT_EQ(to_stranger_, 0U);
    EXPECT_TRUE(scenario_.node->transport.connected());
    scenario_.expect_media_flows();
}

}  // namespace
}  // namespace isthmus::media::transport
