// Private keys in files: mode 0600, whole or not at all.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace isthmus::channel {

// Through a new file, fsync and a rename (and fsync of the folder), so that a crash or a full disk
// leaves the old file or the new one.
[[nodiscard]] Result<void> write_private_file(const std::filesystem::path& path,
                                              const std::string& text);

// kNotFound where there is none; kPermissionDenied where others than the owner may read it, for
// then it is no secret; kInvalidArgument above `bytes_max`.
[[nodiscard]] Result<std::string> read_private_file(const std::filesystem::path& path,
                                                    std::size_t bytes_max = 1024UL * 1024);

}  // namespace isthmus::channel
