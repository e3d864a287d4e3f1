#include "tools/load/node_probe.h"

#include <gtest/gtest.h>
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

TEST(NodeProbe, SaysThatThereIsNoSuchProcess) {
    EXPECT_EQ(read_node_usage(-1).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace isthmus::load
