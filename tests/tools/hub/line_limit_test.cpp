#include "tools/hub/tenancy/line_limit.h"

#include <gtest/gtest.h>

namespace isthmus::hub {
namespace {

TEST(LineLimit, LetsSoManyThroughEachMinute) {
    LineLimit limit(3);
    int written = 0;
    for (std::int64_t now_ms = 1'000'000; now_ms < 1'060'000; now_ms += 100) {
        written += limit.take(now_ms) ? 1 : 0;
    }
    EXPECT_EQ(written, 3);
    EXPECT_TRUE(limit.take(1'060'000));
}

TEST(LineLimit, StandsAClockThatIsSetBack) {
    LineLimit limit(1);
    EXPECT_TRUE(limit.take(5'000'000));
    EXPECT_FALSE(limit.take(5'000'001));
    EXPECT_TRUE(limit.take(1'000'000));
}

}  // namespace
}  // namespace isthmus::hub
