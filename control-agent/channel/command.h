// Signed commands: what the hub tells a node to do. A signature of its own, beside the channel's
// authentication, so that a command names its node, its place in the order and its end, and whoever
// carries it (another hub instance, NATS, a proxy) can neither make nor repeat one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "control-agent/channel/hub_trust.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

struct Command {
    std::string node;
    std::uint64_t sequence = 0;  // grows for ever, one order for each node
    std::int64_t expires_unix_s = 0;
    std::string id;  // stays the same where a command is sent again under a new sequence
    std::string method;
    boost::json::value params;
};

// The params of the JSON-RPC request "command": {"key","signature","payload"}.
[[nodiscard]] boost::json::object sign_command(const SigningKey& hub, const Command& command);

enum class CommandFault : std::uint8_t {
    kMalformed,
    kUnknownKey,  // no key of our hub
    kBadSignature,
    kOtherNode,
    kReplayed,  // its sequence or an older one was taken before
    kExpired,
};

[[nodiscard]] std::string_view to_string(CommandFault fault);

inline constexpr std::size_t kCommandBytesMax = 512UL * 1024;

// What passes is the hub's will for this node, now and once. The caller stores last_sequence()
// before it acts on what was let through, so that a restart lets nothing in again.
class CommandGate {
  public:
    // `trust` outlives the gate.
    CommandGate(const HubTrust& trust, std::string node, std::uint64_t last_sequence)
        : trust_(&trust), node_(std::move(node)), last_sequence_(last_sequence) {}

    // The hub's clock minus ours, from the handshake (ChannelTerms::hub_unix_s): a node whose clock
    // is an hour wrong judges expiry as the hub means it.
    void set_clock_offset(std::int64_t offset_s) { clock_offset_s_ = offset_s; }

    [[nodiscard]] std::expected<Command, CommandFault> admit(std::int64_t now_unix_s,
                                                             const boost::json::value& params);

    [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }

  private:
    const HubTrust* trust_;
    std::string node_;
    std::uint64_t last_sequence_;
    std::int64_t clock_offset_s_ = 0;
};

}  // namespace isthmus::channel
