// The report as one page with charts, that needs nothing else.
#pragma once

#include <string>

#include "tools/load/run_report.h"

namespace isthmus::load {

[[nodiscard]] std::string write_html_report(const RunReport& report);

}  // namespace isthmus::load
