// What nodes report: alarms, usage records, audit. Kept once each, whatever a node sends twice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

inline constexpr std::size_t kEventsOfOnePush = 1000;
inline constexpr std::size_t kEventBodyBytesMax = 64UL * 1024;
inline constexpr std::int64_t kEventsKeptDays = 400;

struct NodeEvent {
    std::int64_t sequence = 0;
    std::int64_t time_ms = 0;
    std::string kind;
    std::string body;     // JSON
    std::string guest{};  // another organisation that it counts for; see shares.h
};

struct EventPush {
    std::string epoch;  // of the node's outbox: another one begins at another number
    std::vector<NodeEvent> entries;
};

// {"epoch","entries":[{"sequence","time_ms","kind","body"}]}; kInvalidArgument where one of them is
// malformed, too long or out of order.
[[nodiscard]] Result<EventPush> read_events(const boost::json::value& params);

// The last sequence that is kept now; the caller says so after the commit. kPermissionDenied where
// another channel took over.
[[nodiscard]] Result<std::int64_t> keep_events(const Context& context,
                                               const Fence& fence,
                                               const std::string& organisation,
                                               const EventPush& push);

// Of one node ("" for all), the newest first.
[[nodiscard]] boost::json::value list_events(const Context& context,
                                             const std::string& node,
                                             std::int64_t limit);

void forget_events(const Context& context);

}  // namespace isthmus::hub
