// What connectors may ask of the hub ("hub.call" of docs/connectors.md), beside what their agent
// has checked: the agent holds them to their manifest's permissions, the hub to the services that
// their node hosts. A node that lies about a manifest reaches no more than the state of its own
// services.
//
// State is kept for all connectors of one service in one cluster: they are configured alike, and
// one takes over where another ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

inline constexpr std::size_t kStateKeyBytesMax = 128;
inline constexpr std::size_t kStateValueBytesMax = 64UL * 1024;
inline constexpr std::int64_t kStateKeysMax = 256;  // of one service in one cluster

struct ConnectorCall {
    std::string service;
    std::string method;
    boost::json::value params;
};

// {"service","method","params"}; kInvalidArgument where one is missing.
[[nodiscard]] Result<ConnectorCall> read_connector_call(const boost::json::value& params);

// kPermissionDenied where the node hosts no such service, or has another channel by now; kNotFound
// for a method that there is not.
[[nodiscard]] Result<boost::json::value> answer_connector_call(const Context& context,
                                                               const Fence& fence,
                                                               const ConnectorCall& call);

}  // namespace isthmus::hub
