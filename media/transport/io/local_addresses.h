// The addresses of this machine that a client could reach: what a node without configuration offers
// as host candidates.
#pragma once

#include <vector>

#include "base/error.h"
#include "media/transport/address.h"

namespace isthmus::media::transport {

enum class LoopbackAddresses : unsigned char {
    kIfNothingElse,
    kAlso,  // behind the others
};

// Of interfaces that are up; without link-local addresses (a client's answer would need our zone).
// In the kernel's order, no address twice. Empty where the machine has none.
[[nodiscard]] Result<std::vector<IpAddress>> local_addresses(LoopbackAddresses loopback);

}  // namespace isthmus::media::transport
