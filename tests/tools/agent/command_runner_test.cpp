#include "tools/agent/command_runner.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/temporary_folder.h"

namespace isthmus::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace json = boost::json;

constexpr std::int64_t kNow = 1'800'000'000;

class CommandRunnerTest : public testing::Test {
  protected:
    CommandRunnerTest() {
        trust_.remember(hub_.public_key());
        start();
    }

    // As after a restart of the agent.
    void start() {
        held_.clear();
        runner_.reset();
        log_.emplace(CommandLog::open(folder_.path() / "commands.json").value());
        gate_.emplace(trust_, "node-1", log_->last_sequence());
        runner_.emplace(
            *gate_,
            *log_,
            CommandRunner::Hooks{
                .report =
                    [this](const json::value& params, CommandRunner::Answer answer) {
                        reports_.push_back(std::string(params.at("id").as_string()) + " " +
                                           std::string(params.at("state").as_string()));
                        answers_.push_back(std::move(answer));
                    },
                .refused = [this](channel::CommandFault fault) { faults_.push_back(fault); },
                .ended =
                    [this](const std::string& method, const CommandRecord& record) {
                        ended_.push_back(method + " " + record.id);
                    },
                .waits = [this](const std::string& method) { waits_.push_back(method); }});
        runner_->add("hold", [this](const json::value&, CommandProgress progress) {
            held_.push_back(std::move(progress));
        });
        for (const char* const method : {"open", "close"}) {
            runner_->add(
                method,
                [this](const json::value&, CommandProgress progress) {
                    held_.push_back(std::move(progress));
                },
                "door");
        }
        runner_->add("drop", [](const json::value&, const CommandProgress&) {});
    }

    auto send(const std::string& id, const std::string& method, std::int64_t expires = kNow + 60) {
        return runner_->take(kNow,
                             channel::sign_command(hub_,
                                                   {.node = "node-1",
                                                    .sequence = ++sequence_,
                                                    .expires_unix_s = expires,
                                                    .id = id,
                                                    .method = method,
                                                    .params = {{"a", 1}}}));
    }

    // The hub hears all that was reported, or it does not.
    void answer_all(bool hears) {
        for (auto& answer : std::exchange(answers_, {})) {
            if (hears) {
                answer(json::object{});
            } else {
                answer(std::unexpected(channel::RpcError{
                    .code = channel::kRpcUnavailable, .message = "", .data = nullptr}));
            }
        }
    }

    SeededRandom random_{3};
    channel::SigningKey hub_ = channel::SigningKey::generate(random_);
    channel::HubTrust trust_{{hub_.public_key().fingerprint()}};
    TemporaryFolder folder_;
    std::optional<CommandLog> log_;
    std::optional<channel::CommandGate> gate_;
    std::uint64_t sequence_ = 0;
    std::vector<std::string> reports_;
    std::vector<CommandRunner::Answer> answers_;
    std::vector<channel::CommandFault> faults_;
    std::vector<std::string> ended_;
    std::vector<std::string> waits_;
    std::deque<CommandProgress> held_;
    std::optional<CommandRunner> runner_;
};

TEST_F(CommandRunnerTest, TellsHowACommandGoes) {
    ASSERT_TRUE(send("a", "hold"));
    ASSERT_EQ(held_.size(), 1U);
    held_[0].running(50, "half way");
    held_[0].succeed({{"b", 2}});
    EXPECT_THAT(reports_, ElementsAre("a accepted", "a running", "a succeeded"));
    held_.clear();
    EXPECT_EQ(reports_.size(), 3U);
}

TEST_F(CommandRunnerTest, FailsWhatItDoesNotKnowAndWhatWasForgotten) {
    ASSERT_TRUE(send("a", "unknown"));
    ASSERT_TRUE(send("b", "drop"));
    EXPECT_THAT(reports_, ElementsAre("a accepted", "a failed", "b accepted", "b failed"));
}

TEST_F(CommandRunnerTest, ActsOnceWhateverComesAgain) {
    ASSERT_TRUE(send("a", "hold"));
    ASSERT_TRUE(send("a", "hold")) << "the hub did not hear that it was taken";
    EXPECT_EQ(held_.size(), 1U);
    held_[0].succeed();
    ASSERT_TRUE(send("a", "hold"));
    EXPECT_THAT(reports_, ElementsAre("a accepted", "a accepted", "a succeeded", "a succeeded"));
    sequence_ = 0;
    EXPECT_FALSE(send("b", "hold")) << "an old sequence";
    EXPECT_THAT(faults_, ElementsAre(channel::CommandFault::kReplayed));
    EXPECT_EQ(held_.size(), 1U);
}

TEST_F(CommandRunnerTest, LetsNothingInAgainAfterARestart) {
    ASSERT_TRUE(send("a", "hold"));
    held_[0].succeed();
    EXPECT_FALSE(send("late", "hold", kNow - 1));
    start();
    sequence_ = 1;
    EXPECT_FALSE(send("b", "hold")) << "the late one had this number";
    ASSERT_TRUE(send("a", "hold"));
    EXPECT_THAT(held_, IsEmpty());
}

TEST_F(CommandRunnerTest, SaysAgainWhatTheHubHasNotHeard) {
    ASSERT_TRUE(send("a", "hold"));
    held_[0].succeed();
    answer_all(false);
    reports_.clear();
    start();
    runner_->on_up();
    EXPECT_THAT(reports_, ElementsAre("a succeeded"));
    answer_all(true);
    reports_.clear();
    start();
    runner_->on_up();
    EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(CommandRunnerTest, FailsWhatARestartBrokeOff) {
    ASSERT_TRUE(send("a", "hold"));
    runner_.reset();  // killed: the progress that is held says nothing
    reports_.clear();
    start();
    runner_->on_up();
    EXPECT_THAT(reports_, ElementsAre("a failed"));
    EXPECT_EQ(log_->find("a")->result, (json::value{{"again", true}}));
}

TEST_F(CommandRunnerTest, DoesOneOfAMethodAtATime) {
    ASSERT_TRUE(send("a", "hold"));
    ASSERT_TRUE(send("b", "hold"));
    EXPECT_EQ(held_.size(), 1U);
    ASSERT_TRUE(send("c", "drop")) << "others go on beside it";
    held_[0].fail("no");
    EXPECT_EQ(held_.size(), 2U);
    held_[1].succeed();
    EXPECT_THAT(
        reports_,
        ElementsAre(
            "a accepted", "b accepted", "c accepted", "c failed", "a failed", "b succeeded"));
}

// Each of them began within the end of the one before: as deep as the hub had commands.
TEST_F(CommandRunnerTest, BeginsThoseThatWaitedOneAfterTheOther) {
    constexpr int kCommands = 20;
    int depth = 0;
    int deepest = 0;
    runner_->add("quick", [&](const json::value&, CommandProgress progress) {
        if (held_.empty()) {
            held_.push_back(std::move(progress));
            return;
        }
        deepest = std::max(deepest, ++depth);
        progress.succeed();
        --depth;
    });
    for (int i = 0; i < kCommands; ++i) {
        ASSERT_TRUE(send("c" + std::to_string(i), "quick"));
    }
    EXPECT_THAT(ended_, IsEmpty());
    held_[0].succeed();
    EXPECT_EQ(ended_.size(), std::size_t{kCommands});
    EXPECT_EQ(ended_.back(), "quick c19");
    EXPECT_EQ(deepest, 1);
}

TEST_F(CommandRunnerTest, LetsNothingOvertakeInOneLane) {
    ASSERT_TRUE(send("a", "open"));
    ASSERT_TRUE(send("b", "close"));
    ASSERT_TRUE(send("c", "open"));
    EXPECT_EQ(held_.size(), 1U);
    EXPECT_THAT(waits_, ElementsAre("close", "open"));
    held_[0].succeed();
    held_[1].succeed();
    held_[2].succeed();
    EXPECT_THAT(ended_, ElementsAre("open a", "close b", "open c"));
}

TEST_F(CommandRunnerTest, RefusesWhatIsNotTheHubs) {
    const channel::SigningKey other = channel::SigningKey::generate(random_);
    const auto answer = runner_->take(kNow,
                                      channel::sign_command(other,
                                                            {.node = "node-1",
                                                             .sequence = 1,
                                                             .expires_unix_s = kNow + 1,
                                                             .id = "x",
                                                             .method = "hold"}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, channel::kRpcDenied);
    EXPECT_THAT(faults_, ElementsAre(channel::CommandFault::kUnknownKey));
    EXPECT_FALSE(runner_->take(kNow, json::value(nullptr)));
    EXPECT_THAT(held_, IsEmpty());
    EXPECT_THAT(reports_, IsEmpty());
}

}  // namespace
}  // namespace isthmus::agent
