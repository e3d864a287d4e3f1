// Completion for bash, made from the command line's own description.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace isthmus::ctl {

// A script for `source <(isthmusctl completion bash)`.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

}  // namespace isthmus::ctl
