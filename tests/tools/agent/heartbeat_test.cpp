#include "tools/agent/heartbeat.h"

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

namespace isthmus::agent {
namespace {

namespace json = boost::json;

HeartbeatFacts good() {
    return {.agent_version = "1.2",
            .node = {.serves = true,
                     .version = "1.1",
                     .maintenance = {{"mode", "off"}, {"conferences", 2}, {"participants", 7}}},
            .configuration_version = 4,
            .configuration = {.version = 4}};
}

TEST(Heartbeat, SaysHowTheNodeIs) {
    const json::object sent = heartbeat(good());
    EXPECT_EQ(sent.at("state").as_string(), "operational");
    EXPECT_EQ(sent.at("maintenance").at("mode").as_string(), "off");
    EXPECT_EQ(sent.at("versions").at("node").as_string(), "1.1");
    EXPECT_EQ(sent.at("load").at("participants").as_int64(), 7);
    EXPECT_EQ(sent.at("configuration").at("version").as_uint64(), 4U);
    EXPECT_EQ(sent.at("configuration").at("state").as_string(), "applied");
}

TEST(Heartbeat, StateFollowsFromWhatIsWrong) {
    HeartbeatFacts facts = good();
    facts.alarms = {{{"id", "clock"}, {"severity", "warning"}}};
    EXPECT_EQ(node_state(facts), "operational");
    facts.alarms = {{{"id", "disk"}, {"severity", "error"}}};
    EXPECT_EQ(node_state(facts), "impaired");
    facts.node.maintenance = {{"mode", "pending"}};
    EXPECT_EQ(node_state(facts), "maintenanceMode");
    facts.node.serves = false;
    EXPECT_EQ(node_state(facts), "outage");
    facts.node = {.expected = false};
    facts.alarms.clear();
    EXPECT_EQ(node_state(facts), "operational") << "a machine with connectors only";
}

TEST(Heartbeat, SaysWhichConfigurationWasRefused) {
    HeartbeatFacts facts = good();
    facts.configuration.refused = 5;
    facts.configuration.message = "why";
    EXPECT_EQ(heartbeat(facts).at("configuration").at("state").as_string(), "failed");
    EXPECT_EQ(heartbeat(facts).at("configuration").at("message").as_string(), "why");
    facts.configuring = true;
    EXPECT_EQ(heartbeat(facts).at("configuration").at("state").as_string(), "applying");
}

}  // namespace
}  // namespace isthmus::agent
