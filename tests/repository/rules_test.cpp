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

// What the tests share between them is explained by tests/README.md.
TEST(Repository, ExplainsEveryModuleInAReadmeOfItsOwn) {
    for (const std::string& file : list_files({"/CMakeLists.txt"})) {
        const fs::path folder = fs::path(file).parent_path();
        const std::vector<Target> targets =
            parse_declarations(read_file(file), folder.generic_string());
        const bool is_module = std::ranges::any_of(
            targets, [](const Target& target) { return target.kind == TargetKind::kLibrary; });
        if (is_module && !file.starts_with("tests/")) {
            EXPECT_TRUE(fs::exists(folder / "README.md")) << folder << " has no README.md";
        }
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
