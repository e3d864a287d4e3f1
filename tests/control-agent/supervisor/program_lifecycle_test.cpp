#include "control-agent/supervisor/program_lifecycle.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

using Action = ProgramLifecycle::Action;
using Kind = ProgramEvent::Kind;

const ProcessEnd kCrash{.how = ProcessEnd::How::kSignal, .code = 11};
const ProcessEnd kClean{.how = ProcessEnd::How::kExit, .code = 0};

// Processes are counted, not made.
class LifecycleTest : public testing::Test {
  protected:
    // What is to be done, spawns carried out.
    std::vector<Action> drain() {
        std::vector<Action> actions;
        while (const auto action = life_.poll_action()) {
            actions.push_back(*action);
            if (*action == Action::kSpawn) {
                if (spawn_works_) {
                    life_.on_spawned(now_);
                } else {
                    life_.on_spawn_failed(now_, "no such file");
                }
            }
        }
        while (const auto notice = life_.poll_notice()) {
            notices_.push_back(notice->kind);
        }
        return actions;
    }

    std::vector<Action> wake() {
        EXPECT_NE(life_.next_timeout(), kNever);
        now_ = std::max(now_, life_.next_timeout());
        life_.on_timeout(now_);
        return drain();
    }

    std::vector<Action> end(const ProcessEnd& how) {
        life_.on_end(now_, how);
        return drain();
    }

    void start() {
        life_.want_running(now_);
        EXPECT_THAT(drain(), ElementsAre(Action::kSpawn));
        EXPECT_EQ(life_.state(), ProgramState::kRunning);
    }

    SeededRandom random_{1};
    RestartRules rules_;
    ProgramLifecycle life_{rules_, seconds(10), random_};
    Instant now_{seconds(1)};
    bool spawn_works_ = true;
    std::vector<Kind> notices_;
};

TEST_F(LifecycleTest, StartsOnceHoweverOftenItIsWanted) {
    start();
    life_.want_running(now_);
    EXPECT_THAT(drain(), IsEmpty());
    EXPECT_THAT(notices_, ElementsAre(Kind::kStarted));
    EXPECT_EQ(life_.next_timeout(), kNever);
}

TEST_F(LifecycleTest, StartsAgainAfterACrash) {
    start();
    EXPECT_THAT(end(kCrash), IsEmpty());
    EXPECT_EQ(life_.state(), ProgramState::kWaiting);
    EXPECT_THAT(wake(), ElementsAre(Action::kSpawn));
    EXPECT_EQ(life_.state(), ProgramState::kRunning);
    EXPECT_EQ(life_.starts(), 2U);
    EXPECT_EQ(life_.unexpected_ends(), 1U);
    EXPECT_THAT(notices_, ElementsAre(Kind::kStarted, Kind::kEnded, Kind::kStarted));
}

TEST_F(LifecycleTest, StopsPolitely) {
    start();
    life_.want_stopped(now_);
    EXPECT_THAT(drain(), ElementsAre(Action::kTerminate));
    EXPECT_EQ(life_.next_timeout(), now_ + seconds(10));
    EXPECT_THAT(end(kClean), IsEmpty());
    EXPECT_EQ(life_.state(), ProgramState::kStopped);
    EXPECT_EQ(life_.next_timeout(), kNever);
    EXPECT_THAT(notices_, ElementsAre(Kind::kStarted, Kind::kStopped));
    EXPECT_EQ(life_.unexpected_ends(), 0U);
}

TEST_F(LifecycleTest, KillsWhatDoesNotEndWithinTheGrace) {
    start();
    life_.want_stopped(now_);
    drain();
    EXPECT_THAT(wake(), ElementsAre(Action::kKill));
    EXPECT_THAT(wake(), ElementsAre(Action::kKill)) << "it may be stuck in the kernel";
    end({.how = ProcessEnd::How::kSignal, .code = 9});
    EXPECT_THAT(notices_, ElementsAre(Kind::kStarted, Kind::kKilled));
    EXPECT_EQ(life_.state(), ProgramState::kStopped);
}

TEST_F(LifecycleTest, RestartsByStoppingFirst) {
    start();
    life_.want_restart(now_);
    EXPECT_THAT(drain(), ElementsAre(Action::kTerminate));
    EXPECT_THAT(end(kClean), ElementsAre(Action::kSpawn));
    EXPECT_EQ(life_.state(), ProgramState::kRunning);
}

TEST_F(LifecycleTest, IsStoppedForGoodWhereThatIsWantedDuringARestart) {
    start();
    life_.want_restart(now_);
    drain();
    life_.want_stopped(now_);
    EXPECT_THAT(end(kClean), IsEmpty());
    EXPECT_EQ(life_.state(), ProgramState::kStopped);
}

TEST_F(LifecycleTest, StartsAgainWhereThatIsWantedWhileItStops) {
    start();
    life_.want_stopped(now_);
    drain();
    life_.want_running(now_);
    EXPECT_THAT(drain(), IsEmpty());
    EXPECT_THAT(end(kClean), ElementsAre(Action::kSpawn));
}

TEST_F(LifecycleTest, StopsWaitingWhenItIsStopped) {
    start();
    end(kCrash);
    life_.want_stopped(now_);
    EXPECT_THAT(drain(), IsEmpty());
    EXPECT_EQ(life_.state(), ProgramState::kStopped);
    EXPECT_EQ(life_.next_timeout(), kNever);
}

TEST_F(LifecycleTest, DoesNotWaitWhenSomebodyStartsItByHand) {
    start();
    end(kCrash);
    life_.want_running(now_);
    EXPECT_THAT(drain(), ElementsAre(Action::kSpawn));
}

TEST_F(LifecycleTest, RaisesOneAlarmForACrashLoopAndTakesItBack) {
    start();
    for (int i = 0; i < 8; ++i) {
        end(kCrash);
        wake();
    }
    EXPECT_TRUE(life_.crash_loop());
    EXPECT_EQ(std::ranges::count(notices_, Kind::kCrashLoop), 1);
    EXPECT_EQ(life_.next_timeout(), now_ + rules_.steady_after);
    wake();
    EXPECT_FALSE(life_.crash_loop());
    EXPECT_EQ(std::ranges::count(notices_, Kind::kCrashLoopOver), 1);
    EXPECT_EQ(life_.next_timeout(), kNever);
}

TEST_F(LifecycleTest, TriesOnWhereItCannotBeStarted) {
    spawn_works_ = false;
    life_.want_running(now_);
    drain();
    EXPECT_EQ(life_.state(), ProgramState::kWaiting);
    for (int i = 0; i < 5; ++i) {
        wake();
    }
    EXPECT_TRUE(life_.crash_loop());
    spawn_works_ = true;
    wake();
    EXPECT_EQ(life_.state(), ProgramState::kRunning);
    EXPECT_EQ(life_.starts(), 1U);
}

TEST_F(LifecycleTest, HasFailedWhereItIsNotStartedAgain) {
    rules_.mode = RestartMode::kNever;
    life_.set_rules(rules_, seconds(10));
    start();
    end(kCrash);
    EXPECT_EQ(life_.state(), ProgramState::kFailed);
    start();
    end(kClean);
    EXPECT_EQ(life_.state(), ProgramState::kStopped);
}

TEST_F(LifecycleTest, WatchesWhatItAdopted) {
    life_.on_adopted(now_);
    life_.want_running(now_);
    EXPECT_THAT(drain(), IsEmpty());
    EXPECT_EQ(life_.starts(), 0U);
    end({});
    EXPECT_THAT(wake(), ElementsAre(Action::kSpawn));
    EXPECT_THAT(notices_, ElementsAre(Kind::kAdopted, Kind::kEnded, Kind::kStarted));
}

}  // namespace
}  // namespace isthmus::supervisor
