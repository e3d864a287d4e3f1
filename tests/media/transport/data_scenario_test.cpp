// Application data over lines that are good and bad. Topology: transport_scenario.h.
#include <set>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "tests/media/transport/transport_scenario.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::transport {
namespace {

using simulator::for_each_seed;
using std::chrono::milliseconds;
using Bytes = std::vector<std::byte>;

// A record's content that says which it is.
[[nodiscard]] Bytes numbered(std::uint32_t number) {
    Bytes data(4 + number % 1000);
    store_be32(data.data(), number);
    return data;
}

// Notes what came; expects each to be whole and there once.
class Arrivals {
  public:
    void note(const Bytes& data) {
        ASSERT_GE(data.size(), 4U);
        const std::uint32_t number = load_be32(data.data());
        EXPECT_EQ(data, numbered(number));
        EXPECT_TRUE(seen_.insert(number).second) << number << " twice";
    }

    [[nodiscard]] std::size_t size() const { return seen_.size(); }

  private:
    std::set<std::uint32_t> seen_;
};

struct Exchange {
    explicit Exchange(Scenario& over) : scenario(over) {}

    void run(std::uint32_t records) {
        for (std::uint32_t number = 0; number < records; ++number) {
            EXPECT_TRUE(scenario.node->transport.send_application_data(numbered(number)));
            scenario.network.settle(*scenario.node);
            EXPECT_TRUE(scenario.client->client.send_application_data(numbered(number)));
            scenario.network.settle(*scenario.client);
            scenario.simulator.run_for(milliseconds(2));
            collect();
        }
        scenario.simulator.run_for(milliseconds(200));
        collect();
    }

    void collect() {
        for (const TransportEvent& event : scenario.node->events) {
            if (event.kind == TransportEventKind::kData) {
                up.note(event.data);
            }
        }
        scenario.node->events.clear();
        while (const auto data = scenario.client->client.poll_application_data()) {
            down.note(*data);
        }
    }

    Scenario& scenario;
    Arrivals up;
    Arrivals down;
};

// SCTP's packets, on which data channels stand.
TEST(TransportData, GoesBothWaysOnceConnected) {
    for (const DtlsRole role : {DtlsRole::kServer, DtlsRole::kClient}) {
        ScenarioOptions options;
        options.node_role = role;
        Scenario scenario(options);
        scenario.begin();
        EXPECT_FALSE(scenario.node->transport.send_application_data(numbered(1)));
        ASSERT_TRUE(scenario.run_until_connected());
        Exchange exchange(scenario);
        exchange.run(50);
        EXPECT_EQ(exchange.up.size(), 50U);
        EXPECT_EQ(exchange.down.size(), 50U);
        scenario.expect_media_flows();
    }
}

TEST(TransportData, ComesWholeAndOnceOverABadLine) {
    for_each_seed(20, [](std::uint64_t seed) {
        ScenarioOptions options;
        options.seed = seed;
        options.client_up = {
            .jitter = milliseconds(20), .loss = 0.1, .duplicate = 0.3, .reorder = 0.3};
        options.client_down = options.client_up;
        options.node_role = seed % 2 == 0 ? DtlsRole::kServer : DtlsRole::kClient;
        Scenario scenario(options);
        scenario.begin();
        ASSERT_TRUE(scenario.run_until_connected());
        Exchange exchange(scenario);
        exchange.run(300);
        // A tenth is lost.
        EXPECT_GT(exchange.up.size(), 220U);
        EXPECT_GT(exchange.down.size(), 220U);
        EXPECT_LT(exchange.up.size() + exchange.down.size(), 600U);
        EXPECT_GT(scenario.node->transport.counters().dtls_refused, 20U) << "duplicates";
    });
}

// The client vanishes from one address and goes on from another: the association goes with it.
TEST(TransportData, FollowsTheClientToAnotherPath) {
    Scenario scenario({});
    scenario.begin();
    ASSERT_TRUE(scenario.run_until_connected());
    const SocketAddress second = v4_address(10, 40001);
    scenario.network.add_address(*scenario.client, second);
    Path path = scenario.client_path();
    path.local = second;
    scenario.client->client.add_path(scenario.simulator.now(), path);
    scenario.client->client.nominate(scenario.simulator.now(), path);
    scenario.network.settle(*scenario.client);
    scenario.simulator.run_for(milliseconds(500));
    ASSERT_EQ(scenario.node->transport.selected_path()->remote, second);
    Exchange exchange(scenario);
    exchange.run(10);
    EXPECT_EQ(exchange.up.size(), 10U);
    EXPECT_EQ(exchange.down.size(), 10U);
}

}  // namespace
}  // namespace isthmus::media::transport
