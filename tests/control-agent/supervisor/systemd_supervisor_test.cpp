// What is asked of systemd and made of its answers; and commands that really run.
#include "control-agent/supervisor/io/systemd_supervisor.h"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "control-agent/supervisor/systemd_unit.h"

namespace isthmus::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Kind = ProgramEvent::Kind;

// A systemd of one unit.
class FakeSystemd final : public Commands {
  public:
    explicit FakeSystemd(boost::asio::io_context& io) : io_(&io) {}

    void run(std::vector<std::string> arguments, Duration /*time*/, Answer answer) override {
        std::string all;
        for (const std::string& argument : arguments) {
            all += (all.empty() ? "" : " ") + argument;
        }
        CommandResult result{.end = {.how = ProcessEnd::How::kExit, .code = 0}, .output = {}};
        if (all.contains(" show ")) {
            result.output = state;
        } else {
            asked.push_back(all);
            if (const auto found = answers.find(all); found != answers.end()) {
                result = found->second;
            }
        }
        boost::asio::post(*io_, [answer = std::move(answer), result]() mutable { answer(result); });
    }

    void set(const std::string& active, int pid, const std::string& more = "") {
        state = fmt::format(
            "LoadState=loaded\nActiveState={}\nSubState=x\nMainPID={}\n{}", active, pid, more);
    }

    std::string state = "LoadState=not-found\nActiveState=inactive\n";
    std::vector<std::string> asked;
    std::map<std::string, CommandResult> answers;

  private:
    boost::asio::io_context* io_;
};

class SystemdSupervisorTest : public testing::Test {
  protected:
    SystemdSupervisorTest() {
        supervisor_.on_event([this](const ProgramEvent& event) { events_.push_back(event.kind); });
    }

    Result<void> finish(const std::function<void(Supervisor::Answer)>& call) {
        std::optional<Result<void>> result;
        call([&](Result<void> answer) { result = std::move(answer); });
        EXPECT_FALSE(result);
        io_.restart();
        io_.poll();
        EXPECT_TRUE(result.has_value());
        return result.value_or(Result<void>());
    }

    Result<void> start(const std::string& unit = "isthmus-node.service") {
        ProgramSpec spec;
        spec.name = "node";
        spec.unit = unit;
        return finish([&](auto answer) { supervisor_.start(spec, std::move(answer)); });
    }

    boost::asio::io_context io_;
    FakeSystemd systemd_{io_};
    SystemdSupervisor supervisor_{
        io_, systemd_, {.systemctl = "systemctl", .journalctl = "journalctl"}};
    std::vector<Kind> events_;
};

TEST_F(SystemdSupervisorTest, StartsStopsAndRestartsUnits) {
    systemd_.set("active", 77'777'777 % 4'000'000);
    EXPECT_TRUE(start());
    EXPECT_EQ(supervisor_.status("node")->state, ProgramState::kRunning);
    EXPECT_NE(supervisor_.status("node")->pid, 0);
    systemd_.set("active", 3'999'999);
    EXPECT_TRUE(finish([&](auto answer) { supervisor_.restart("node", std::move(answer)); }));
    systemd_.set("inactive", 0, "ExecMainCode=1\nExecMainStatus=0\n");
    EXPECT_TRUE(finish([&](auto answer) { supervisor_.stop("node", std::move(answer)); }));
    EXPECT_EQ(supervisor_.status("node")->state, ProgramState::kStopped);
    EXPECT_EQ(supervisor_.status("node")->last_end, "exit status 0");
    EXPECT_THAT(systemd_.asked,
                ElementsAre("systemctl --no-ask-password start isthmus-node.service",
                            "systemctl --no-ask-password restart isthmus-node.service",
                            "systemctl --no-ask-password stop isthmus-node.service"));
    EXPECT_THAT(events_,
                ElementsAre(Kind::kStarted, Kind::kStopped, Kind::kStarted, Kind::kStopped));
    EXPECT_EQ(supervisor_.status("node")->unexpected_ends, 0U);
}

TEST_F(SystemdSupervisorTest, SaysWhatSystemdSays) {
    systemd_.answers["systemctl --no-ask-password start isthmus-node.service"] = {
        .end = {.how = ProcessEnd::How::kExit, .code = 5},
        .output = "Failed to start isthmus-node.service: Unit isthmus-node.service not found.\n"};
    const auto failed = start();
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, HasSubstr("not found"));
    EXPECT_THAT(supervisor_.status("node")->problem, HasSubstr("package"));
    EXPECT_THAT(events_, ElementsAre(Kind::kStartFailed));
}

TEST_F(SystemdSupervisorTest, RefusesWhatIsNoUnit) {
    for (const char* const unit : {"", "node", "-f.service", "a b.service", "../x.service"}) {
        EXPECT_EQ(start(unit).error().code, ErrorCode::kInvalidArgument) << unit;
    }
    EXPECT_THAT(systemd_.asked, IsEmpty());
    EXPECT_EQ(
        finish([&](auto answer) { supervisor_.stop("node", std::move(answer)); }).error().code,
        ErrorCode::kNotFound);
}

TEST_F(SystemdSupervisorTest, GivesAnotherChanceToWhatSystemdHasGivenUp) {
    systemd_.set("failed", 0, "Result=start-limit-hit\nExecMainCode=2\nExecMainStatus=11\n");
    EXPECT_TRUE(start());
    EXPECT_TRUE(supervisor_.status("node")->crash_loop);
    EXPECT_EQ(supervisor_.status("node")->last_end, "signal 11 (Segmentation fault)");
    systemd_.set("active", 3'999'999);
    EXPECT_TRUE(start());
    EXPECT_FALSE(supervisor_.status("node")->crash_loop);
    EXPECT_EQ(systemd_.asked.at(1),
              "systemctl --no-ask-password reset-failed isthmus-node.service");
    EXPECT_THAT(events_, ElementsAre(Kind::kCrashLoop, Kind::kCrashLoopOver, Kind::kStarted));
}

TEST_F(SystemdSupervisorTest, ReadsTheJournal) {
    systemd_.set("active", 3'999'999);
    ASSERT_TRUE(start());
    systemd_.answers["journalctl --no-pager --output=cat --unit=isthmus-node.service --lines=2"] = {
        .end = {.how = ProcessEnd::How::kExit, .code = 0}, .output = "one\ntwo\n"};
    std::vector<std::string> lines;
    supervisor_.read_log("node", 2, [&](auto result) { lines = std::move(result).value(); });
    io_.restart();
    io_.poll();
    EXPECT_THAT(lines, ElementsAre("one", "two"));
}

TEST(SystemdUnit, ReadsStatesAndStandsNonsense) {
    EXPECT_EQ(parse_unit_state("ActiveState=activating\nSubState=auto-restart\n").state,
              ProgramState::kWaiting);
    EXPECT_EQ(parse_unit_state("ActiveState=deactivating").state, ProgramState::kStopping);
    const UnitState odd = parse_unit_state("\n=\n==\nMainPID=-1\nNRestarts=99999999999999999999");
    EXPECT_EQ(odd.pid, 0);
    EXPECT_EQ(odd.restarts, 0U);
    EXPECT_EQ(odd.state, ProgramState::kStopped);
    EXPECT_FALSE(odd.exists);
}

class CommandTest : public testing::Test {
  protected:
    Result<CommandResult> run(std::vector<std::string> arguments, Duration time = seconds(20)) {
        std::optional<Result<CommandResult>> result;
        commands_.run(std::move(arguments), time, [&](auto answer) { result = std::move(answer); });
        io_.restart();
        while (!result && io_.run_one_for(seconds(20)) > 0) {
        }
        return result.value();
    }

    boost::asio::io_context io_;
    ProcessCommands commands_{io_};
};

TEST_F(CommandTest, CollectsWhatACommandPrints) {
    const auto result = run({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->output, "out\nerr\n");
    EXPECT_EQ(result->end.to_string(), "exit status 3");
}

TEST_F(CommandTest, TakesNoMoreThanItsLimit) {
    const auto result = run({"/bin/sh", "-c", "head -c 3000000 /dev/zero"});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->output.size(), kCommandOutputBytesMax);
}

TEST_F(CommandTest, EndsWhatTakesTooLong) {
    EXPECT_FALSE(run({"/bin/sh", "-c", "sleep 1000"}, milliseconds(20)));
    EXPECT_THAT(run({"/no/such/command"}).error().message, HasSubstr("No such file"));
}

}  // namespace
}  // namespace isthmus::supervisor
