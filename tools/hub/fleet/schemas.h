// What the hub knows of programs' configurations, so that a slip is told to who makes it and not
// hours later by a node. What it does not know passes: the program itself has the last word, and
// the agent goes back to the last good configuration where it says no.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace isthmus::hub {

// What is wrong with it, with its path, else empty.
[[nodiscard]] std::string fault_of_program_configuration(const std::string& program,
                                                         const boost::json::value& configuration);

}  // namespace isthmus::hub
