// What the running agent says of itself to whoever asks on the machine: a file below the runtime
// directory, written anew now and then.
#pragma once

#include <cstdint>
#include <filesystem>

#include <boost/json/object.hpp>

#include "base/error.h"

namespace isthmus::agent {

// Readable by all: it holds no secret.
[[nodiscard]] Result<void> write_status(const std::filesystem::path& runtime_directory,
                                        const boost::json::object& status);
// kNotFound where no agent has run since the machine started.
[[nodiscard]] Result<boost::json::object> read_status(
    const std::filesystem::path& runtime_directory);

}  // namespace isthmus::agent
