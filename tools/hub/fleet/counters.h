// Numbers, one row each: versions of configurations, the order of commands, how many events there
// are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// The first is 1. Other transactions that want the same counter wait for this one's end.
[[nodiscard]] std::int64_t next_number(const Context& context, const std::string& counter);

// Nothing where it was never set.
[[nodiscard]] std::optional<std::int64_t> number_of(const Context& context,
                                                    const std::string& counter);
void set_number(const Context& context, const std::string& counter, std::int64_t value);
// From 0, where it was never set.
void add_to_number(const Context& context, const std::string& counter, std::int64_t change);

}  // namespace isthmus::hub
