#include "tools/agent/agent_config.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::agent {
namespace {

using ::testing::HasSubstr;

TEST(AgentConfig, ExampleSaysTheDefaults) {
    const auto example = load_agent_config("packaging/isthmus-agent.example.yaml");
    ASSERT_TRUE(example) << example.error().message;
    const AgentConfig defaults;
    EXPECT_EQ(example->state_directory, defaults.state_directory);
    EXPECT_EQ(example->runtime_directory, defaults.runtime_directory);
    EXPECT_EQ(example->proxy, defaults.proxy);
    EXPECT_EQ(example->proxy_basic_allowed, defaults.proxy_basic_allowed);
    EXPECT_EQ(example->authorities_file, defaults.authorities_file);
    EXPECT_EQ(example->outbox_bytes_max, defaults.outbox_bytes_max);
    EXPECT_EQ(example->outbox_entries_max, defaults.outbox_entries_max);
    EXPECT_EQ(example->node.enabled, defaults.node.enabled);
    EXPECT_EQ(example->node.supervision, defaults.node.supervision);
    EXPECT_EQ(example->node.unit, defaults.node.unit);
    EXPECT_EQ(example->node.command, defaults.node.command);
    EXPECT_EQ(example->node.user, defaults.node.user);
    EXPECT_EQ(example->node.url, defaults.node.url);
    EXPECT_EQ(example->node.configuration, defaults.node.configuration);
    EXPECT_EQ(example->node.healthy_within, defaults.node.healthy_within);
    EXPECT_EQ(example->node.meetings_wait, defaults.node.meetings_wait);
    EXPECT_FALSE(example->node.memory_mebibytes);
    EXPECT_FALSE(example->node.cpu_percent);
    EXPECT_FALSE(example->node.processes);
    EXPECT_EQ(example->heartbeat, defaults.heartbeat);
    EXPECT_EQ(example->connectors.directory, defaults.connectors.directory);
    EXPECT_EQ(example->connectors.user, defaults.connectors.user);
    EXPECT_EQ(example->log.level, defaults.log.level);
    EXPECT_EQ(example->log.format, defaults.log.format);
}

TEST(AgentConfig, SaysWhatIsWrongAndWhere) {
    const auto bad = parse_agent_config(
        "proxy:\n  url: https://proxy\nnode:\n  supervision: cron\n  url: nowhere\nextra: 1\n",
        "agent.yaml");
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().message, HasSubstr("agent.yaml:2: proxy.url"));
    EXPECT_THAT(bad.error().message, HasSubstr("agent.yaml:4: node.supervision"));
    EXPECT_THAT(bad.error().message, HasSubstr("agent.yaml:5: node.url"));
    EXPECT_THAT(bad.error().message, HasSubstr("extra"));
}

TEST(AgentConfig, TakesFromTheHubWhatCanChangeWhileItRuns) {
    const auto own = parse_agent_config(
        "state_directory: /state\nnode: {healthy_within: 7s, meetings_wait: 1h}\n", "a");
    ASSERT_TRUE(own);
    const auto with = with_hub_settings(
        *own, R"({"heartbeat":"3s","node":{"meetings_wait":"5m"},"log":{"level":"debug"}})");
    ASSERT_TRUE(with) << with.error().message;
    EXPECT_EQ(with->state_directory, "/state");
    EXPECT_EQ(with->heartbeat, std::chrono::seconds(3));
    EXPECT_EQ(with->node.meetings_wait, std::chrono::minutes(5));
    EXPECT_EQ(with->node.healthy_within, std::chrono::seconds(7));
    EXPECT_EQ(with->log.level, log::Level::kDebug);
    EXPECT_EQ(with_hub_settings(*own, "{}")->log.level, log::Level::kInfo);
    for (const char* const bad : {R"({"state_directory":"/"})",
                                  R"({"node":{"command":"/bin/sh"}})",
                                  R"({"heartbeat":"500ms"})",
                                  R"({"heartbeat":"2h"})",
                                  R"({"node":{"meetings_wait":"8d"}})",
                                  R"({"log":{"level":"loud"}})",
                                  "["}) {
        EXPECT_FALSE(with_hub_settings(*own, bad)) << bad;
    }
}

TEST(AgentConfig, ReadsLimits) {
    const auto config = parse_agent_config(
        "node: {limits: {memory_mebibytes: 512, cpu_percent: 150, processes: 32}}", "a");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->node.memory_mebibytes, 512U);
    EXPECT_EQ(config->node.cpu_percent, 150U);
    EXPECT_EQ(config->node.processes, 32U);
    EXPECT_FALSE(parse_agent_config("node: {limits: {memory_mebibytes: 1}}", "a"));
}

TEST(AgentConfig, NamesTheProxyAndWhatItMaySee) {
    const auto config =
        parse_agent_config("proxy: {url: \"http://node:p%40w@proxy:8080\", basic: false}", "a");
    ASSERT_TRUE(config);
    const auto connect = connect_config(*config);
    ASSERT_TRUE(connect && connect->proxy);
    EXPECT_EQ(connect->proxy->credentials->password, "p@w");
    EXPECT_FALSE(connect->proxy->basic_allowed);
    EXPECT_FALSE(connect_config({})->proxy);
}

}  // namespace
}  // namespace isthmus::agent
