#include "tools/agent/heartbeat.h"

#include <algorithm>
#include <string_view>

#include "control-agent/channel/json_fields.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

std::string mode_of(const NodeReport& node) {
    return channel::text_field(node.maintenance, "mode").value_or("off");
}

bool is_grave(const json::value& alarm) {
    const auto severity = channel::text_field(alarm, "severity");
    return severity == "critical" || severity == "error";
}

std::string configuration_state(const HeartbeatFacts& facts) {
    if (facts.configuring) {
        return "applying";
    }
    return facts.configuration.refused != 0 ? "failed" : "applied";
}

}  // namespace

std::string node_state(const HeartbeatFacts& facts) {
    if (facts.node.expected && !facts.node.serves) {
        return "outage";
    }
    if (mode_of(facts.node) != "off") {
        return "maintenanceMode";
    }
    return std::ranges::any_of(facts.alarms, is_grave) ? "impaired" : "operational";
}

json::object heartbeat(const HeartbeatFacts& facts) {
    json::object versions{{"agent", facts.agent_version}};
    if (!facts.node.version.empty()) {
        versions["node"] = facts.node.version;
    }
    json::object load{{"core", facts.load_of_a_core}};
    for (const std::string_view name : {"conferences", "participants"}) {
        if (const auto count = channel::integer_field(facts.node.maintenance, name)) {
            load[name] = *count;
        }
    }
    json::object maintenance{{"mode", mode_of(facts.node)}};
    if (const json::value* const ends = channel::find_field(facts.node.maintenance, "ends_at")) {
        maintenance["ends_at"] = *ends;
    }
    return {{"state", node_state(facts)},
            {"maintenance", std::move(maintenance)},
            {"versions", std::move(versions)},
            {"load", std::move(load)},
            {"configuration",
             {{"version", facts.configuration_version},
              {"state", configuration_state(facts)},
              {"refused", facts.configuration.refused},
              {"message", facts.configuration.message}}},
            {"outbox",
             {{"epoch", facts.outbox.epoch},
              {"entries", facts.outbox.entries},
              {"waiting", facts.outbox.waiting},
              {"dropped", facts.outbox.dropped}}},
            {"alarms", facts.alarms},
            {"services", facts.services}};
}

}  // namespace isthmus::agent
