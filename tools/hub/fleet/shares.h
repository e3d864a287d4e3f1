// Nodes that serve more than one organisation: the one that has a node offers it, another accepts;
// or an operator of the hub says so for both.
//
// The host goes on as before: the node is its own, it alone changes it and sees all that the node
// says. A guest is shown three things: that the node is there, whether it works, and the usage that
// the node counts for that guest. It gives no commands, for there is none that touches one
// organisation only; it sees neither load nor alarms, in which other guests would show.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

inline constexpr std::int64_t kSharesOfANodeMax = 1000;
inline constexpr std::int64_t kOffersMax = 100;  // that wait for one organisation

// --- the host; `node` is known to be the caller's --------------------------------------------

[[nodiscard]] boost::json::value list_shares(const Context& context, const std::string& node);
// `guest`: the organisation's id, which it shows to whom it wants to be found by. Names would let
// everybody ask who else is on this hub.
[[nodiscard]] Result<void> offer_share(const Context& context,
                                       const std::string& node,
                                       const std::string& guest);
[[nodiscard]] Result<void> end_share(const Context& context,
                                     const std::string& node,
                                     const std::string& guest);
// With the node itself.
void end_shares_of(const Context& context, const std::string& node);

// --- the guest; `node` is an id, or a name among those that are offered to it
// ---------------------

// Offers say which node and whose; more is shown once they are accepted.
[[nodiscard]] boost::json::value list_shared_nodes(const Context& context);
[[nodiscard]] Result<boost::json::value> show_shared_node(const Context& context,
                                                          const std::string& node);
[[nodiscard]] Result<void> accept_share(const Context& context, const std::string& node);
// An offer is declined, what was accepted ends.
[[nodiscard]] Result<void> leave_share(const Context& context, const std::string& node);
// What the node counted for the caller's organisation since it accepted, the newest first.
[[nodiscard]] Result<boost::json::value> list_shared_usage(const Context& context,
                                                           const std::string& node,
                                                           std::int64_t limit);

// --- an operator of the hub ------------------------------------------------------------------

// For any node (id) and any organisation (id or name), without being asked.
[[nodiscard]] Result<void> grant_share(const Context& context,
                                       const std::string& node,
                                       const std::string& guest);

// --- channels --------------------------------------------------------------------------------

// Whom an event counts for beside the node's own organisation: "organization" of a usage record's
// body; empty: nobody.
[[nodiscard]] std::string guest_of_event(const std::string& kind, const boost::json::value& body);

}  // namespace isthmus::hub
