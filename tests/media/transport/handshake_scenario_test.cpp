// Connecting over lines that are good, bad and hostile. Topology: transport_scenario.h.
#include <array>

#include <gtest/gtest.h>

#include "tests/media/transport/transport_scenario.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::transport {
namespace {

using simulator::for_each_seed;
using simulator::LinkConfig;
using std::chrono::milliseconds;
using std::chrono::seconds;

[[nodiscard]] bool is_dtls(std::span<const std::byte> bytes) {
    return classify(bytes) == DatagramKind::kDtls;
}

TEST(Handshake, ConnectsOverACleanLineInFourRoundTrips) {
    Scenario scenario({});
    scenario.begin();
    const Instant start = scenario.simulator.now();
    ASSERT_TRUE(scenario.run_until_connected());
    // A check, a nomination, two of DTLS; 20 ms each.
    EXPECT_EQ(scenario.simulator.now() - start, milliseconds(80));
    EXPECT_EQ(scenario.node->transport.srtp_profile(), SrtpProfile::kAeadAes128Gcm);
    EXPECT_EQ(scenario.client->client.srtp_profile(), SrtpProfile::kAeadAes128Gcm);
    EXPECT_EQ(scenario.node->transport.handshake_rtt(), milliseconds(20));
    EXPECT_EQ(scenario.node->count(TransportEventKind::kConnected), 1U);
    EXPECT_EQ(scenario.node->count(TransportEventKind::kPathChanged), 1U);
    EXPECT_EQ(scenario.client->client.mapped(), scenario.client_address);
    scenario.expect_media_flows();
}

TEST(Handshake, ConnectsToAClientThatNominatesAtOnce) {
    ScenarioOptions options;
    options.nominate_at_once = true;
    Scenario scenario(options);
    scenario.begin();
    ASSERT_TRUE(scenario.run_until_connected());
    scenario.expect_media_flows();
}

TEST(Handshake, ConnectsAsDtlsClient) {
    ScenarioOptions options;
    options.node_role = DtlsRole::kClient;
    Scenario scenario(options);
    scenario.begin();
    ASSERT_TRUE(scenario.run_until_connected());
    EXPECT_EQ(scenario.node->transport.handshake_rtt(), milliseconds(20));
    scenario.expect_media_flows();
}

TEST(Handshake, ConnectsAfterARoleConflict) {
    ScenarioOptions options;
    options.begin_as_controlled = true;
    Scenario scenario(options);
    scenario.begin();
    ASSERT_TRUE(scenario.run_until_connected());
    EXPECT_EQ(scenario.client->client.counters().role_conflicts, 1U);
    EXPECT_EQ(scenario.node->transport.counters().stun_role_conflicts, 1U);
}

TEST(Handshake, SurvivesOneInFiveDatagramsLostEachWay) {
    for_each_seed(100, [](std::uint64_t seed) {
        ScenarioOptions options;
        options.seed = seed;
        options.client_up.loss = 0.2;
        options.client_down.loss = 0.2;
        options.node_role = seed % 2 == 0 ? DtlsRole::kServer : DtlsRole::kClient;
        options.client_identity = identity_with_long_hello();
        Scenario scenario(options);
        scenario.begin();
        ASSERT_TRUE(scenario.run_until_connected());
        scenario.network.set_lines(*scenario.client, {}, {});
        scenario.expect_media_flows();
    });
}

TEST(Handshake, SurvivesLossesInBursts) {
    for_each_seed(50, [](std::uint64_t seed) {
        ScenarioOptions options;
        options.seed = seed;
        options.client_up = {.loss = 0.2, .loss_burst = 4};
        options.client_down = {.loss = 0.2, .loss_burst = 4};
        Scenario scenario(options);
        scenario.begin();
        ASSERT_TRUE(scenario.run_until_connected());
    });
}

TEST(Handshake, SurvivesReorderingAndDuplication) {
    for_each_seed(100, [](std::uint64_t seed) {
        ScenarioOptions options;
        options.seed = seed;
        options.client_up = {.jitter = milliseconds(5), .duplicate = 0.3, .reorder = 0.3};
        options.client_down = options.client_up;
        options.node_role = seed % 2 == 0 ? DtlsRole::kServer : DtlsRole::kClient;
        options.client_identity = identity_with_long_hello();
        Scenario scenario(options);
        scenario.begin();
        ASSERT_TRUE(scenario.run_until_connected());
        EXPECT_EQ(scenario.node->count(TransportEventKind::kConnected), 1U);
        scenario.network.set_lines(*scenario.client, {}, {});
        scenario.simulator.run_for(milliseconds(200));
        scenario.expect_media_flows();
    });
}

void deliver_late(Scenario& scenario, std::span<const std::byte> bytes) {
    scenario.simulator.after(
        milliseconds(50), [&scenario, late = std::vector(bytes.begin(), bytes.end())] {
            scenario.network.inject(scenario.client_address, scenario.node_address, late);
        });
}

// The two datagrams of a browser's ClientHello: either is lost, or they change places.
TEST(Handshake, TakesAFragmentedClientHelloWhateverHappensToIt) {
    enum class Mishap : std::uint8_t { kNone, kFirstLost, kSecondLost, kSwapped };
    for (const Mishap mishap :
         {Mishap::kNone, Mishap::kFirstLost, Mishap::kSecondLost, Mishap::kSwapped}) {
        ScenarioOptions options;
        options.client_identity = identity_with_long_hello();
        Scenario scenario(options);
        int dtls_seen = 0;
        scenario.network.set_tap([&](const simulator::Network::Transit& transit) {
            if (transit.from != scenario.client_address || !is_dtls(transit.bytes)) {
                return simulator::Network::Verdict::kPass;
            }
            ++dtls_seen;
            const bool hit = (mishap == Mishap::kFirstLost && dtls_seen == 1) ||
                             (mishap == Mishap::kSecondLost && dtls_seen == 2) ||
                             (mishap == Mishap::kSwapped && dtls_seen == 1);
            if (hit && mishap == Mishap::kSwapped) {
                deliver_late(scenario, transit.bytes);
            }
            return hit ? simulator::Network::Verdict::kDrop : simulator::Network::Verdict::kPass;
        });
        scenario.begin();
        ASSERT_TRUE(scenario.run_until_connected(seconds(2))) << static_cast<int>(mishap);
        EXPECT_GE(dtls_seen, 3);
        scenario.expect_media_flows();
    }
}

TEST(Handshake, GoesOverAnotherPathThanItBeganOn) {
    // The client changes its mind between the two halves of the handshake.
    Scenario scenario({});
    const SocketAddress second = v4_address(10, 40001);
    scenario.network.add_address(*scenario.client, second);
    Path second_path = scenario.client_path();
    second_path.local = second;
    bool moved = false;
    scenario.network.set_tap([&](const simulator::Network::Transit& transit) {
        if (!moved && transit.from == scenario.node_address && is_dtls(transit.bytes)) {
            moved = true;
            scenario.simulator.after(milliseconds(1), [&] {
                scenario.client->client.add_path(scenario.simulator.now(), second_path);
                scenario.client->client.nominate(scenario.simulator.now(), second_path);
                scenario.network.settle(*scenario.client);
            });
            return simulator::Network::Verdict::kDrop;
        }
        return simulator::Network::Verdict::kPass;
    });
    scenario.begin();
    ASSERT_TRUE(scenario.run_until_connected());
    EXPECT_EQ(scenario.node->transport.selected_path()->remote, second);
    scenario.expect_media_flows();
}

TEST(Handshake, EndsOnAFingerprintThatIsNotThePromisedOne) {
    for (const DtlsRole role : {DtlsRole::kServer, DtlsRole::kClient}) {
        ScenarioOptions options;
        options.wrong_fingerprint = true;
        options.node_role = role;
        Scenario scenario(options);
        scenario.begin();
        EXPECT_FALSE(scenario.run_until_connected(seconds(5)));
        EXPECT_EQ(scenario.node->close_reason(), CloseReason::kFingerprintMismatch);
        EXPECT_EQ(scenario.node->transport.send_key(), nullptr);
        EXPECT_EQ(scenario.node->transport.next_timeout(), kNever);
        EXPECT_EQ(scenario.node->count(TransportEventKind::kClosed), 1U);
    }
}

TEST(Handshake, EndsWhereTheClientNeverSpeaksDtls) {
    ScenarioOptions options;
    options.speak_dtls = false;
    Scenario scenario(options);
    scenario.begin();
    scenario.simulator.run_for(milliseconds(29'900));
    EXPECT_FALSE(scenario.node->close_reason());
    scenario.simulator.run_for(milliseconds(200));
    EXPECT_EQ(scenario.node->close_reason(), CloseReason::kHandshakeTimeout);
}

TEST(Handshake, EndsWhereNobodyComes) {
    ScenarioOptions options;
    options.limits.handshake = seconds(10);
    Scenario scenario(options);
    scenario.simulator.run_for(milliseconds(9'999));
    EXPECT_FALSE(scenario.node->close_reason());
    scenario.simulator.run_for(milliseconds(1));
    EXPECT_EQ(scenario.node->close_reason(), CloseReason::kHandshakeTimeout);
    EXPECT_EQ(scenario.node->datagrams_sent, 0U);
}

TEST(Handshake, IsTheSameForTheSameSeed) {
    const auto run = [](std::uint64_t seed) {
        ScenarioOptions options;
        options.seed = seed;
        options.client_up = {.jitter = milliseconds(20), .loss = 0.3, .duplicate = 0.1};
        options.client_down = options.client_up;
        Scenario scenario(options);
        scenario.begin();
        EXPECT_TRUE(scenario.run_until_connected());
        return std::tuple(scenario.simulator.now(),
                          scenario.node->datagrams_sent,
                          scenario.client->client.counters().checks_sent);
    };
    EXPECT_EQ(run(3), run(3));
    EXPECT_NE(run(3), run(4));
}

}  // namespace
}  // namespace isthmus::media::transport
