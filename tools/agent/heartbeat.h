// What a heartbeat says, made of what the agent knows. No input or output here.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "control-agent/configuration/configuration_files.h"
#include "control-agent/outbox/outbox.h"

namespace isthmus::agent {

// The node as it last answered.
struct NodeReport {
    bool expected = true;  // this machine is to have one
    bool serves = false;
    std::string fault;               // why not
    std::string version;             // empty until it said so
    boost::json::value maintenance;  // {"mode","conferences","participants","ends_at"}, or null
};

struct HeartbeatFacts {
    std::string agent_version;
    NodeReport node;
    std::uint64_t configuration_version = 0;  // of all programs together, as the hub counts
    bool configuring = false;
    configuration::ConfigurationRecord configuration;
    outbox::OutboxState outbox;
    boost::json::array alarms;
    boost::json::array services;
    double load_of_a_core = 0;  // of the machine: one minute's average over its cores
};

// operational, impaired, outage or maintenanceMode.
[[nodiscard]] std::string node_state(const HeartbeatFacts& facts);
[[nodiscard]] boost::json::object heartbeat(const HeartbeatFacts& facts);

}  // namespace isthmus::agent
