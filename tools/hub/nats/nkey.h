// Keys as NATS writes them: base32 of a prefix, 32 bytes and a CRC-16. The library signs with a
// seed but wants to be told the public key that belongs to it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace isthmus::hub {

// "U..." for a user's seed "SU..."; space around it does not matter. kInvalidArgument where it is
// none.
[[nodiscard]] Result<std::string> user_key_of_seed(std::string_view seed);

}  // namespace isthmus::hub
