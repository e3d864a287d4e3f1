// Leaves supervision to systemd: programs are units, which systemctl starts and stops, and which
// go on without the agent anyway. What a specification says but the name and the unit is the unit's
// own business.
//
// How units fare is looked at after each command, when a main process ends (pidfd), and else twice
// a minute: each look is a process.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "control-agent/supervisor/io/command.h"
#include "control-agent/supervisor/supervisor.h"

namespace isthmus::supervisor {

struct SystemdPaths {
    std::string systemctl = "/usr/bin/systemctl";
    std::string journalctl = "/usr/bin/journalctl";
};

class SystemdSupervisor final : public Supervisor {
  public:
    // Both outlive it.
    SystemdSupervisor(boost::asio::io_context& io, Commands& commands, SystemdPaths paths = {});
    ~SystemdSupervisor() override;
    SystemdSupervisor(const SystemdSupervisor&) = delete;
    SystemdSupervisor& operator=(const SystemdSupervisor&) = delete;

    void start(ProgramSpec spec, Answer answer) override;
    void stop(std::string_view name, Answer answer) override;
    void restart(std::string_view name, Answer answer) override;
    void kill(std::string_view name) override;
    [[nodiscard]] Result<ProgramStatus> status(std::string_view name) const override;
    [[nodiscard]] std::vector<ProgramStatus> status() const override;
    void read_log(std::string_view name, std::size_t lines, LogAnswer answer) override;
    void on_event(std::function<void(const ProgramEvent&)> listener) override;
    // Units go on, all of them.
    void detach(Answer answer) override;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace isthmus::supervisor
