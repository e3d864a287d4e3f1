// What nodes report: alarms, usage records, audit. Kept once each, whatever a node sends twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

inline constexpr std::size_t kEventsOfOnePush = 1000;
inline constexpr std::size_t kEventBodyBytesMax = 64UL * 1024;

// How much is kept of what an organisation's nodes report.
struct EventLimits {
    std::int64_t days = 400;
    std::int64_t entries = 5'000'000;  // of one organisation; then the oldest go
};

// At the hub's start: all instances on one database go by what the last one said.
void set_event_limits(const Context& context, const EventLimits& limits);

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

// What is older than is kept, and the oldest of organisations that have too many; how many went
// for the second reason.
std::int64_t forget_events(const Context& context);

// A node is removed.
void forget_events_of(const Context& context,
                      const std::string& organisation,
                      const std::string& node);

// Of the caller's organisation, as an entry of /v1/hybrid/alarms: nothing while there is room.
[[nodiscard]] std::optional<boost::json::value> event_alarm(const Context& context);

}  // namespace isthmus::hub
