// What the repository demands of its files: sizes, headers, READMEs, corpora, no traces of a
// machine.
#include <algorithm>
#include <array>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/repository/module_graph.h"
#include "tests/repository/source_tree.h"

namespace isthmus::repository {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kCode = {".cpp", ".h", ".js", ".sh", ".cmake", ".awk", ".css"};

TEST(Repository, KeepsFilesShortOrSaysWhyNot) {
    static constexpr std::size_t kLinesMax = 600;
    for (const std::string& file : list_files(kCode)) {
        const std::string text = read_file(file);
        if (lines_of(text).size() > kLinesMax) {
            EXPECT_TRUE(text.contains("Longer than 600 lines because"))
                << file << " has more than " << kLinesMax
                << " lines; split it, or say why not in a line with these words";
        }
    }
}

TEST(Repository, GuardsEveryHeaderAgainstASecondInclude) {
    for (const std::string& file : list_files({".h"})) {
        const std::vector<std::string> lines = lines_of(read_file(file));
        EXPECT_NE(std::ranges::find(lines, "#pragma once"), lines.end()) << file;
    }
}

// The root's README does not count.
bool has_readme_above(const fs::path& folder) {
    for (fs::path place = folder; !place.empty(); place = place.parent_path()) {
        if (fs::exists(place / "README.md")) {
            return true;
        }
    }
    return false;
}

TEST(Repository, ExplainsEveryModuleInAReadme) {
    for (const std::string& file : list_files({"/CMakeLists.txt"})) {
        const std::string folder = fs::path(file).parent_path().generic_string();
        const std::vector<Target> targets = parse_declarations(read_file(file), folder);
        if (std::ranges::none_of(targets,
                                 [](const Target& t) { return t.kind == TargetKind::kLibrary; })) {
            continue;
        }
        EXPECT_TRUE(has_readme_above(folder))
            << folder << " has no README.md, nor has one above it";
    }
}

TEST(Repository, SeedsEveryFuzzTarget) {
    for (const Target& target :
         parse_declarations(read_file("tests/fuzz/CMakeLists.txt"), "tests/fuzz")) {
        const fs::path corpus = "tests/fuzz/corpus/" + target.name;
        EXPECT_TRUE(fs::is_directory(corpus) && !fs::is_empty(corpus))
            << corpus << " needs a file that the target's parser accepts";
    }
}

// Wherever the checkout lies, no file may name the place: it works there and nowhere else.
TEST(Repository, NamesNoFolderOfABuildMachine) {
    const std::string here = fs::current_path().string();
    const std::regex home(R"((/home/[a-z]|/root/|/Users/)[\w.])");
    std::vector<std::string> endings = kCode;
    endings.insert(endings.end(),
                   {".md", ".json", ".yaml", ".yml", ".txt", ".html", "/dev", "/run"});
    for (const std::string& file : list_files(endings)) {
        const std::string text = read_file(file);
        std::smatch match;
        if (std::regex_search(text, match, home)) {
            ADD_FAILURE() << file << " names " << match.str();
        }
        // A path of one component may also be an ordinary word.
        if (std::ranges::count(here, '/') > 1) {
            EXPECT_FALSE(text.contains(here)) << file << " names " << here;
        }
    }
}

TEST(Repository, NeverSleepsInUnitTests) {
    const std::regex sleep(R"(\b(sleep_for|sleep_until|usleep|nanosleep)\s*\()");
    for (const std::string& file : list_files({"_test.cpp"})) {
        EXPECT_FALSE(std::regex_search(read_file(file), sleep))
            << file << " sleeps; wait for a condition or use the simulated clock";
    }
}

// Packages come from wherever the machine is set up to fetch them.
TEST(Repository, LocksNpmPackagesWithoutNamingARegistry) {
    for (const std::string& file : list_files({"package-lock.json"})) {
        EXPECT_FALSE(read_file(file).contains("\"resolved\"")) << file;
    }
}

}  // namespace
}  // namespace isthmus::repository
