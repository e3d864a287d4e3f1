// Holds the includes of all our sources against the module graph that the CMakeLists.txt files
// declare.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/repository/module_graph.h"
#include "tests/repository/source_tree.h"

namespace isthmus::repository {
namespace {

using ::testing::IsEmpty;

ModuleGraph read_graph() {
    std::vector<Target> targets;
    for (const std::string& file : list_files({"/CMakeLists.txt"})) {
        const std::string folder = std::filesystem::path(file).parent_path().generic_string();
        for (Target& target : parse_declarations(read_file(file), folder)) {
            targets.push_back(std::move(target));
        }
    }
    return ModuleGraph(std::move(targets));
}

// A header of the tests with no source of its own: including it links nothing, so nothing needs to
// be declared.
bool is_test_header_alone(const std::string& include) {
    std::filesystem::path source(include);
    source.replace_extension(".cpp");
    return include.starts_with("tests/") && !std::filesystem::exists(source);
}

TEST(Repository, IncludesOnlyDeclaredModules) {
    const ModuleGraph graph = read_graph();
    ASSERT_FALSE(graph.targets().empty());
    for (const std::string& file : list_files({".cpp", ".h"})) {
        std::vector<std::string> includes = quoted_includes(read_file(file));
        if (file.starts_with("tests/")) {
            std::erase_if(includes, is_test_header_alone);
        }
        for (const Violation& violation : graph.check(file, includes)) {
            ADD_FAILURE() << violation.file << " includes " << violation.include << ": "
                          << violation.reason;
        }
    }
}

TEST(Repository, IncludesFilesThatExistFromTheRoot) {
    for (const std::string& file : list_files({".cpp", ".h"})) {
        for (const std::string& include : quoted_includes(read_file(file))) {
            EXPECT_TRUE(std::filesystem::exists(include)) << file << " includes " << include;
        }
    }
}

TEST(Repository, BuildsEverySource) {
    const ModuleGraph graph = read_graph();
    for (const std::string& file : list_files({".cpp"})) {
        EXPECT_NE(graph.target_of_source(file), nullptr) << file << " is in no target";
    }
}

// `files` under `folder` that include a header whose name matches.
std::vector<std::string> files_including(const std::string& folder, const std::string& header) {
    const std::regex include("^#include [<\"](" + header + ")", std::regex::multiline);
    std::vector<std::string> files = list_files({".cpp", ".h"});
    std::erase_if(files, [&](const std::string& file) {
        return !file.starts_with(folder) || !std::regex_search(read_file(file), include);
    });
    return files;
}

TEST(Repository, MediaKnowsNoHttpNoJsonAndNoSdp) {
    EXPECT_THAT(files_including("media/", "boost/(beast|json|url)|gst/|signaling/|cascade/"),
                IsEmpty());
}

TEST(Repository, ControlAgentNeverUsesMedia) {
    EXPECT_THAT(files_including("control-agent/", "media/"), IsEmpty());
}

TEST(Repository, SharesMemoryBetweenThreadsOnlyInBaseAndIo) {
    std::vector<std::string> files =
        files_including("media/", "atomic|mutex|shared_mutex|condition_variable|thread");
    std::erase_if(files, [](const std::string& file) { return file.contains("/io/"); });
    EXPECT_THAT(files, IsEmpty());
}

}  // namespace
}  // namespace isthmus::repository
