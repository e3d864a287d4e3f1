// A program that the agent looks after: what it is told to run, and what it says of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace isthmus::supervisor {

using Environment = std::map<std::string, std::string>;

// What the kernel holds a program to; nothing set is as the agent itself.
struct ResourceLimits {
    std::optional<std::uint64_t> open_files;      // RLIMIT_NOFILE
    std::optional<std::uint64_t> locked_bytes;    // RLIMIT_MEMLOCK
    std::optional<std::uint64_t> core_bytes = 0;  // RLIMIT_CORE: memory holds keys
    // Of the program and all that it starts; need cgroup v2, delegated to the agent.
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint32_t> processes;
    std::optional<std::uint32_t> cpu_percent;  // of one core

    friend bool operator==(const ResourceLimits&, const ResourceLimits&) = default;
};

enum class RestartMode : std::uint8_t { kAlways, kOnFailure, kNever };

struct RestartRules {
    RestartMode mode = RestartMode::kAlways;
    Duration first_wait = std::chrono::milliseconds(200);
    Duration longest_wait = std::chrono::seconds(60);
    // A run of this length makes up for the failures before it.
    Duration steady_after = std::chrono::seconds(60);
    // So many ends within the window are a crash loop. It is tried on, and told.
    std::uint32_t loop_ends = 5;
    Duration loop_window = std::chrono::minutes(10);

    friend bool operator==(const RestartRules&, const RestartRules&) = default;
};

struct ProgramSpec {
    std::string name;     // [a-z0-9-], at most 48: names files
    std::string command;  // absolute path
    std::vector<std::string> arguments;
    Environment environment;  // all of it: nothing is inherited but PATH, LANG and TZ
    // What differs from start to start, such as a one-time token; may be empty.
    std::function<Environment()> environment_of_start;
    std::string working_directory = "/";
    std::string user;                       // empty: as the agent
    std::vector<std::string> capabilities;  // kept for that user: "CAP_NET_BIND_SERVICE", ...
    ResourceLimits limits;
    RestartRules restart;
    Duration stop_grace = std::chrono::seconds(15);  // from SIGTERM to SIGKILL
    // It goes on without the agent, and the next agent takes it over.
    bool outlives_agent = false;
    // Of systemd, where that supervises: "isthmus-node.service".
    std::string unit;
};

enum class ProgramState : std::uint8_t { kStopped, kRunning, kStopping, kWaiting, kFailed };

[[nodiscard]] std::string_view to_string(ProgramState state);

// How a process ended. Of one that an earlier agent started only the fact is known.
struct ProcessEnd {
    enum class How : std::uint8_t { kExit, kSignal, kUnknown };
    How how = How::kUnknown;
    int code = 0;  // exit status, or the signal's number

    [[nodiscard]] bool success() const { return how == How::kExit && code == 0; }

    [[nodiscard]] std::string to_string() const;  // "exit status 1", "signal 9 (Killed)"

    friend bool operator==(const ProcessEnd&, const ProcessEnd&) = default;
};

struct ProgramStatus {
    std::string name;
    ProgramState state = ProgramState::kStopped;
    int pid = 0;
    Duration running_for{};    // of this run, since the agent knows of it
    std::uint64_t starts = 0;  // by this agent
    std::uint64_t unexpected_ends = 0;
    bool adopted = false;   // an earlier agent started it
    bool outdated = false;  // it runs with another specification than the one wanted
    bool crash_loop = false;
    std::string last_end;  // sentence, or empty
    std::string problem;   // why it does not run, or what could not be set; or empty
    std::uint64_t log_lines = 0;
    std::uint64_t log_lines_dropped = 0;
};

struct ProgramEvent {
    enum class Kind : std::uint8_t {
        kStarted,
        kAdopted,
        kStartFailed,
        kEnded,      // unasked for; it is started again as its rules say
        kStopped,    // as asked
        kKilled,     // as asked, but only SIGKILL made it
        kCrashLoop,  // an alarm until kCrashLoopOver
        kCrashLoopOver,
    };
    Kind kind = Kind::kStarted;
    std::string name;
    int pid = 0;         // of the process that started or ended
    std::string detail;  // sentence for an operator
};

[[nodiscard]] std::string_view to_string(ProgramEvent::Kind kind);

// kInvalidArgument with a sentence where it cannot be run as it stands.
[[nodiscard]] Result<void> check_spec(const ProgramSpec& spec);
// Of what a process is started with: differs where the process would have to be started again.
[[nodiscard]] std::string digest_of(const ProgramSpec& spec);

}  // namespace isthmus::supervisor
