#include "media/transport/drained_queue.h"

#include <memory>

#include <gtest/gtest.h>

namespace isthmus::media::transport {
namespace {

TEST(DrainedQueue, GivesBackInOrderAndThenNothing) {
    DrainedQueue<std::unique_ptr<int>> queue;
    EXPECT_FALSE(queue.pop());
    for (int round = 0; round < 3; ++round) {
        queue.push(std::make_unique<int>(1));
        queue.push(std::make_unique<int>(2));
        EXPECT_EQ(queue.size(), 2U);
        EXPECT_EQ(**queue.pop(), 1);
        queue.push(std::make_unique<int>(3));
        EXPECT_EQ(queue.size(), 2U);
        EXPECT_EQ(**queue.pop(), 2);
        EXPECT_EQ(**queue.pop(), 3);
        EXPECT_TRUE(queue.empty());
        EXPECT_FALSE(queue.pop());
    }
}

}  // namespace
}  // namespace isthmus::media::transport
