// The options of isthmus-load, from its command line.
#pragma once

#include <optional>

#include "tools/load/load_options.h"

namespace isthmus::load {

struct CommandLineResult {
    std::optional<LoadOptions> options;  // nothing: end now, with `status`
    int status = 0;
};

// Prints help and what is wrong itself.
[[nodiscard]] CommandLineResult parse_command_line(int argc, char** argv);

}  // namespace isthmus::load
