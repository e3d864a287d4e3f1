// The switchboard over workers with threads and sockets of their own. Opens ports on loopback,
// which the kernel chooses.
#include "media/worker/local_switchboard.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/worker/io/signaling_queue.h"

namespace isthmus::media {
namespace {

constexpr std::size_t kWorkers = 3;

class LocalSwitchboardTest : public testing::Test {
  protected:
    LocalSwitchboardTest() {
        LocalSwitchboardConfig config;
        const auto identity = *transport::DtlsIdentity::make(transport::kSrtpProfilesByPreference);
        for (std::uint32_t i = 0; i < kWorkers; ++i) {
            WorkerThreadConfig worker;
            worker.index = i;
            worker.identity = identity;
            worker.sockets.bind_addresses = {*transport::IpAddress::parse("127.0.0.1")};
            worker.sockets.advertise_loopback = true;
            config.workers.push_back(std::move(worker));
        }
        // Conferences of more than two span workers.
        config.limits.conference_connections_per_worker = 2;
        auto started = LocalSwitchboard::start(
            config, [this](LocalSwitchboard::Task task) { queue_.post(std::move(task)); });
        EXPECT_TRUE(started) << started.error().message;
        board_ = std::move(started).value();
        board_->on_connection_gone([this](const ConnectionGone& gone) {
            EXPECT_EQ(std::this_thread::get_id(), here_);
            gone_.push_back(gone);
        });
    }

    // Asks without waiting.
    void join(const std::string& conference, const std::string& identity) {
        board_->join({.conference = conference, .identity = identity, .can_subscribe = true},
                     [this](Result<JoinResult> result) {
                         EXPECT_EQ(std::this_thread::get_id(), here_);
                         ASSERT_TRUE(result) << result.error().message;
                         joined_.push_back(std::move(*result));
                     });
    }

    void join_many(int conferences, int each) {
        for (int i = 0; i < conferences * each; ++i) {
            join("conference " + std::to_string(i % conferences), "someone " + std::to_string(i));
        }
        const auto all = static_cast<std::size_t>(conferences) * static_cast<std::size_t>(each);
        ASSERT_TRUE(queue_.run_until([&] { return joined_.size() == all; }));
    }

    std::vector<sfu::WorkerStats> stats() {
        std::optional<std::vector<sfu::WorkerStats>> stats;
        board_->collect_stats([&](auto result) { stats = std::move(result).value(); });
        EXPECT_TRUE(queue_.run_until([&] { return stats.has_value(); }));
        return stats.value();
    }

    const std::thread::id here_ = std::this_thread::get_id();
    SignalingQueue queue_;
    std::vector<JoinResult> joined_;
    std::vector<ConnectionGone> gone_;
    std::unique_ptr<LocalSwitchboard> board_;
};

TEST_F(LocalSwitchboardTest, SpreadsConferencesOverAllWorkersAndFindsThemAgain) {
    join_many(20, 4);
    std::set<std::uint64_t> connections;
    for (const JoinResult& joined : joined_) {
        connections.insert(joined.connection.value);
        EXPECT_FALSE(joined.local.candidates.empty());
    }
    EXPECT_EQ(connections.size(), 80U);
    for (const sfu::WorkerStats& worker : stats()) {
        EXPECT_GE(worker.participants, 20U);
    }

    std::vector<sfu::ConferenceInfo> conferences;
    board_->list_conferences(true, [&](auto result) { conferences = std::move(result).value(); });
    ASSERT_TRUE(queue_.run_until([&] { return !conferences.empty(); }));
    EXPECT_EQ(conferences.size(), 20U);
    for (const sfu::ConferenceInfo& conference : conferences) {
        EXPECT_EQ(conference.participants.size(), 4U) << conference.name;
    }
}

TEST_F(LocalSwitchboardTest, TellsOfEveryConnectionThatEnds) {
    join_many(5, 4);
    std::size_t left = 0;
    for (const JoinResult& joined : joined_) {
        board_->leave(joined.connection, LeaveReason::kClientLeft, [&](Result<void> result) {
            EXPECT_TRUE(result);
            ++left;
        });
    }
    ASSERT_TRUE(queue_.run_until([&] { return left == 20 && gone_.size() == 20; }));
    for (const sfu::WorkerStats& worker : stats()) {
        EXPECT_EQ(worker.participants, 0U);
        EXPECT_EQ(worker.conferences, 0U);
    }
    std::optional<ErrorCode> again;
    board_->leave(joined_[0].connection, LeaveReason::kClientLeft, [&](Result<void> result) {
        again = result.error().code;
    });
    ASSERT_TRUE(queue_.run_until([&] { return again.has_value(); }));
    EXPECT_EQ(again, ErrorCode::kNotFound);
}

TEST_F(LocalSwitchboardTest, SaysGoodbyeToAllAndTakesNobodyAfterwards) {
    join_many(4, 3);
    bool ended = false;
    board_->shut_down([&](const Result<void>&) { ended = true; });
    ASSERT_TRUE(queue_.run_until([&] { return ended && gone_.size() == 12; }));
    EXPECT_TRUE(std::ranges::all_of(
        gone_, [](const ConnectionGone& one) { return one.reason == LeaveReason::kShutdown; }));
    std::optional<ErrorCode> refused;
    board_->join({.conference = "late", .identity = "late"},
                 [&](Result<JoinResult> result) { refused = result.error().code; });
    ASSERT_TRUE(queue_.run_until([&] { return refused.has_value(); }));
    EXPECT_EQ(refused, ErrorCode::kUnavailable);
}

TEST_F(LocalSwitchboardTest, BeginsNoConferenceWhereItAdmitsNone) {
    join_many(1, 1);
    EXPECT_EQ(board_->conference_count(), 1U);
    board_->admit_conferences(false);
    EXPECT_TRUE(board_->admits("conference 0"));
    EXPECT_FALSE(board_->admits("new"));
    EXPECT_FALSE(board_->admits(""));
    std::optional<ErrorCode> refused;
    board_->join({.conference = "new", .identity = "late"},
                 [&](Result<JoinResult> result) { refused = result.error().code; });
    join("conference 0", "another");
    ASSERT_TRUE(queue_.run_until([&] { return refused.has_value() && joined_.size() == 2; }));
    EXPECT_EQ(refused, ErrorCode::kUnavailable);
    EXPECT_EQ(board_->conference_count(), 1U);
    // It is over with the last of its participants, and then a new one like any other.
    for (const JoinResult& joined : joined_) {
        board_->leave(joined.connection, LeaveReason::kClientLeft, [](const Result<void>&) {});
    }
    ASSERT_TRUE(queue_.run_until([&] { return gone_.size() == 2; }));
    EXPECT_EQ(board_->conference_count(), 0U);
    EXPECT_FALSE(board_->admits("conference 0"));
    board_->admit_conferences(true);
    EXPECT_TRUE(board_->admits("new"));
}

// Knows on which thread it ends.
struct Witness {
    explicit Witness(std::atomic<int>& elsewhere) : elsewhere_(&elsewhere) {}

    Witness(Witness&& other) noexcept : elsewhere_(std::exchange(other.elsewhere_, nullptr)) {}

    Witness& operator=(Witness&&) = delete;
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

    ~Witness() {
        if (elsewhere_ != nullptr && std::this_thread::get_id() != here_) {
            ++*elsewhere_;
        }
    }

  private:
    std::atomic<int>* elsewhere_;
    std::thread::id here_ = std::this_thread::get_id();
};

// An answer holds what belongs to the signaling thread: an HTTP connection, for one. It ended on
// the worker's thread where that let go of the finished job last.
TEST_F(LocalSwitchboardTest, LetsGoOfAnswersOnTheSignalingThreadOnly) {
    constexpr int kRounds = 2000;
    std::atomic<int> elsewhere = 0;
    int answered = 0;
    join_many(1, 1);
    for (int round = 0; round < kRounds; ++round) {
        board_->restart_ice(
            joined_[0].connection,
            {.ufrag = "abcd", .pwd = "0123456789012345678901"},
            [&, witness = Witness(elsewhere)](const auto& /*local*/) { ++answered; });
        ASSERT_TRUE(queue_.run_until([&] { return answered > round; }));
    }
    EXPECT_EQ(elsewhere, 0);
}

TEST_F(LocalSwitchboardTest, DropsWhatIsStillUnderWayWhenItEnds) {
    join_many(3, 2);
    std::atomic<int> elsewhere = 0;
    int answered = 0;
    for (int i = 0; i < 1000; ++i) {
        board_->collect_stats(
            [&, witness = Witness(elsewhere)](const auto& /*stats*/) { ++answered; });
        join("conference " + std::to_string(i), "late");
    }
    const std::size_t joined = joined_.size();
    board_.reset();
    queue_.run_waiting();
    EXPECT_EQ(answered, 0);
    EXPECT_EQ(joined_.size(), joined);
    EXPECT_EQ(elsewhere, 0);
}

}  // namespace
}  // namespace isthmus::media
