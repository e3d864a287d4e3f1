// Two hubs on one PostgreSQL that do not look into it by themselves: what one learns of the other
// it learns by hints.
#include <array>
#include <chrono>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "control-agent/channel/enrollment.h"
#include "tests/tools/hub/local_bus.h"
#include "tests/tools/hub/two_hubs_fixture.h"
#include "tools/hub/instances/hint.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

struct SharedBus {
    LocalBus bus;
};

class HintsTest : private SharedBus, public TwoHubsFixture {
  protected:
    explicit HintsTest(std::chrono::milliseconds tick = std::chrono::hours(1))
        : TwoHubsFixture({.bus = bus.maker(), .tick = tick}) {}

    [[nodiscard]] LocalBus& local_bus() { return bus; }

    // By whatever way it is: a hint that changes nothing leaves no trace to wait for.
    void let_pass() {
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(call("GET", "/v1/people/me").status, 200U);
        }
    }
};

TEST_F(HintsTest, ACommandReachesTheNodeThroughTheOther) {
    const auto agent = connect_node("node");
    ask_second();
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    EXPECT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
}

TEST_F(HintsTest, AConfigurationOfAClusterReachesItsNodesOnBoth) {
    const auto here = connect_node("here");
    const auto there = move_to_second(*connect_node("there"));
    for (Hub* hub : {hub_.get(), second_.get()}) {
        url_ = hub->url();
        const std::size_t before = here->commands.size();
        ASSERT_EQ(call("PUT",
                       "/v1/hybrid/clusters/hq/configuration",
                       {{"programs", {{"example", {{"round", before}}}}}})
                      .status,
                  200U);
        EXPECT_TRUE(run_until(
            [&] { return here->commands.size() > before && there->commands.size() > before; }));
    }
}

TEST_F(HintsTest, ARevocationCutsTheNode) {
    const auto agent = connect_node("node");
    ask_second();
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/revocation").status, 204U);
    EXPECT_TRUE(run_until([&] { return agent->closed(); }));
}

TEST_F(HintsTest, ARemovalCutsTheNode) {
    const auto agent = connect_node("node");
    ask_second();
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 204U);
    EXPECT_TRUE(run_until([&] { return agent->closed(); }));
}

TEST_F(HintsTest, AChannelToTheSecondEndsTheOneToTheFirst) {
    const auto agent = connect_node("node");
    const auto moved = move_to_second(*agent);
    EXPECT_TRUE(run_until([&] { return agent->closed(); }));
    let_pass();
    EXPECT_FALSE(moved->closed());
}

TEST_F(HintsTest, ChangedKeysAreLoaded) {
    const auto fingerprint = [&] { return channel::read_code(make_code("hq"))->fingerprint; };
    const auto before = fingerprint();
    ask_second();
    ASSERT_EQ(call("POST", "/v1/keys", {{"kind", "signing"}}).status, 200U);
    ask_first();
    EXPECT_TRUE(run_until([&] { return fingerprint() != before; }));
}

// Nothing of it is kept but in the database, so that no message is needed for it.
TEST_F(HintsTest, ASessionThatEndedOnOneEndsOnTheOther) {
    ask_second();
    ASSERT_EQ(call("GET", "/v1/people/me").status, 200U);
    ask_first();
    ASSERT_EQ(call("DELETE", "/v1/session").status, 204U);
    ask_second();
    EXPECT_EQ(call("GET", "/v1/people/me").status, 401U);
    EXPECT_TRUE(local_bus().published.empty());
}

TEST_F(HintsTest, StrangersHintsChangeNothing) {
    const auto agent = connect_node("node");
    const std::string& node = agent->identity().node;
    for (const HintKind kind : {HintKind::kRecheck, HintKind::kWake}) {
        local_bus().publish(write_hint({.kind = kind, .nodes = {node, "nobody"}}));
    }
    local_bus().publish(write_hint({.kind = HintKind::kKeys}));
    local_bus().publish("cut " + node);
    local_bus().publish(std::string(100'000, '['));
    let_pass();
    EXPECT_FALSE(agent->closed());
    EXPECT_TRUE(agent->commands.empty());
    EXPECT_EQ(ask(*agent, "heartbeat", json::object()).result.value_or(nullptr),
              json::value(json::object()));
}

// A flood of them costs looks, one at a time, and nobody's turn.
TEST_F(HintsTest, AFloodOfHintsLeavesRoomForCommands) {
    const auto agent = connect_node("node");
    const std::string hint =
        write_hint({.kind = HintKind::kRecheck, .nodes = {agent->identity().node}});
    ask_second();
    for (int i = 0; i < 2000; ++i) {
        local_bus().publish(hint);
    }
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    EXPECT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    EXPECT_FALSE(agent->closed());
}

TEST_F(HintsTest, ReadinessSaysWhereTheBusIsAway) {
    EXPECT_EQ(call_as("", "GET", "/readyz").text, "ready\n");
    local_bus().connected = false;
    const ApiReply degraded = call_as("", "GET", "/readyz");
    EXPECT_EQ(degraded.status, 200U);
    EXPECT_TRUE(degraded.text.starts_with("ready, degraded: NATS is away")) << degraded.text;
}

class LostHintsTest : public HintsTest {
  protected:
    LostHintsTest() : HintsTest(std::chrono::milliseconds(50)) { local_bus().connected = false; }
};

TEST_F(LostHintsTest, TheDatabaseSaysItAll) {
    const auto agent = connect_node("node");
    const auto revoked = connect_node("revoked");
    const auto removed = connect_node("removed");
    const auto moves = connect_node("moves");
    ask_second();
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/revoked/revocation").status, 204U);
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/removed").status, 204U);
    const auto moved = move_to_second(*moves);
    EXPECT_TRUE(run_until([&] {
        return agent->commands.size() == 1 && revoked->closed() && removed->closed() &&
               moves->closed();
    }));
    EXPECT_FALSE(agent->closed());
    EXPECT_FALSE(moved->closed());
    EXPECT_EQ(local_bus().published.size() > 0, true);
}

}  // namespace
}  // namespace isthmus::hub
