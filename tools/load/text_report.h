// The report that people read on a terminal.
#pragma once

#include <string>

#include "tools/load/run_report.h"

namespace isthmus::load {

[[nodiscard]] std::string write_text_report(const RunReport& report);

// What was asked for, in one line.
[[nodiscard]] std::string describe_load(const LoadOptions& options);

}  // namespace isthmus::load
