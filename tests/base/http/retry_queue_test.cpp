#include "base/http/retry_queue.h"

#include <chrono>

#include <gtest/gtest.h>

namespace isthmus::http {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart = Instant(std::chrono::hours(1));

RetryPolicy policy() {
    return {.waiting_max = 3,
            .first_wait = milliseconds(100),
            .longest_wait = milliseconds(250),
            .tries_max = 4};
}

TEST(RetryQueue, DeliversInOrderOneAtATime) {
    RetryQueue queue(policy());
    EXPECT_EQ(queue.next_timeout(), kNever);
    queue.push("a");
    queue.push("b");
    ASSERT_EQ(*queue.poll(kStart), "a");
    EXPECT_EQ(queue.poll(kStart), nullptr);
    EXPECT_EQ(queue.next_timeout(), kNever);  // the result wakes it
    queue.on_result(kStart, true);
    ASSERT_EQ(*queue.poll(kStart), "b");
    queue.on_result(kStart, true);
    EXPECT_EQ(queue.poll(kStart), nullptr);
    EXPECT_EQ(queue.counters().delivered, 2U);
}

TEST(RetryQueue, WaitsLongerAfterEachFailureAndThenGivesUp) {
    RetryQueue queue(policy());
    queue.push("a");
    queue.push("b");
    Instant now = kStart;
    for (const int wait : {100, 200, 250}) {
        ASSERT_EQ(*queue.poll(now), "a");
        queue.on_result(now, false);
        EXPECT_EQ(queue.next_timeout(), now + milliseconds(wait));
        EXPECT_EQ(queue.poll(now + milliseconds(wait - 1)), nullptr);
        now += milliseconds(wait);
    }
    ASSERT_EQ(*queue.poll(now), "a");
    queue.on_result(now, false);
    EXPECT_EQ(queue.counters().dropped_hopeless, 1U);
    // The next one starts afresh, at once.
    ASSERT_EQ(*queue.poll(now), "b");
    queue.on_result(now, false);
    EXPECT_EQ(queue.next_timeout(), now + milliseconds(100));
    EXPECT_EQ(queue.counters().failed_tries, 5U);
}

TEST(RetryQueue, IsBounded) {
    RetryQueue queue(policy());
    EXPECT_TRUE(queue.push("a"));
    EXPECT_TRUE(queue.push("b"));
    EXPECT_TRUE(queue.push("c"));
    EXPECT_FALSE(queue.push("d"));
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(queue.counters().dropped_full, 1U);
}

}  // namespace
}  // namespace isthmus::http
