// Leases in SQL: who of several instances does what only one may do. Each taking over has a higher
// fencing number, and what is written under a lease carries it, so that an instance that slept
// through the end of its lease changes nothing any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// The fencing number where `holder` has the lease now: it had it and holds it on, or it was free.
// Nothing where another holds it.
[[nodiscard]] std::optional<std::int64_t> take_lease(const Context& context,
                                                     const std::string& name,
                                                     const std::string& holder,
                                                     std::int64_t length_ms);

// Is the fencing number still the newest? In the transaction of what is written under the lease.
[[nodiscard]] bool holds_lease(const Context& context, const std::string& name, std::int64_t fence);

void give_lease_back(const Context& context, const std::string& name, std::int64_t fence);

}  // namespace isthmus::hub
