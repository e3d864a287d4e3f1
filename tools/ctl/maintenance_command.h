// isthmusctl maintenance: what it asks of the node, and how it shows the answer.
#pragma once

#include <string>

#include "base/error.h"

namespace isthmus::ctl {

inline constexpr const char* kMaintenancePath = "/api/v1/maintenance";

// The body of PUT. `deadline` is a duration ("30m"); empty: the node's default, and where it is on
// already the deadline that it has. kInvalidArgument where it is none.
[[nodiscard]] Result<std::string> maintenance_request(bool on, const std::string& deadline);

// The node's answer as lines for people.
[[nodiscard]] Result<std::string> maintenance_report(const std::string& body);

// Whether the answer says that nothing runs any more.
[[nodiscard]] bool is_maintained(const std::string& body);

}  // namespace isthmus::ctl
