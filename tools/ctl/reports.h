// The API's JSON as tables for people.
#pragma once

#include <string>

#include "base/error.h"

namespace isthmus::ctl {

// Each takes the body of the API's answer; kInternal where it is not what docs/openapi.yaml says.
[[nodiscard]] Result<std::string> conferences_report(const std::string& body);
[[nodiscard]] Result<std::string> participants_report(const std::string& body);
[[nodiscard]] Result<std::string> stats_report(const std::string& body);

// The sentence of a problem+json answer, or the status where there is none.
[[nodiscard]] std::string problem_text(unsigned status, const std::string& body);

}  // namespace isthmus::ctl
