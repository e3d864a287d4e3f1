// What doctor and status print.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "tools/agent/doctor.h"

namespace isthmus::agent {

// "ok    clock: within 0 s of the hub's"
[[nodiscard]] std::string finding_report(const Finding& finding);

// Of a status file: whether it is of an agent that lives and is connected.
[[nodiscard]] bool is_connected(const boost::json::object& status);
[[nodiscard]] std::string status_report(const boost::json::object& status);

}  // namespace isthmus::agent
