// Numbers that only grow, one row each: versions of configurations, the order of commands.
#pragma once

#include <cstdint>
#include <string>

#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// The first is 1. Other transactions that want the same counter wait for this one's end.
[[nodiscard]] std::int64_t next_number(const Context& context, const std::string& counter);

}  // namespace isthmus::hub
