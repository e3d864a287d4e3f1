#include "tools/agent/agent_config.h"

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
