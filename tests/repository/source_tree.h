// Our own files, as they lie in the source folder. Tests run in the root (isthmus_test sees to
// that).
#pragma once

#include <string>
#include <vector>

namespace isthmus::repository {

// Paths relative to the root, with '/', sorted; without what is fetched, built or written by tests.
[[nodiscard]] std::vector<std::string> list_files();

// Those of list_files() that end in one of `endings`.
[[nodiscard]] std::vector<std::string> list_files(const std::vector<std::string>& endings);

[[nodiscard]] std::string read_file(const std::string& path);

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

}  // namespace isthmus::repository
