// The reader of the module graph itself, on declarations written here.
#include "tests/repository/module_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::repository {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// base <- rtp <- sfu; sfu uses json in its sources only; a test uses sfu.
ModuleGraph example() {
    std::vector<Target> targets;
    const auto declare = [&targets](const char* folder, const char* cmake) {
        for (Target& target : parse_declarations(cmake, folder)) {
            targets.push_back(std::move(target));
        }
    };
    declare("base", "isthmus_library(base SOURCES log.cpp PUBLIC Threads::Threads)");
    declare("json", "isthmus_library(json SOURCES json.cpp)");
    declare("media/rtp", "isthmus_library(rtp SOURCES packet.cpp PUBLIC isthmus::base)");
    declare("media/sfu",
            "isthmus_library(  # comment with isthmus::hidden\n    sfu\n    SOURCES track.cpp\n"
            "    PUBLIC isthmus::rtp\n    PRIVATE isthmus::json)");
    declare("tests/media/sfu", "isthmus_test(sfu SOURCES track_test.cpp PRIVATE isthmus::sfu)");
    return ModuleGraph(std::move(targets));
}

TEST(ModuleGraph, ReadsADeclarationOverSeveralLines) {
    const ModuleGraph graph = example();
    const Target* sfu = graph.target_of_source("media/sfu/track.cpp");
    ASSERT_NE(sfu, nullptr);
    EXPECT_EQ(sfu->name, "sfu");
    EXPECT_THAT(sfu->uses_public, ElementsAre("rtp"));
    EXPECT_THAT(sfu->uses_private, ElementsAre("json"));
}

TEST(ModuleGraph, CountsSourcesThatAreAddedOnACondition) {
    const ModuleGraph graph(
        parse_declarations("isthmus_library(x SOURCES a.cpp)\nif(TARGET y)\n"
                           "    target_sources(isthmus_x PRIVATE b.cpp)\nendif()",
                           "x"));
    ASSERT_NE(graph.target_of_source("x/b.cpp"), nullptr);
    EXPECT_EQ(graph.target_of_source("x/b.cpp")->name, "x");
}

TEST(ModuleGraph, AllowsOwnDirectAndTransitivePublicIncludes) {
    EXPECT_THAT(
        example().check("media/sfu/track.cpp",
                        {"media/sfu/track.h", "media/rtp/packet.h", "base/log.h", "json/json.h"}),
        IsEmpty());
}

TEST(ModuleGraph, FindsAnIncludeThatNobodyDeclared) {
    EXPECT_THAT(example().check("media/rtp/packet.cpp", {"media/sfu/track.h"}), SizeIs(1));
}

TEST(ModuleGraph, RefusesAPrivateModuleInAHeader) {
    EXPECT_THAT(example().check("media/sfu/track.h", {"json/json.h"}), SizeIs(1));
    EXPECT_THAT(example().check("media/sfu/track.h", {"media/rtp/packet.h"}), IsEmpty());
}

TEST(ModuleGraph, DoesNotPassPrivateModulesOn) {
    EXPECT_THAT(example().check("tests/media/sfu/track_test.cpp", {"json/json.h"}), SizeIs(1));
    EXPECT_THAT(example().check("tests/media/sfu/track_test.cpp", {"base/log.h"}), IsEmpty());
}

TEST(ModuleGraph, CountsASubfolderWithoutADeclarationToItsParent) {
    EXPECT_THAT(example().check("media/sfu/io/socket.cpp", {"media/sfu/io/socket.h"}), IsEmpty());
    EXPECT_THAT(example().check("media/rtp/packet.cpp", {"media/sfu/io/socket.h"}), SizeIs(1));
}

TEST(ModuleGraph, AllowsTheHeaderOfASourceThatTheTargetBuildsItself) {
    std::vector<Target> targets = parse_declarations(
        "isthmus_program(bench SOURCES b.cpp ${CMAKE_SOURCE_DIR}/tests/x/reference.cpp)", "bench");
    targets.push_back(parse_declarations("isthmus_test(x SOURCES x_test.cpp)", "tests/x").front());
    const ModuleGraph graph(std::move(targets));
    EXPECT_THAT(graph.check("bench/b.cpp", {"tests/x/reference.h"}), IsEmpty());
    EXPECT_THAT(graph.check("bench/b.cpp", {"tests/x/other.h"}), SizeIs(1));
    EXPECT_THAT(graph.check("bench/b.h", {"tests/x/reference.h"}), IsEmpty());
    EXPECT_THAT(graph.check("bench/c.h", {"tests/x/reference.h"}), SizeIs(1));
}

TEST(ModuleGraph, RefusesAnIncludeThatNamesNoFolder) {
    EXPECT_THAT(example().check("media/sfu/track.cpp", {"track.h"}), SizeIs(1));
}

TEST(QuotedIncludes, FindsThemAmongTheOthers) {
    EXPECT_THAT(quoted_includes("#include <vector>\n#include \"base/log.h\"\n"
                                "  #  include \"media/rtp/packet.h\" // why\n"
                                "// #include_next\nconst char* s = \"#include\";\n"),
                ElementsAre("base/log.h", "media/rtp/packet.h"));
}

}  // namespace
}  // namespace isthmus::repository
