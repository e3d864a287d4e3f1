// Supervises by itself: processes are the agent's children, or those of an agent before it.
//
// In `directory` it keeps for each program its log and a record of its process, by which the next
// agent takes over what outlives this one. ADR 0025 tells how.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/random.h"
#include "control-agent/supervisor/log_ring.h"
#include "control-agent/supervisor/supervisor.h"

namespace isthmus::supervisor {

struct ProcessSupervisorConfig {
    std::filesystem::path directory;  // made where it is not there; the agent's alone
    LogLimits log;
    // Of cgroup v2, to divide; empty: no control groups. Cgroups::own_group() is the agent's.
    std::filesystem::path cgroup;
};

class ProcessSupervisor final : public Supervisor {
  public:
    // `io` and `random` outlive it, and answers and listeners what they refer to. When it is
    // destroyed without detach() programs go on, or die with the agent's process.
    [[nodiscard]] static Result<std::unique_ptr<ProcessSupervisor>> make(
        boost::asio::io_context& io, ProcessSupervisorConfig config, RandomSource& random);
    ~ProcessSupervisor() override;
    ProcessSupervisor(const ProcessSupervisor&) = delete;
    ProcessSupervisor& operator=(const ProcessSupervisor&) = delete;

    void start(ProgramSpec spec, Answer answer) override;
    void stop(std::string_view name, Answer answer) override;
    void restart(std::string_view name, Answer answer) override;
    void kill(std::string_view name) override;
    [[nodiscard]] Result<ProgramStatus> status(std::string_view name) const override;
    [[nodiscard]] std::vector<ProgramStatus> status() const override;
    void read_log(std::string_view name, std::size_t lines, LogAnswer answer) override;
    void on_event(std::function<void(const ProgramEvent&)> listener) override;
    void detach(Answer answer) override;

  private:
    struct State;
    explicit ProcessSupervisor(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // what is posted looks whether it is still there
};

}  // namespace isthmus::supervisor
