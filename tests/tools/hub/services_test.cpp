// Services of nodes as an administrator, a node and its connectors see them.
#include <memory>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/hub_fixture.h"
#include "tools/hub/fleet/connector_calls.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

class ServicesTest : public HubFixture {
  protected:
    channel::RpcResponse connector_call(ScriptedAgent& agent,
                                        const std::string& method,
                                        const json::value& params,
                                        const std::string& service = "example") {
        return ask(agent,
                   "connector.call",
                   {{"service", service}, {"method", method}, {"params", params}});
    }

    void activate(const std::string& node) {
        ASSERT_EQ(
            call("PUT", "/v1/hybrid/nodes/" + node + "/services/example", json::object()).status,
            202U);
    }

    json::array services(const std::string& node) {
        return call("GET", "/v1/hybrid/nodes/" + node + "/services").body.at("items").as_array();
    }
};

TEST_F(ServicesTest, ShowsWhatIsWantedAndWhatTheNodeSays) {
    const auto agent = connect_node("node");
    activate("node");
    ASSERT_TRUE(run_until([&] { return !agent->commands.empty(); }));
    EXPECT_EQ(services("node").at(0).at("reported"), json::value(nullptr));
    ASSERT_TRUE(
        ask(*agent, "heartbeat", {{"services", {{{"name", "example"}, {"state", "running"}}}}})
            .result);
    ASSERT_TRUE(run_until([&] { return services("node").at(0).at("reported").is_object(); }));
    EXPECT_EQ(services("node").at(0).at("reported").at("state"), json::value("running"));
    EXPECT_EQ(services("node").at(0).at("state"), json::value("active"));
}

TEST_F(ServicesTest, CountsNoneThatCouldNotBeActivated) {
    const auto agent = connect_node("node");
    agent->answers_commands = false;
    activate("node");
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    const auto fail = [&](const json::value& result) {
        ASSERT_TRUE(ask(*agent,
                        "command.progress",
                        {{"id", agent->commands.back().id},
                         {"state", "failed"},
                         {"message", "it does not start"},
                         {"result", result}})
                        .result);
    };
    // The agent ended before it was through: it is told again.
    fail({{"again", true}});
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 2; }));
    EXPECT_NE(agent->commands[0].id, agent->commands[1].id);
    EXPECT_EQ(agent->commands[1].method, "service.activate");
    EXPECT_EQ(services("node").at(0).at("state"), json::value("active"));
    EXPECT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 409U);
    fail({{"hosted", false}});
    EXPECT_EQ(services("node").at(0).at("state"), json::value("failed"));
    EXPECT_FALSE(connector_call(*agent, "state.get", {{"key", "k"}}).result);
    // One that is wanted anew counts again.
    agent->answers_commands = true;
    activate("node");
    ASSERT_TRUE(
        run_until([&] { return services("node").at(0).at("state") == json::value("active"); }));
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node/services/example").status, 202U);
    ASSERT_TRUE(run_until([&] { return services("node").empty(); }));
    EXPECT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 204U);
}

TEST_F(ServicesTest, TellsNothingAgainThatIsNotWantedAnyMore) {
    const auto agent = connect_node("node");
    agent->answers_commands = false;
    activate("node");
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node/services/example").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 2; }));
    ASSERT_TRUE(ask(*agent,
                    "command.progress",
                    {{"id", agent->commands[0].id},
                     {"state", "failed"},
                     {"message", ""},
                     {"result", {{"again", true}}}})
                    .result);
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 3; }));
    EXPECT_EQ(agent->commands[2].method, "ping");
}

TEST_F(ServicesTest, KeepsOneThatIsStoppedUntilTheNodeHasStoppedIt) {
    auto agent = connect_node("node");
    activate("node");
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    agent->disconnect();
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node/services/example").status, 202U);
    EXPECT_EQ(services("node").at(0).at("state"), json::value("inactive"));
    agent->connect();
    ASSERT_TRUE(run_until([&] { return services("node").empty(); }));
    EXPECT_EQ(agent->commands.back().method, "service.deactivate");
    EXPECT_EQ(call("DELETE", "/v1/hybrid/nodes/node/services/example").status, 404U);
}

TEST_F(ServicesTest, KeepsStateForAllConnectorsOfAServiceInACluster) {
    const auto one = connect_node("one");
    const auto two = connect_node("two");
    activate("one");
    activate("two");
    EXPECT_EQ(*connector_call(*one, "state.get", {{"key", "cursor"}}).result,
              (json::value{{"value", nullptr}, {"version", 0}}));
    const auto put = connector_call(
        *one, "state.put", {{"key", "cursor"}, {"value", {1, 2}}, {"expected_version", 0}});
    ASSERT_TRUE(put.result) << put.result.error().message;
    const auto got = connector_call(*two, "state.get", {{"key", "cursor"}});
    EXPECT_EQ(got.result->at("value"), (json::value{1, 2}));
    EXPECT_EQ(got.result->at("version"), put.result->at("version"));
    // Who was slower learns it.
    const auto late = connector_call(
        *two, "state.put", {{"key", "cursor"}, {"value", 3}, {"expected_version", 0}});
    ASSERT_FALSE(late.result);
    EXPECT_EQ(late.result.error().code, channel::kRpcInvalidParams);
    // A version does not come again, also where the key was away.
    ASSERT_TRUE(connector_call(*two, "state.put", {{"key", "cursor"}, {"value", nullptr}}).result);
    EXPECT_EQ(connector_call(*one, "state.get", {{"key", "cursor"}}).result->at("version"),
              json::value(0));
    const auto again = connector_call(*one, "state.put", {{"key", "cursor"}, {"value", 1}});
    EXPECT_GT(again.result->at("version").as_int64(), put.result->at("version").as_int64());
    EXPECT_EQ(connector_call(*one, "service.peers", nullptr).result->at("items").as_array().size(),
              2U);
}

TEST_F(ServicesTest, AnswersConnectorsOfActiveServicesOnly) {
    const auto agent = connect_node("node");
    const json::value key = {{"key", "k"}};
    const auto before = connector_call(*agent, "state.get", key);
    ASSERT_FALSE(before.result);
    EXPECT_EQ(before.result.error().code, channel::kRpcDenied);
    activate("node");
    EXPECT_TRUE(connector_call(*agent, "state.get", key).result);
    EXPECT_EQ(connector_call(*agent, "state.get", key, "directory").result.error().code,
              channel::kRpcDenied);
    EXPECT_EQ(connector_call(*agent, "node.remove", key).result.error().code,
              channel::kRpcInvalidParams);
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node/services/example").status, 202U);
    EXPECT_EQ(connector_call(*agent, "state.get", key).result.error().code, channel::kRpcDenied);
}

TEST_F(ServicesTest, SharesNothingBetweenClusters) {
    const auto here = connect_node("here");
    auto there = std::make_unique<ScriptedAgent>(io_, random_, enroll(make_code("lab"), "there"));
    there->connect();
    ASSERT_TRUE(run_until([&] { return there->established(); }));
    activate("here");
    activate("there");
    ASSERT_TRUE(connector_call(*here, "state.put", {{"key", "k"}, {"value", 1}}).result);
    EXPECT_EQ(connector_call(*there, "state.get", {{"key", "k"}}).result->at("value"),
              json::value(nullptr));
    EXPECT_EQ(
        connector_call(*there, "service.peers", nullptr).result->at("items").as_array().size(), 1U);
}

TEST_F(ServicesTest, BoundsWhatAServiceKeeps) {
    const auto agent = connect_node("node");
    activate("node");
    for (const json::value& bad :
         {json::value{{"key", ""}, {"value", 1}},
          json::value{{"key", std::string(kStateKeyBytesMax + 1, 'k')}, {"value", 1}},
          json::value{{"key", "k"}},
          json::value{{"key", "k"}, {"value", std::string(kStateValueBytesMax, 'v')}}}) {
        EXPECT_EQ(connector_call(*agent, "state.put", bad).result.error().code,
                  channel::kRpcInvalidParams);
    }
    for (std::int64_t i = 0; i < kStateKeysMax; ++i) {
        ASSERT_TRUE(
            connector_call(*agent, "state.put", {{"key", std::to_string(i)}, {"value", i}}).result);
    }
    EXPECT_EQ(
        connector_call(*agent, "state.put", {{"key", "more"}, {"value", 1}}).result.error().code,
        channel::kRpcLimit);
    EXPECT_TRUE(connector_call(*agent, "state.put", {{"key", "7"}, {"value", "new"}}).result);
}

}  // namespace
}  // namespace isthmus::hub
