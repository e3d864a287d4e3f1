#include "control-agent/supervisor/restart_policy.h"

#include <gtest/gtest.h>

namespace isthmus::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class RestartPolicyTest : public testing::Test {
  protected:
    // It runs for `time` and ends; returns how long it has to wait.
    Duration run(Duration time, bool success = false) {
        policy_.on_start(now_);
        now_ += time;
        const Instant next = policy_.on_end(now_, success);
        const Duration wait = next == kNever ? Duration::max() : next - now_;
        now_ = next == kNever ? now_ : next;
        return wait;
    }

    RestartRules rules_;
    SeededRandom random_{7};
    RestartPolicy policy_{rules_, random_};
    Instant now_{seconds(1)};
};

TEST_F(RestartPolicyTest, WaitsTwiceAsLongEachTimeUpToALimit) {
    Duration longest = rules_.first_wait;
    for (int failure = 0; failure < 40; ++failure) {
        const Duration wait = run(milliseconds(1));
        EXPECT_LE(wait, longest) << failure;
        EXPECT_GT(wait, longest / 2 - Duration(1)) << failure;
        longest = std::min(longest * 2, rules_.longest_wait);
    }
    EXPECT_EQ(longest, rules_.longest_wait);
}

TEST_F(RestartPolicyTest, WaitsByChanceSoThatNodesDoNotComeBackTogether) {
    SeededRandom other_random(8);
    RestartPolicy other(rules_, other_random);
    policy_.on_start(now_);
    other.on_start(now_);
    EXPECT_NE(policy_.on_end(now_, false), other.on_end(now_, false));
}

TEST_F(RestartPolicyTest, BeginsAnewAfterASteadyRun) {
    for (int i = 0; i < 4; ++i) {
        run(milliseconds(1));
    }
    EXPECT_LE(run(rules_.steady_after), rules_.first_wait);
}

TEST_F(RestartPolicyTest, CallsManyEndsWithinTheWindowACrashLoop) {
    for (std::uint32_t i = 1; i < rules_.loop_ends; ++i) {
        run(seconds(1));
        EXPECT_FALSE(policy_.crash_loop()) << i;
    }
    run(seconds(1));
    EXPECT_TRUE(policy_.crash_loop());
    run(rules_.steady_after - seconds(1));
    EXPECT_TRUE(policy_.crash_loop());
    policy_.on_start(now_);
    EXPECT_EQ(policy_.steady_at(), now_ + rules_.steady_after);
    policy_.on_steady();
    EXPECT_FALSE(policy_.crash_loop());
    EXPECT_EQ(policy_.steady_at(), kNever);
}

TEST_F(RestartPolicyTest, ForgetsEndsThatAreLongPast) {
    rules_.steady_after = std::chrono::hours(1);
    policy_.set_rules(rules_);
    for (std::uint32_t i = 0; i < 3 * rules_.loop_ends; ++i) {
        run(minutes(4));
    }
    EXPECT_FALSE(policy_.crash_loop());
}

TEST_F(RestartPolicyTest, StartsAgainAsTheRulesSay) {
    rules_.mode = RestartMode::kOnFailure;
    policy_.set_rules(rules_);
    EXPECT_NE(run(seconds(1), false), Duration::max());
    EXPECT_EQ(run(seconds(1), true), Duration::max());
    rules_.mode = RestartMode::kNever;
    policy_.set_rules(rules_);
    EXPECT_EQ(run(seconds(1), false), Duration::max());
    rules_.mode = RestartMode::kAlways;
    policy_.set_rules(rules_);
    EXPECT_NE(run(seconds(1), true), Duration::max());
}

TEST_F(RestartPolicyTest, StandsRulesWithoutAnyWait) {
    rules_.first_wait = Duration::zero();
    policy_.set_rules(rules_);
    EXPECT_EQ(run(seconds(1)), Duration::zero());
}

}  // namespace
}  // namespace isthmus::supervisor
