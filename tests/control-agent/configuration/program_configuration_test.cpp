#include "control-agent/configuration/program_configuration.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace isthmus::configuration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Reads its file as it starts; serves unless that says "broken", and refuses "nonsense".
class ScriptedProgram final : public ConfiguredProgram {
  public:
    explicit ScriptedProgram(fs::path live) : live_(std::move(live)) {}

    void check(const fs::path& file, Answer answer) override {
        calls.emplace_back("check");
        pending = [text = read(file), answer = std::move(answer)]() mutable {
            answer(text.contains("nonsense")
                       ? make_error(ErrorCode::kInvalidArgument, "line 1: that is nonsense")
                       : Result<void>());
        };
    }

    void make_way(std::function<void(const std::string& what)> tell, Answer answer) override {
        calls.emplace_back("way");
        tell("two meetings go on");
        if (busy) {
            waiting = std::move(answer);
            return;
        }
        pending = [answer = std::move(answer)]() mutable { answer({}); };
    }

    void stay(std::string why) override {
        pending = [why = std::move(why), answer = std::move(waiting)]() mutable {
            answer(make_error(ErrorCode::kConflict, why));
        };
    }

    void reopen(Answer answer) override {
        calls.emplace_back("reopen");
        pending = [answer = std::move(answer)]() mutable { answer({}); };
    }

    void restart(Answer answer) override {
        calls.emplace_back("restart");
        runs_with = read(live_);
        pending = [answer = std::move(answer)]() mutable { answer({}); };
    }

    void wait_until_healthy(Answer answer) override {
        calls.emplace_back("wait");
        pending = [broken = runs_with.contains("broken"), answer = std::move(answer)]() mutable {
            answer(broken ? make_error(ErrorCode::kUnavailable, "it does not serve")
                          : Result<void>());
        };
    }

    bool step() {
        auto next = std::exchange(pending, nullptr);
        if (next) {
            next();
        }
        return pending != nullptr;
    }

    std::vector<std::string> calls;
    std::string runs_with;
    bool busy = false;  // with meetings
    Answer waiting;
    std::move_only_function<void()> pending;

  private:
    fs::path live_;
};

class ProgramConfigurationTest : public testing::Test {
  protected:
    ProgramConfigurationTest() { start_agent(); }

    void start_agent() {
        configuration_.reset();
        program_.pending = nullptr;
        configuration_ =
            ProgramConfiguration::make(ConfigurationFiles(live_, state_, "node"), program_).value();
    }

    Result<void> apply(std::uint64_t version, const std::string& text, bool now = false) {
        std::optional<Result<void>> result;
        configuration_->apply(
            version, text, now, {}, [&](Result<void> end) { result = std::move(end); });
        EXPECT_FALSE(result);
        while (program_.step()) {
        }
        return result.value();
    }

    TemporaryFolder folder_;
    fs::path live_ = folder_.path() / "etc" / "node.yaml";
    fs::path state_ = folder_.path() / "state";
    ScriptedProgram program_{live_};
    std::unique_ptr<ProgramConfiguration> configuration_;
};

TEST_F(ProgramConfigurationTest, AppliesWhatTheProgramTakes) {
    ASSERT_TRUE(apply(3, "a: 1"));
    EXPECT_EQ(read(live_), "a: 1");
    EXPECT_EQ(program_.runs_with, "a: 1");
    EXPECT_THAT(program_.calls, ElementsAre("check", "way", "restart", "wait", "reopen"));
    EXPECT_EQ(configuration_->record().version, 3U);
    start_agent();
    EXPECT_EQ(configuration_->record().version, 3U);
    EXPECT_FALSE(configuration_->record().trying);
    EXPECT_EQ(fs::status(live_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    // Secrets are in one place only.
    EXPECT_EQ(std::distance(fs::directory_iterator(state_), {}), 1);
}

TEST_F(ProgramConfigurationTest, ChangesNothingWhereTheProgramRefuses) {
    ASSERT_TRUE(apply(1, "a: 1"));
    const auto refused = apply(2, "nonsense");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "line 1: that is nonsense");
    EXPECT_EQ(read(live_), "a: 1");
    EXPECT_THAT(program_.calls, ElementsAre("check", "way", "restart", "wait", "reopen", "check"));
    EXPECT_EQ(configuration_->record().version, 1U);
    EXPECT_EQ(configuration_->record().refused, 2U);
    // And what comes after makes up for it.
    ASSERT_TRUE(apply(3, "a: 3"));
    EXPECT_EQ(configuration_->record().refused, 0U);
}

TEST_F(ProgramConfigurationTest, GoesBackWhereTheProgramDoesNotComeUp) {
    ASSERT_TRUE(apply(1, "a: 1"));
    const auto broken = apply(2, "broken");
    ASSERT_FALSE(broken);
    EXPECT_THAT(broken.error().message, HasSubstr("version 2 did not work: it does not serve"));
    EXPECT_THAT(broken.error().message, HasSubstr("runs with the one of before again"));
    EXPECT_EQ(read(live_), "a: 1");
    EXPECT_EQ(program_.runs_with, "a: 1");
    EXPECT_EQ(configuration_->record().version, 1U);
    EXPECT_FALSE(configuration_->record().trying);
}

TEST_F(ProgramConfigurationTest, GoesBackToWhatWasThereBeforeTheHubsFirst) {
    fs::create_directories(live_.parent_path());
    std::ofstream(live_) << "local: 1";
    fs::permissions(live_, fs::perms::owner_read | fs::perms::group_read);
    ASSERT_FALSE(apply(1, "broken"));
    EXPECT_EQ(read(live_), "local: 1");
    EXPECT_EQ(configuration_->record().version, 0U);
    ASSERT_TRUE(apply(2, "a: 2"));
    EXPECT_EQ(fs::status(live_).permissions(), fs::perms::owner_read | fs::perms::group_read)
        << "whoever read it before must read it still";
}

TEST_F(ProgramConfigurationTest, SaysWhereNothingWorks) {
    const auto broken = apply(1, "broken");
    ASSERT_FALSE(broken);
    EXPECT_FALSE(fs::exists(live_)) << "there was none before";
    program_.runs_with = "";
    fs::create_directories(live_.parent_path());
    std::ofstream(live_) << "broken too";
    const auto worse = apply(2, "broken");
    ASSERT_FALSE(worse);
    EXPECT_THAT(worse.error().message, HasSubstr("the one of before does not work either"));
}

TEST_F(ProgramConfigurationTest, DoesNotRestartForTheSameText) {
    ASSERT_TRUE(apply(1, "a: 1"));
    program_.calls.clear();
    ASSERT_TRUE(apply(2, "a: 1"));
    EXPECT_THAT(program_.calls, ElementsAre("check"));
    EXPECT_EQ(configuration_->record().version, 2U);
}

TEST_F(ProgramConfigurationTest, RestartsAtOnceWhereItIsToldTo) {
    program_.busy = true;
    ASSERT_TRUE(apply(1, "a: 1", true));
    EXPECT_THAT(program_.calls, ElementsAre("check", "restart", "wait", "reopen"));
}

TEST_F(ProgramConfigurationTest, WaitsForTheProgramToMakeWay) {
    ASSERT_TRUE(apply(1, "a: 1"));
    program_.busy = true;
    std::vector<std::string> told;
    std::optional<Result<void>> end;
    configuration_->apply(
        2,
        "a: 2",
        false,
        [&](int, const std::string& what) { told.push_back(what); },
        [&](Result<void> result) { end = std::move(result); });
    while (program_.step()) {
    }
    EXPECT_EQ(read(live_), "a: 1") << "nothing is changed before";
    EXPECT_THAT(told, ::testing::Contains("two meetings go on"));
    EXPECT_FALSE(end);
    std::exchange(program_.waiting, nullptr)({});
    while (program_.step()) {
    }
    EXPECT_TRUE(end.value());
    EXPECT_EQ(program_.runs_with, "a: 2");
}

TEST_F(ProgramConfigurationTest, GivesUpWaitingAndOpensTheProgramAgain) {
    ASSERT_TRUE(apply(1, "a: 1"));
    configuration_->give_up_waiting("nothing waits");
    program_.busy = true;
    program_.calls.clear();
    std::optional<Result<void>> end;
    configuration_->apply(
        2, "a: 2", false, {}, [&](Result<void> result) { end = std::move(result); });
    while (program_.step()) {
    }
    configuration_->give_up_waiting("version 3 came");
    while (program_.step()) {
    }
    ASSERT_TRUE(end);
    EXPECT_EQ(end->error().message, "version 3 came");
    EXPECT_THAT(program_.calls, ElementsAre("check", "way", "reopen"));
    EXPECT_EQ(read(live_), "a: 1");
    EXPECT_EQ(configuration_->record().refused, 2U);
}

TEST_F(ProgramConfigurationTest, TakesOneAtATime) {
    std::optional<Result<void>> first;
    configuration_->apply(1, "a: 1", false, {}, [&](Result<void> end) { first = std::move(end); });
    std::optional<Result<void>> second;
    configuration_->apply(2, "a: 2", false, {}, [&](Result<void> end) { second = std::move(end); });
    ASSERT_TRUE(second);
    EXPECT_EQ(second->error().code, ErrorCode::kConflict);
    while (program_.step()) {
    }
    EXPECT_TRUE(first.value());
}

// The agent is killed after each step in turn: whatever the next one finds, it ends with a program
// that serves, and with a record that says with what.
TEST_F(ProgramConfigurationTest, FinishesWhatAKilledAgentBegan) {
    for (const bool good : {true, false}) {
        for (int steps = 0; steps < 7; ++steps) {
            ASSERT_TRUE(apply(1, "a: 1"));
            bool ended = false;
            configuration_->apply(
                2, good ? "a: 2" : "broken", false, {}, [&](const Result<void>&) { ended = true; });
            for (int i = 0; i < steps && !ended; ++i) {
                program_.step();
            }
            start_agent();
            program_.runs_with = read(live_);  // the machine was restarted too
            bool resumed = false;
            configuration_->resume([&](const Result<void>&) { resumed = true; });
            while (program_.step()) {
            }
            EXPECT_TRUE(resumed);
            EXPECT_FALSE(configuration_->record().trying);
            const bool took = configuration_->record().version == 2;
            EXPECT_EQ(read(live_), took ? "a: 2" : "a: 1") << good << steps;
            EXPECT_EQ(program_.runs_with, read(live_)) << good << steps;
            EXPECT_FALSE(took && !good);
            ASSERT_TRUE(apply(1, "a: 1"));
        }
    }
}

TEST_F(ProgramConfigurationTest, ShowsADamagedRecord) {
    ASSERT_TRUE(apply(1, "a: 1"));
    std::ofstream(state_ / "node.json") << "{";
    EXPECT_FALSE(ProgramConfiguration::make(ConfigurationFiles(live_, state_, "node"), program_));
}

TEST_F(ProgramConfigurationTest, MayEndAtAnyTime) {
    bool answered = false;
    configuration_->apply(1, "a: 1", false, {}, [&](const Result<void>&) { answered = true; });
    configuration_.reset();
    while (program_.step()) {
    }
    EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace isthmus::configuration
