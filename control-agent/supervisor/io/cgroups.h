// Control groups (cgroup v2) for programs: one group each under the agent's own, with limits on
// memory, processes and CPU time that hold for everything that the program starts.
//
// Only where the agent's group is its own to divide (systemd's Delegate=yes, a container); else
// there are none, and whoever wanted a limit is told. Kernel documentation: cgroup-v2.rst.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/error.h"
#include "control-agent/supervisor/program.h"

namespace isthmus::supervisor {

class Cgroups {
  public:
    // The agent moves into a group of its own below `root`: one that holds processes cannot be
    // divided. Nothing where that does not work.
    [[nodiscard]] static std::optional<Cgroups> divide(const std::filesystem::path& root);
    // The agent's own group; empty where the machine has no cgroup v2 that it may write to.
    [[nodiscard]] static std::filesystem::path own_group();

    // Puts the process into the program's group. The limits that cannot be set are named in the
    // error; the process is in the group all the same.
    [[nodiscard]] Result<void> add(const std::string& program,
                                   const ResourceLimits& limits,
                                   pid_t pid) const;
    // SIGKILL to everything in the group. False where there is no such group.
    [[nodiscard]] bool kill(const std::string& program) const;
    // Its processes have ended.
    void remove(const std::string& program) const;

  private:
    explicit Cgroups(std::filesystem::path root) : root_(std::move(root)) {}

    [[nodiscard]] std::filesystem::path group_of(const std::string& program) const {
        return root_ / ("program-" + program);
    }

    std::filesystem::path root_;
};

[[nodiscard]] bool wants_group(const ResourceLimits& limits);

}  // namespace isthmus::supervisor
