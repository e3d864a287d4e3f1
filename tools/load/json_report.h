// The report for programs.
#pragma once

#include <string>

#include "tools/load/run_report.h"

namespace isthmus::load {

// One object; README.md names its members. Times in milliseconds, rates per second, shares 0 to 1.
[[nodiscard]] std::string write_json_report(const RunReport& report);

}  // namespace isthmus::load
