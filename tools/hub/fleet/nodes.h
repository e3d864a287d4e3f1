// Nodes: what is known of them, and what administrators do with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "control-agent/channel/signing_key.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// What a node last said is believed for so long; heartbeats that say nothing new are written once
// in kNoteSeconds.
inline constexpr std::int64_t kNoteSeconds = 60;
inline constexpr std::int64_t kSilentSeconds = kNoteSeconds * 5 / 2;

[[nodiscard]] boost::json::value list_nodes(const Context& context, const std::string& cluster);
[[nodiscard]] Result<boost::json::value> show_node(const Context& context, const std::string& id);
// The public API's connectors: the node's media program and one for each of its services.
[[nodiscard]] boost::json::value list_connectors(const Context& context);
[[nodiscard]] Result<boost::json::value> show_connector(const Context& context,
                                                        const std::string& id);
[[nodiscard]] boost::json::value list_alarms(const Context& context);

// {"name":..,"clusterId":..}; what is absent stays. True where it moved and is to be configured.
[[nodiscard]] Result<boost::json::value> change_node(const Context& context,
                                                     const std::string& id,
                                                     const boost::json::value& changes);
// Its certificate counts no more; whoever holds its channel cuts it.
[[nodiscard]] Result<void> revoke_node(const Context& context, const std::string& id);
// Refused while it hosts a service.
[[nodiscard]] Result<void> remove_node(const Context& context, const std::string& id);
// Is it the caller's? Its id, for the id or its name.
[[nodiscard]] std::optional<std::string> find_node(const Context& context,
                                                   const std::string& id_or_name);

// --- for channels, where the node itself is the one who speaks ----------------------------------

struct KnownNode {
    std::string organisation;
    channel::PublicKey key;
    bool revoked = false;
};

[[nodiscard]] std::optional<KnownNode> look_up_node(const Context& context, const std::string& id);

// The node proved itself: this instance is its home from now on, and all earlier channels of it
// count no more. Nothing where it was revoked meanwhile.
[[nodiscard]] std::optional<Fence> claim_node(const Context& context,
                                              const std::string& id,
                                              const std::string& instance);
// The channel ended.
void release_node(const Context& context, const Fence& fence);
// After a start: whoever was connected here before is not now.
void release_all_nodes(const Context& context, const std::string& instance);

struct NodeReport {
    std::string status;  // the heartbeat's JSON
    std::int64_t configuration_version = 0;
    std::string configuration_state;
};

// False where another channel has taken over, or the node was revoked.
[[nodiscard]] bool note_report(const Context& context,
                               const Fence& fence,
                               const NodeReport& report);

// A certificate that takes the place of the one before.
void note_certificate(const Context& context,
                      const std::string& node,
                      const std::string& serial,
                      std::int64_t until_s);

}  // namespace isthmus::hub
