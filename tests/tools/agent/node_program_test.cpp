#include "tools/agent/node_program.h"

#include <fstream>
#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

// What is written for the node is what the agent then finds its key in.
TEST(NodeProgram, GetsAKeyForTheAgentAmongItsOwn) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "node.yaml";
    const auto text = node_configuration_text(
        json::parse(R"({"keys":{"other":"0123456789"},"media":{"workers":2}})"), "secret\"1");
    ASSERT_TRUE(text);
    std::ofstream(path) << *text;
    const auto key = read_node_key(path);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->user, kAgentKeyName);
    EXPECT_EQ(key->password, "secret\"1");
    EXPECT_EQ(json::parse(*text).at("keys").at("other").as_string(), "0123456789");
    EXPECT_EQ(json::parse(*text).at("media").at("workers").as_int64(), 2);
}

TEST(NodeProgram, FindsAKeyInAnOperatorsFile) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "node.yaml";
    std::ofstream(path) << "# mine\nkeys:\n  mine: abc\n  yours: def\n";
    EXPECT_EQ(read_node_key(path)->password, "abc");
    std::ofstream(path) << "media: {}\n";
    EXPECT_FALSE(read_node_key(path));
    std::ofstream(path) << "keys: [";
    EXPECT_FALSE(read_node_key(path));
}

TEST(NodeProgram, IsHeldToItsLimits) {
    NodeSettings settings;
    EXPECT_FALSE(node_spec(settings).limits.memory_bytes);
    settings.memory_mebibytes = 2;
    settings.cpu_percent = 150;
    settings.processes = 20;
    const supervisor::ProgramSpec spec = node_spec(settings);
    EXPECT_EQ(spec.limits.memory_bytes, 2U * 1024 * 1024);
    EXPECT_EQ(spec.limits.cpu_percent, 150U);
    EXPECT_EQ(spec.limits.processes, 20U);
}

TEST(NodeProgram, TakesAnObjectOnly) {
    EXPECT_FALSE(node_configuration_text(json::value("text"), "secret"));
    EXPECT_TRUE(node_configuration_text(json::object{}, "secret"));
}

}  // namespace
}  // namespace isthmus::agent
