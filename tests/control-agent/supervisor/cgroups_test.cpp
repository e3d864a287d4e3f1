// Against a folder that stands for a control group: what is written where. And against the
// machine's own, where there is one that may be divided.
#include "control-agent/supervisor/io/cgroups.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/temporary_folder.h"

namespace isthmus::supervisor {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Cgroups, HoldsAProgramToItsLimits) {
    TemporaryFolder folder;
    const auto groups = Cgroups::divide(folder.path());
    ASSERT_TRUE(groups);
    EXPECT_EQ(text_of(folder.path() / "agent/cgroup.procs"), std::to_string(::getpid()));
    EXPECT_TRUE(
        groups->add("node", {.memory_bytes = 1024, .processes = 7, .cpu_percent = 150}, 4321));
    const fs::path group = folder.path() / "program-node";
    EXPECT_EQ(text_of(group / "memory.max"), "1024");
    EXPECT_EQ(text_of(group / "pids.max"), "7");
    EXPECT_EQ(text_of(group / "cpu.max"), "150000 100000");
    EXPECT_EQ(text_of(group / "cgroup.procs"), "4321");
    // Limits that are taken away again.
    EXPECT_TRUE(groups->add("node", {}, 4321));
    EXPECT_EQ(text_of(group / "memory.max"), "max");
    EXPECT_FALSE(groups->kill("other"));
    EXPECT_TRUE(groups->kill("node"));
    EXPECT_EQ(text_of(group / "cgroup.kill"), "1");
}

TEST(Cgroups, SaysWhichLimitsCannotBeSet) {
    TemporaryFolder folder;
    const auto groups = Cgroups::divide(folder.path());
    ASSERT_TRUE(groups);
    // As where the controller is not enabled: the file cannot be written.
    fs::create_directories(folder.path() / "program-node/memory.max");
    const auto added = groups->add("node", {.memory_bytes = 1024, .processes = 7}, 4321);
    ASSERT_FALSE(added);
    EXPECT_TRUE(added.error().message.contains("memory.max"));
    EXPECT_FALSE(added.error().message.contains("pids.max"));
    EXPECT_TRUE(groups->add("node", {.processes = 7}, 4321));
}

TEST(Cgroups, AreNotThereWhereTheyCannotBeDivided) {
    EXPECT_FALSE(Cgroups::divide({}));
    EXPECT_FALSE(Cgroups::divide("/proc/no-such-group"));
}

}  // namespace
}  // namespace isthmus::supervisor
