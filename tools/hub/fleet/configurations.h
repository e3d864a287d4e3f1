// What clusters and nodes are to be like: one configuration for a cluster, one for a node over it,
// each kept in all its versions. Versions count through the organisation, so that a number names
// one state of one thing.
//
// A node gets its cluster's programs with its own merged over them (RFC 7396).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

enum class ConfigurationScope : std::uint8_t { kCluster, kNode };

inline constexpr std::size_t kConfigurationBytesMax = 128UL * 1024;
inline constexpr std::int64_t kConfigurationsKept = 50;  // of one thing

struct ConfigurationTarget {
    ConfigurationScope scope = ConfigurationScope::kCluster;
    std::string id;  // known to be the caller's
};

// What is to be done with a configuration: {"node":{...},"agent":{...},"<connector>":{...}}.
struct ConfigurationChange {
    boost::json::value programs;
    std::int64_t expected_version = -1;  // < 0: whatever there is
    bool now = false;                    // a node that it restarts does not wait for its meetings
};

// {"programs","expectedVersion","now"}; kInvalidArgument without programs.
[[nodiscard]] Result<ConfigurationChange> read_configuration_change(
    const boost::json::value& request);

// Queues "configuration.apply" for the nodes that it concerns; their ids go into `concerned`.
// kConflict where somebody else was faster.
[[nodiscard]] Result<std::int64_t> put_configuration(const Context& context,
                                                     const ConfigurationTarget& target,
                                                     const ConfigurationChange& change,
                                                     std::vector<std::string>& concerned);

// {"version","programs","author","createdS"}; `version` 0: the newest; version 0 and no programs
// where nobody ever set one.
[[nodiscard]] Result<boost::json::value> show_configuration(const Context& context,
                                                            const ConfigurationTarget& target,
                                                            std::int64_t version);
[[nodiscard]] boost::json::value list_configurations(const Context& context,
                                                     const ConfigurationTarget& target);

// {"version","programs"} for one node, as it is sent. Version 0: nobody set anything.
[[nodiscard]] boost::json::value effective_configuration(const Context& context,
                                                         const std::string& node);

// A node that came into another cluster: queues what it is to be like there.
[[nodiscard]] Result<void> configure_moved_node(const Context& context, const std::string& node);

// What is wrong with the form of `programs`, else empty. Their contents are checked against the
// schema of each program where the hub knows it (schemas.h), and by the programs themselves.
[[nodiscard]] std::string fault_of_programs(const boost::json::value& programs);

}  // namespace isthmus::hub
