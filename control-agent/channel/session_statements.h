// What the two sides of a handshake sign and derive. Internal to the sessions, so that both say the
// same.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "control-agent/channel/crypto.h"
#include "control-agent/channel/protocol_range.h"

namespace isthmus::channel::internal {

inline constexpr std::string_view kAgentLabel = "isthmus-channel-agent-v1";
inline constexpr std::string_view kHubLabel = "isthmus-channel-hub-v1";

// What the hub says it speaks. The agent signs it as it came, with what it chose.
inline boost::json::array offer_of(const ProtocolRange& protocols) {
    boost::json::array versions;
    for (std::int64_t version = protocols.oldest; version <= protocols.newest; ++version) {
        versions.emplace_back(version);
    }
    return versions;
}

struct ChannelKeys {
    Bytes from_agent;
    Bytes from_hub;
};

// `salt` is the agent's nonce and then the hub's.
inline ChannelKeys derive_keys(std::string_view secret,
                               std::string_view agent_nonce,
                               std::string_view hub_nonce) {
    const Bytes salt = Bytes(agent_nonce) + Bytes(hub_nonce);
    return {.from_agent = hkdf_sha256(secret, salt, "isthmus-channel-v1 agent"),
            .from_hub = hkdf_sha256(secret, salt, "isthmus-channel-v1 hub")};
}

}  // namespace isthmus::channel::internal
