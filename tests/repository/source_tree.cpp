#include "tests/repository/source_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace isthmus::repository {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 12> kTop = {"base",
                                                   "media",
                                                   "signaling",
                                                   "cascade",
                                                   "control-agent",
                                                   "tools",
                                                   "benchmarks",
                                                   "tests",
                                                   "docs",
                                                   "cmake",
                                                   "packaging",
                                                   ".ci"};

bool is_foreign(const fs::path& folder) {
    const fs::path name = folder.filename();
    return name == "node_modules" || name == "output";
}

void add_files_below(std::string_view top, std::vector<std::string>& files) {
    for (fs::recursive_directory_iterator entry(top), end; entry != end; ++entry) {
        if (entry->is_directory() && is_foreign(entry->path())) {
            entry.disable_recursion_pending();
        } else if (entry->is_regular_file()) {
            files.push_back(entry->path().generic_string());
        }
    }
}

}  // namespace

std::vector<std::string> list_files() {
    std::vector<std::string> files;
    for (const std::string_view top : kTop) {
        if (fs::exists(top)) {
            add_files_below(top, files);
        }
    }
    std::ranges::sort(files);
    return files;
}

std::vector<std::string> list_files(const std::vector<std::string>& endings) {
    std::vector<std::string> files = list_files();
    std::erase_if(files, [&endings](const std::string& file) {
        return std::ranges::none_of(
            endings, [&file](const std::string& ending) { return file.ends_with(ending); });
    });
    return files;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

}  // namespace isthmus::repository
