#include "tools/agent/back_off.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace isthmus::agent {
namespace {

using std::chrono::seconds;

TEST(BackOff, SpreadsAgentsOverAGrowingSpan) {
    std::set<Duration> first;
    std::set<Duration> last;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        SeededRandom random(seed);
        BackOff back_off({.first_span = seconds(4), .longest_span = seconds(30)});
        first.insert(back_off.next(random));
        for (int i = 0; i < 6; ++i) {
            last.insert(back_off.next(random));
        }
    }
    EXPECT_LT(*first.rbegin(), seconds(4));
    EXPECT_GT(*first.rbegin(), seconds(3));
    EXPECT_LT(*first.begin(), seconds(1));
    EXPECT_LT(*last.rbegin(), seconds(30));
    EXPECT_GT(*last.rbegin(), seconds(28));
}

TEST(BackOff, BeginsAnewAfterSuccess) {
    SeededRandom random(1);
    BackOff back_off({.first_span = seconds(1), .longest_span = seconds(1000)});
    for (int i = 0; i < 20; ++i) {
        std::ignore = back_off.next(random);
    }
    back_off.succeeded();
    EXPECT_LT(back_off.next(random), seconds(1));
}

}  // namespace
}  // namespace isthmus::agent
