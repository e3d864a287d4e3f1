// Starts a process: everything that can be worked out beforehand is (LaunchPlan), so that between
// fork and exec only calls are made that a signal handler might make (signal-safety(7)).
//
// The child waits until launch() was told that it may go on, so that no process runs that no record
// names: where the agent dies before that, the child ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

#include "base/error.h"
#include "control-agent/supervisor/io/file_descriptor.h"
#include "control-agent/supervisor/program.h"

namespace isthmus::supervisor {

struct LaunchPlan {
    std::string command;
    std::vector<std::string> arguments;    // with the command's name first
    std::vector<std::string> environment;  // "NAME=value"
    std::string working_directory;
    bool change_user = false;
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups;
    std::uint64_t capabilities = 0;  // bits, kept for the user
    std::vector<std::pair<int, rlimit>> limits;
    bool dies_with_agent = true;
};

// The user's groups, the capabilities' numbers, the inherited part of the environment.
[[nodiscard]] Result<LaunchPlan> make_plan(const ProgramSpec& spec);

struct Launched {
    pid_t pid = 0;
    FileDescriptor pidfd;
};

// `output` becomes standard output and error. `before_start` runs here once there is a process and
// before it runs the program; where it fails nothing is run. What fails in the child is told as an
// error that names the step.
[[nodiscard]] Result<Launched> launch(
    const LaunchPlan& plan,
    int output,
    const std::function<Result<void>(pid_t)>& before_start = nullptr);

}  // namespace isthmus::supervisor
