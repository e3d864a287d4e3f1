#include "media/worker/conference_home.h"

#include <array>

#include <gtest/gtest.h>

namespace isthmus::media {
namespace {

constexpr std::uint32_t kPerWorker = 2;

TEST(ConferenceHome, BeginsOnTheWorkerWithTheLeastLoad) {
    const ConferenceHome home("RM_1");
    EXPECT_EQ(home.choose(std::array{3U, 1U, 2U}, "alice", kPerWorker), 1U);
}

TEST(ConferenceHome, StaysThereWhileThereIsRoom) {
    ConferenceHome home("RM_1");
    EXPECT_TRUE(home.add(1, {1}, "alice"));
    EXPECT_EQ(home.choose(std::array{0U, 9U, 0U}, "bob", kPerWorker), 1U);
    EXPECT_FALSE(home.add(1, {2}, "bob"));
    EXPECT_EQ(home.connections(), 2U);
}

TEST(ConferenceHome, SpansAnotherWorkerWhenAllAreFull) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    home.add(1, {2}, "bob");
    EXPECT_EQ(home.choose(std::array{5U, 2U, 4U}, "carol", kPerWorker), 1U)
        << "the others have more load: better too many here";
    EXPECT_EQ(home.choose(std::array{5U, 9U, 4U}, "carol", kPerWorker), 2U);
    EXPECT_TRUE(home.add(2, {3}, "carol"));
    EXPECT_EQ(home.choose(std::array{0U, 9U, 5U}, "dave", kPerWorker), 2U) << "home, with room";
}

TEST(ConferenceHome, SendsSomebodyWhoIsThereAlreadyToTheSameWorker) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    home.add(1, {2}, "bob");
    home.add(2, {3}, "carol");
    EXPECT_EQ(home.choose(std::array{0U, 9U, 9U}, "alice", kPerWorker), 1U);
    home.add(1, {4}, "alice");
    EXPECT_FALSE(home.remove(1, {1}, "alice")) << "the replaced connection";
    EXPECT_EQ(home.worker_of("alice"), 1U);
    EXPECT_FALSE(home.remove(1, {4}, "alice"));
    EXPECT_EQ(home.worker_of("alice"), std::nullopt);
}

TEST(ConferenceHome, LeavesAWorkerWithItsLastConnection) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    home.add(2, {2}, "bob");
    EXPECT_TRUE(home.remove(1, {1}, "alice"));
    EXPECT_EQ(home.workers(), std::vector<std::size_t>{2});
    EXPECT_TRUE(home.remove(2, {2}, "bob"));
    EXPECT_TRUE(home.workers().empty());
}

TEST(ConferenceHome, KeepsAConnectionThatAnotherStandsBeside) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    EXPECT_FALSE(home.add(1, {2}, "alice", true));
    EXPECT_FALSE(home.remove(1, {1}, "alice"));
    EXPECT_EQ(home.worker_of("alice"), 1U) << "by the other one";
    EXPECT_TRUE(home.remove(1, {2}, "alice"));
    EXPECT_EQ(home.worker_of("alice"), std::nullopt);
}

}  // namespace
}  // namespace isthmus::media
