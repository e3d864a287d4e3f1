// What nodes are told to do: waiting, under way, and how it ended.
//
// A command waits in the database until its node is there, is sent with the next sequence of the
// node, and is sent again under a new sequence and the same id where the channel ended before the
// node said that it has it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "control-agent/channel/command.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// A node that does not take a command within this time after it was sent has lost it.
inline constexpr std::int64_t kCommandSeconds = 120;
// A command that no node came for.
inline constexpr std::int64_t kCommandWaitSeconds = std::int64_t{24} * 3600;
inline constexpr std::int64_t kWaitingCommandsMax = 100;  // for one node
inline constexpr std::size_t kCommandParamsBytesMax = 256UL * 1024;

struct NewCommand {
    std::string node;  // known to be the caller's
    std::string method;
    boost::json::value params;
};

// Its id. "configuration.apply" takes the place of one that waits.
[[nodiscard]] Result<std::string> add_command(const Context& context, const NewCommand& command);

// The newest first.
[[nodiscard]] boost::json::value list_commands(const Context& context, const std::string& node);
[[nodiscard]] Result<boost::json::value> show_command(const Context& context,
                                                      const std::string& id);

// The place that a channel has in the order of a node's channels: what an older one still wants to
// write does not count.
struct Fence {
    std::string node;
    std::int64_t number = 0;
};

// Is it the newest, and the node not revoked? It stays so until this transaction ends: what is
// written under it is there before a later channel begins, on whichever instance.
[[nodiscard]] bool holds_fence(const Context& context, const Fence& fence);

// Those that are to be sent now, with their sequences; none where the fence is not the newest.
[[nodiscard]] std::vector<channel::Command> take_commands(const Context& context,
                                                          const Fence& fence);

// When a new channel begins: what was sent on the old one and not accepted is to be sent again.
void resend_commands(const Context& context, const std::string& node);

struct Progress {
    std::string command;
    std::string state;  // accepted, running, succeeded, failed
    std::int64_t percent = 0;
    std::string message;
    boost::json::value result;
};

// kInvalidArgument for a state that there is not, kNotFound where it is not this node's command.
[[nodiscard]] Result<void> note_progress(const Context& context,
                                         const Fence& fence,
                                         const Progress& progress);

void expire_commands(const Context& context);

}  // namespace isthmus::hub
