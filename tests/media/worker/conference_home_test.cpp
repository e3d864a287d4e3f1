#include "media/worker/conference_home.h"

#include <cstdint>
#include <initializer_list>

#include <gtest/gtest.h>

namespace isthmus::media {
namespace {

constexpr std::uint32_t kPerWorker = 2;

// Ledgers in which workers have so many connections, and measured nothing.
LoadLedger admitted(std::initializer_list<std::uint32_t> connections) {
    LoadLedger loads(connections.size());
    std::size_t worker = 0;
    for (const std::uint32_t count : connections) {
        for (std::uint32_t i = 0; i < count; ++i) {
            loads.admit(worker);
        }
        ++worker;
    }
    return loads;
}

// One in which they measured so much.
LoadLedger measured(std::initializer_list<double> cpu_shares) {
    LoadLedger loads(cpu_shares.size());
    std::size_t worker = 0;
    for (const double share : cpu_shares) {
        loads.set_reading(worker++, {.cpu_share = share});
    }
    return loads;
}

TEST(ConferenceHome, BeginsOnTheWorkerWithTheLeastLoad) {
    const ConferenceHome home("RM_1");
    EXPECT_EQ(home.choose(admitted({3, 1, 2}), "alice", kPerWorker), 1U);
    EXPECT_EQ(home.choose(measured({0.3, 0.2, 0.1}), "alice", kPerWorker), 2U);
}

TEST(ConferenceHome, StaysThereWhileThereIsRoom) {
    ConferenceHome home("RM_1");
    EXPECT_TRUE(home.add(1, {1}, "alice"));
    EXPECT_EQ(home.choose(admitted({0, 9, 0}), "bob", kPerWorker), 1U);
    EXPECT_FALSE(home.add(1, {2}, "bob"));
    EXPECT_EQ(home.participants(), 2U);
    EXPECT_FALSE(home.add(1, {3}, "bob", true));
    EXPECT_EQ(home.participants(), 2U) << "one of them has two connections";
}

TEST(ConferenceHome, SpansAnotherWorkerWhenAllAreFull) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    home.add(1, {2}, "bob");
    EXPECT_EQ(home.choose(admitted({5, 2, 4}), "carol", kPerWorker), 1U)
        << "the others have more load: better too many here";
    EXPECT_EQ(home.choose(admitted({5, 9, 4}), "carol", kPerWorker), 2U);
    EXPECT_TRUE(home.add(2, {3}, "carol"));
    EXPECT_EQ(home.choose(admitted({0, 9, 5}), "dave", kPerWorker), 2U) << "home, with room";
}

TEST(ConferenceHome, SpansAnotherWorkerWhenThoseThatItHasAreLoaded) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    EXPECT_EQ(home.choose(measured({0.1, 0.7, 0.2}), "bob", kPerWorker), 1U);
    EXPECT_EQ(home.choose(measured({0.1, 0.8, 0.2}), "bob", kPerWorker), 0U);
    EXPECT_EQ(home.choose(measured({0.7, 0.8, 0.9}), "bob", kPerWorker), 1U)
        << "nobody has so much less that a relay pays";
}

TEST(ConferenceHome, SendsSomebodyWhoIsThereAlreadyToTheSameWorker) {
    ConferenceHome home("RM_1");
    home.add(1, {1}, "alice");
    home.add(1, {2}, "bob");
    home.add(2, {3}, "carol");
    EXPECT_EQ(home.choose(admitted({0, 9, 9}), "alice", kPerWorker), 1U);
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
