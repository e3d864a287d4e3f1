// Where a node is, and which of our addresses leads there.
#pragma once

#include "base/error.h"
#include "media/transport/address.h"
#include "tools/load/http_message.h"

namespace isthmus::load {

// Asks the system's resolver.
[[nodiscard]] Result<media::transport::SocketAddress> resolve(const HttpAuthority& authority);

// Our address on the way to `node`, as the routing table has it.
[[nodiscard]] Result<media::transport::IpAddress> local_address_towards(
    const media::transport::SocketAddress& node);

}  // namespace isthmus::load
