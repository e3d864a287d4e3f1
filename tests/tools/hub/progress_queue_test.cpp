#include "tools/hub/channels/progress_queue.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus::hub {
namespace {

ProgressQueue::Told told(const std::string& command, std::size_t message_bytes = 0) {
    return {.id = {},
            .progress = {.command = command,
                         .state = "running",
                         .percent = 0,
                         .message = std::string(message_bytes, 'm'),
                         .result = {}}};
}

std::vector<std::string> commands_of(const ProgressQueue::Batch& batch) {
    std::vector<std::string> commands;
    for (const ProgressQueue::Told& each : batch) {
        commands.push_back(each.progress.command);
    }
    return commands;
}

using Commands = std::vector<std::string>;

TEST(ProgressQueue, GivesOneBatchAtATime) {
    ProgressQueue queue;
    EXPECT_TRUE(queue.begin_batch().empty());
    EXPECT_TRUE(queue.add(told("a")));
    EXPECT_EQ(commands_of(queue.begin_batch()), Commands{"a"});
    EXPECT_TRUE(queue.add(told("b")) && queue.add(told("c")));
    EXPECT_TRUE(queue.begin_batch().empty());
    queue.end_batch();
    EXPECT_EQ(commands_of(queue.begin_batch()), (Commands{"b", "c"}));
    queue.end_batch();
    EXPECT_TRUE(queue.begin_batch().empty());
}

TEST(ProgressQueue, KeepsTheOrderOfWhatWasNotWritten) {
    ProgressQueue queue;
    EXPECT_TRUE(queue.add(told("a")) && queue.add(told("b")));
    auto batch = queue.begin_batch();
    EXPECT_TRUE(queue.add(told("c")));
    queue.put_back(std::move(batch));
    EXPECT_EQ(commands_of(queue.begin_batch()), (Commands{"a", "b", "c"}));
}

TEST(ProgressQueue, IsBoundedAlsoByWhatWasNotWritten) {
    constexpr std::size_t kMiB = 1024UL * 1024;
    ProgressQueue queue;
    EXPECT_TRUE(queue.add(told("a", 3 * kMiB)));
    auto batch = queue.begin_batch();
    EXPECT_TRUE(queue.add(told("b", kMiB / 2)));
    queue.put_back(std::move(batch));
    EXPECT_FALSE(queue.add(told("c", kMiB)));
}

}  // namespace
}  // namespace isthmus::hub
