// A node as the API describes it: its row, what it last said of itself, and what follows from both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

struct NodeRecord {
    std::string id;
    std::string organisation;
    std::string cluster;
    std::string cluster_name;
    std::string name;
    std::string state;  // enrolled, revoked
    std::string sealing_key;
    std::int64_t created_s = 0;
    std::int64_t certificate_until_s = 0;
    std::int64_t last_seen_s = 0;
    bool connected = false;
    std::int64_t applied_version = 0;
    std::string applied_state;
    boost::json::value report;  // of its last heartbeat, or null
    boost::json::array services;
};

// `condition` over nodes n.
[[nodiscard]] std::vector<NodeRecord> node_records(const Context& context,
                                                   std::string_view condition,
                                                   const SqlValues& values);

// operational, impaired, outage or maintenanceMode, as the public API has it.
[[nodiscard]] std::string_view status_of(const NodeRecord& node);
[[nodiscard]] boost::json::value describe_node(const NodeRecord& node);
[[nodiscard]] boost::json::array alarms_of(const NodeRecord& node);
// What the node last said of a service: {"state","health","detail","version","configuration"}; null
// where it says nothing of it.
[[nodiscard]] const boost::json::value* reported_service(const NodeRecord& node,
                                                         std::string_view service);
void add_connectors(const NodeRecord& node, boost::json::array& items);

// UNIX seconds as RFC 3339.
[[nodiscard]] std::string timestamp(std::int64_t unix_s);

}  // namespace isthmus::hub
