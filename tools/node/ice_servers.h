// The configured STUN and TURN servers as signaling takes them.
#pragma once

#include <chrono>
#include <vector>

#include "signaling/whip/ice_servers.h"
#include "tools/node/node_config.h"

namespace isthmus::node {

[[nodiscard]] inline std::vector<signaling::whip::IceServer> ice_servers_of(
    const NodeConfig& config) {
    std::vector<signaling::whip::IceServer> servers;
    servers.reserve(config.ice_servers.size());
    for (const IceServerConfig& server : config.ice_servers) {
        servers.push_back(
            {.urls = server.urls,
             .shared_secret = server.shared_secret,
             .username = server.username,
             .credential = server.credential,
             .ttl = std::chrono::duration_cast<std::chrono::seconds>(server.credential_ttl)});
    }
    return servers;
}

}  // namespace isthmus::node
