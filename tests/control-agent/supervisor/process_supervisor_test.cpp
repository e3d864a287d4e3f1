// Real processes: small shell scripts under a supervisor, and supervisors one after another.
#include "control-agent/supervisor/io/process_supervisor.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control-agent/supervisor/io/process.h"
#include "tests/control-agent/event_loop.h"
#include "tests/temporary_folder.h"

namespace isthmus::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

using Kind = ProgramEvent::Kind;

class ProcessSupervisorTest : public testing::Test {
  protected:
    ProcessSupervisorTest() { begin(); }

    void TearDown() override {
        // What the test's supervisor has, and what an earlier one left behind.
        for (const ProgramStatus& status : supervisor_->status()) {
            supervisor_->stop(status.name, [](const Result<void>&) {});
        }
        EXPECT_TRUE(run_until([&] {
            return std::ranges::all_of(supervisor_->status(),
                                       [](const ProgramStatus& status) { return status.pid == 0; });
        }));
    }

    // As a new agent would.
    void begin() {
        supervisor_.reset();
        auto made = ProcessSupervisor::make(
            loop_.io(), {.directory = folder_.path() / "programs"}, random_);
        ASSERT_TRUE(made) << made.error().message;
        supervisor_ = std::move(*made);
        supervisor_->on_event([this](const ProgramEvent& event) { events_.push_back(event); });
    }

    ProgramSpec script(const std::string& text, const std::string& name = "program") {
        ProgramSpec spec;
        spec.name = name;
        spec.command = "/bin/sh";
        spec.arguments = {"-c", text};
        spec.restart.first_wait = milliseconds(1);
        spec.stop_grace = seconds(5);
        return spec;
    }

    template <typename Condition>
    bool run_until(Condition condition) {
        return loop_.run_until(std::move(condition));
    }

    template <typename Call>
    Result<void> finish(Call call) {
        return loop_.finish(std::move(call));
    }

    Result<void> start(ProgramSpec spec) {
        return finish([&](Supervisor::Answer answer) {
            supervisor_->start(std::move(spec), std::move(answer));
        });
    }

    Result<void> stop(const std::string& name = "program") {
        return finish(
            [&](Supervisor::Answer answer) { supervisor_->stop(name, std::move(answer)); });
    }

    std::vector<std::string> log(const std::string& name = "program") {
        std::optional<std::vector<std::string>> lines;
        supervisor_->read_log(name, 100, [&](auto result) { lines = std::move(result).value(); });
        EXPECT_TRUE(run_until([&] { return lines.has_value(); }));
        return lines.value_or(std::vector<std::string>());
    }

    // Waits for a line that the program writes.
    bool wrote(const std::string& line, const std::string& name = "program") {
        return run_until([&] {
            const auto lines = log(name);
            return std::ranges::find(lines, line) != lines.end();
        });
    }

    bool heard(Kind kind) {
        return run_until(
            [&] { return std::ranges::find(events_, kind, &ProgramEvent::kind) != events_.end(); });
    }

    [[nodiscard]] int pid() const { return supervisor_->status("program")->pid; }

    TemporaryFolder folder_;
    EventLoop loop_;
    SeededRandom random_{1};
    std::unique_ptr<ProcessSupervisor> supervisor_;
    std::vector<ProgramEvent> events_;
};

constexpr const char* kSleeper =
    "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";

TEST_F(ProcessSupervisorTest, RunsAProgramKeepsItsLogAndStopsIt) {
    ASSERT_TRUE(start(script(kSleeper)));
    EXPECT_EQ(supervisor_->status("program")->state, ProgramState::kRunning);
    EXPECT_TRUE(wrote("up"));
    EXPECT_TRUE(stop());
    EXPECT_TRUE(wrote("bye"));
    const ProgramStatus status = *supervisor_->status("program");
    EXPECT_EQ(status.state, ProgramState::kStopped);
    EXPECT_EQ(status.pid, 0);
    EXPECT_EQ(status.starts, 1U);
    EXPECT_TRUE(heard(Kind::kStopped));
}

TEST_F(ProcessSupervisorTest, StartsAgainWhatCrashes) {
    ASSERT_TRUE(start(script(kSleeper)));
    const int first = pid();
    ASSERT_TRUE(wrote("up"));
    ::kill(first, SIGKILL);
    EXPECT_TRUE(run_until([&] { return pid() != 0 && pid() != first; }));
    EXPECT_EQ(supervisor_->status("program")->last_end, "signal 9 (Killed)");
    ASSERT_TRUE(heard(Kind::kEnded));
    EXPECT_EQ(std::ranges::find(events_, Kind::kEnded, &ProgramEvent::kind)->pid, first);
    EXPECT_EQ(supervisor_->status("program")->unexpected_ends, 1U);
}

TEST_F(ProcessSupervisorTest, CountsWhatIsKilledForItsMisbehaviourAsACrash) {
    ASSERT_TRUE(start(script(kSleeper)));
    const int first = pid();
    supervisor_->kill("program");
    supervisor_->kill("other");
    EXPECT_TRUE(run_until([&] { return pid() != 0 && pid() != first; }));
    EXPECT_EQ(supervisor_->status("program")->unexpected_ends, 1U);
}

TEST_F(ProcessSupervisorTest, RaisesTheAlarmForACrashLoop) {
    ProgramSpec spec = script("echo no; exit 3");
    spec.restart.longest_wait = milliseconds(2);
    std::ignore = start(spec);
    EXPECT_TRUE(heard(Kind::kCrashLoop));
    EXPECT_TRUE(supervisor_->status("program")->crash_loop);
    EXPECT_THAT(supervisor_->status("program")->last_end, HasSubstr("exit status 3"));
}

TEST_F(ProcessSupervisorTest, KillsWhatDoesNotListenAndWhatItStarted) {
    ProgramSpec spec =
        script("trap '' TERM; (trap '' TERM; sleep 1000) & echo child $!; sleep 1000");
    spec.stop_grace = milliseconds(50);
    ASSERT_TRUE(start(spec));
    ASSERT_TRUE(run_until([&] { return !log().empty(); }));
    const int child = std::stoi(log().at(0).substr(6));
    ASSERT_TRUE(identity_of(child));
    EXPECT_TRUE(stop());
    EXPECT_TRUE(heard(Kind::kKilled));
    EXPECT_TRUE(run_until([&] { return !identity_of(child); }));
}

TEST_F(ProcessSupervisorTest, SaysWhyItCannotBeStarted) {
    ProgramSpec spec = script("");
    spec.command = "/no/such/program";
    const auto missing = start(spec);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("No such file"));
    ASSERT_TRUE(stop());
    spec = script("");
    spec.working_directory = "/no/such/directory";
    EXPECT_THAT(start(spec).error().message, HasSubstr("working directory"));
    ASSERT_TRUE(stop());
    spec = script("");
    spec.user = "nobody-has-this-name";
    EXPECT_THAT(start(spec).error().message, HasSubstr("no user"));
    ASSERT_TRUE(stop());
    EXPECT_EQ(stop("other").error().code, ErrorCode::kNotFound);
    spec.name = "../x";
    EXPECT_EQ(start(spec).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ProcessSupervisorTest, GivesItWhatTheSpecificationSaysAndNothingElse) {
    const int leaked = ::dup(0);  // without close-on-exec
    ASSERT_GE(leaked, 0);
    ::setenv("ISTHMUS_TEST_SECRET", "x", 1);  // NOLINT(concurrency-mt-unsafe)
    ProgramSpec spec = script(
        "ls /proc/self/fd | tr '\\n' ' '; echo; ulimit -n; ulimit -c; pwd; echo $A$B; "
        "echo secret=$ISTHMUS_TEST_SECRET; umask; grep NoNewPrivs /proc/self/status | tr '\\t' ' ';"
        " exec sleep 1000");
    spec.environment = {{"A", "one"}, {"B", "old"}};
    int starts = 0;
    spec.environment_of_start = [&] { return Environment{{"B", std::to_string(++starts)}}; };
    spec.working_directory = "/tmp";
    spec.limits.open_files = 77;
    ASSERT_TRUE(start(spec));
    ASSERT_TRUE(wrote("NoNewPrivs: 1"));
    ::close(leaked);
    ::unsetenv("ISTHMUS_TEST_SECRET");  // NOLINT(concurrency-mt-unsafe)
    // 3 is ls's own look at the folder.
    EXPECT_THAT(
        log(),
        ElementsAre("0 1 2 3 ", "77", "0", "/tmp", "one1", "secret=", "0077", "NoNewPrivs: 1"));
}

TEST_F(ProcessSupervisorTest, ComesAsNearToALimitAsItMay) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    ProgramSpec spec = script("ulimit -n; exec sleep 1000");
    // More than the kernel lets anybody have (fs.nr_open).
    spec.limits.open_files = 1ULL << 40U;
    ASSERT_TRUE(start(spec)) << supervisor_->status("program")->problem;
    EXPECT_TRUE(wrote(std::to_string(before.rlim_max)));
}

TEST_F(ProcessSupervisorTest, BecomesItsUserWithTheCapabilitiesItKeeps) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root may become somebody else";
    }
    ProgramSpec spec = script(
        "id -un; id -Gn; grep CapEff /proc/self/status | tr '\\t' ' '; "
        "grep CapBnd /proc/self/status | tr '\\t' ' '; exec sleep 1000");
    spec.user = "nobody";
    spec.capabilities = {"CAP_NET_BIND_SERVICE", "CAP_SYS_NICE"};
    ASSERT_TRUE(start(spec)) << supervisor_->status("program")->problem;
    ASSERT_TRUE(run_until([&] { return log().size() == 4; }));
    // Bits 10 and 23.
    EXPECT_THAT(
        log(),
        ElementsAre("nobody", "nogroup", "CapEff: 0000000000800400", "CapBnd: 0000000000800400"));
}

TEST_F(ProcessSupervisorTest, TakesOverWhatOutlivesTheAgent) {
    ProgramSpec spec = script(kSleeper);
    spec.outlives_agent = true;
    ASSERT_TRUE(start(spec));
    ASSERT_TRUE(wrote("up"));
    const int before = pid();
    EXPECT_TRUE(finish([&](auto answer) { supervisor_->detach(std::move(answer)); }));
    EXPECT_TRUE(identity_of(before)) << "it goes on";
    begin();
    events_.clear();
    ASSERT_TRUE(start(spec));
    EXPECT_EQ(pid(), before);
    EXPECT_TRUE(supervisor_->status("program")->adopted);
    EXPECT_FALSE(supervisor_->status("program")->outdated);
    EXPECT_TRUE(heard(Kind::kAdopted));
    EXPECT_THAT(log(), Contains("up")) << "what it wrote before is there";
    // It is the agent's again: watched, and stopped as any other.
    ::kill(before, SIGKILL);
    EXPECT_TRUE(run_until([&] { return pid() != 0 && pid() != before; }));
    EXPECT_FALSE(supervisor_->status("program")->adopted);
    EXPECT_TRUE(stop());
}

TEST_F(ProcessSupervisorTest, StopsWhatItTookOver) {
    ProgramSpec spec = script(kSleeper);
    spec.outlives_agent = true;
    ASSERT_TRUE(start(spec));
    ASSERT_TRUE(wrote("up"));
    const int before = pid();
    begin();  // without a goodbye, as after a crash
    ASSERT_TRUE(start(spec));
    EXPECT_EQ(pid(), before);
    EXPECT_TRUE(stop());
    EXPECT_FALSE(identity_of(before));
    EXPECT_TRUE(wrote("bye"));
}

TEST_F(ProcessSupervisorTest, SaysThatWhatItTookOverIsOutdated) {
    ProgramSpec spec = script(kSleeper);
    spec.outlives_agent = true;
    ASSERT_TRUE(start(spec));
    const int before = pid();
    begin();
    spec.environment["NEW"] = "1";
    ASSERT_TRUE(start(spec));
    EXPECT_EQ(pid(), before);
    EXPECT_TRUE(supervisor_->status("program")->outdated);
    EXPECT_TRUE(finish([&](auto answer) { supervisor_->restart("program", std::move(answer)); }));
    EXPECT_NE(pid(), before);
    EXPECT_FALSE(supervisor_->status("program")->outdated);
}

// A record of a process that is gone, whose number somebody else has now: this test.
TEST_F(ProcessSupervisorTest, DoesNotTakeAnotherProcessForItsOwn) {
    ProcessIdentity me = *identity_of(::getpid());
    me.start_ticks += 1;
    std::ofstream(folder_.path() / "programs/program.process")
        << write_record({.process = me, .digest = "x"});
    ProgramSpec spec = script(kSleeper);
    spec.outlives_agent = true;
    ASSERT_TRUE(start(spec));
    EXPECT_NE(pid(), ::getpid());
    EXPECT_FALSE(supervisor_->status("program")->adopted);
}

TEST_F(ProcessSupervisorTest, StartsAnewWhereTheRecordIsBroken) {
    std::ofstream(folder_.path() / "programs/program.process") << "{\"version\":1,\"pi";
    ASSERT_TRUE(start(script(kSleeper)));
    EXPECT_FALSE(supervisor_->status("program")->adopted);
}

TEST_F(ProcessSupervisorTest, ReplacesALeftoverOfAnAgentThatWasKilled) {
    ASSERT_TRUE(start(script(kSleeper)));  // dies with the agent's process: this one, which lives
    ASSERT_TRUE(wrote("up"));
    const int before = pid();
    begin();
    ASSERT_TRUE(start(script(kSleeper)));
    EXPECT_NE(pid(), before);
    EXPECT_FALSE(identity_of(before));
}

TEST_F(ProcessSupervisorTest, StopsTheOthersWhenTheAgentEnds) {
    ASSERT_TRUE(start(script(kSleeper)));
    const int before = pid();
    EXPECT_TRUE(finish([&](auto answer) { supervisor_->detach(std::move(answer)); }));
    EXPECT_FALSE(identity_of(before));
    EXPECT_EQ(start(script(kSleeper, "another")).error().code, ErrorCode::kUnavailable);
}

TEST_F(ProcessSupervisorTest, BoundsTheLogOfAProgramThatFloodsIt) {
    const auto go = folder_.path() / "go";
    ASSERT_TRUE(
        start(script("yes 0123456789012345678901234567890123456789 | head -c 20000000;"
                     " until [ -e " +
                     go.string() + " ]; do sleep 0.02; done; echo; echo end; exec sleep 1000")));
    const auto file = folder_.path() / "programs/program.log";
    ASSERT_TRUE(run_until([&] {
        const ProgramStatus status = *supervisor_->status("program");
        return status.log_lines_dropped > 0 && std::filesystem::file_size(file) < 17'000'000U;
    }));
    std::ofstream{go} << "";
    EXPECT_TRUE(wrote("end")) << "the flood is over; last: " << testing::PrintToString(log());
    EXPECT_LE(log().size(), 2000U);
}

}  // namespace
}  // namespace isthmus::supervisor
