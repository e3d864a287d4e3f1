#include "media/worker/data_outbox.h"

#include <memory>

#include <gtest/gtest.h>

namespace isthmus::media {
namespace {

std::shared_ptr<const std::vector<std::byte>> some_bytes() {
    return std::make_shared<const std::vector<std::byte>>(10);
}

TEST(DataOutbox, HandsOverOnceWhatGoesToMany) {
    DataOutbox outbox;
    const auto one = some_bytes();
    const auto other = some_bytes();
    EXPECT_TRUE(outbox.add({1}, {.channel = 1, .bytes = one}));
    EXPECT_FALSE(outbox.add({2}, {.channel = 1, .bytes = one}));
    EXPECT_FALSE(outbox.add({1}, {.channel = 1, .bytes = other}));
    std::vector<std::size_t> runs;
    EXPECT_TRUE(outbox
                    .flush([&](const auto& messages) {
                        runs.push_back(messages.size());
                        return true;
                    })
                    .empty());
    EXPECT_EQ(runs, (std::vector<std::size_t>{2, 1}));
    EXPECT_TRUE(outbox.add({1}, {.channel = 1, .bytes = one})) << "a new turn";
}

TEST(DataOutbox, NamesWhoLostWhatWasPromised) {
    DataOutbox outbox;
    outbox.on_event(
        DataChannelOpened{.connection = {1}, .channel = 3, .label = "_lossy", .reliable = false});
    outbox.on_event(DataChannelOpened{.connection = {1}, .channel = 1, .label = "_reliable"});
    const auto lose_all = [&] { return outbox.flush([](const auto&) { return false; }); };
    static_cast<void>(outbox.add({1}, {.channel = 3, .bytes = some_bytes()}));
    EXPECT_TRUE(lose_all().empty());
    static_cast<void>(outbox.add({1}, {.channel = 1, .bytes = some_bytes()}));
    static_cast<void>(outbox.add({1}, {.channel = 1, .bytes = some_bytes()}));
    EXPECT_EQ(lose_all(), std::vector<ConnectionId>{{1}});
    // The number serves another channel later.
    outbox.on_event(DataChannelClosed{.connection = {1}, .channel = 3});
    static_cast<void>(outbox.add({1}, {.channel = 3, .bytes = some_bytes()}));
    EXPECT_EQ(lose_all(), std::vector<ConnectionId>{{1}});
}

}  // namespace
}  // namespace isthmus::media
