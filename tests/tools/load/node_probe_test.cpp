#include "tools/load/node_probe.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace isthmus::load {
namespace {

TEST(NodeProbe, ReadsWhatTheKernelWrites) {
    EXPECT_EQ(parse_schedstat("123456789012 42 7\n"), 123'456'789'012U);
    EXPECT_EQ(parse_resident_pages("9000 1234 567 1 0 890 0\n"), 1234U);
    EXPECT_EQ(parse_schedstat(""), 0U);
    EXPECT_EQ(parse_schedstat("nothing"), 0U);
    EXPECT_EQ(parse_resident_pages("9000"), 0U);
}

TEST(NodeProbe, LooksAtAProcess) {
    const auto usage = read_node_usage(::getpid());
    ASSERT_TRUE(usage);
    EXPECT_FALSE(usage->threads.empty());
    EXPECT_GT(usage->rss_bytes, 100'000U);
    EXPECT_FALSE(usage->threads.front().name.empty());
}

// What a thread of its own, pinned to a core, counts as.
TEST(NodeProbe, KnowsWhetherANodeMayRunOnOurCores) {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int mine = 0;
    while (!CPU_ISSET(static_cast<unsigned>(mine), &allowed)) {
        ++mine;
    }
    EXPECT_TRUE(shares_cores(::getpid(), {}));
    EXPECT_TRUE(shares_cores(::getpid(), std::array{mine}));
    std::thread([mine] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(mine), &one);
        ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
        EXPECT_FALSE(shares_cores(::gettid(), std::array{mine + 1}));
        EXPECT_TRUE(shares_cores(::gettid(), std::array{mine + 1, mine}));
    }).join();
    EXPECT_FALSE(shares_cores(-1, {}));
}

TEST(NodeProbe, SaysThatThereIsNoSuchProcess) {
    EXPECT_EQ(read_node_usage(-1).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace isthmus::load
