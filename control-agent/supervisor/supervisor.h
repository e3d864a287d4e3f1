// Looks after programs: starts them, starts them again, stops them, keeps their logs.
//
// Two implementations: ProcessSupervisor does it itself, SystemdSupervisor asks systemd. One
// thread, that of the io_context; answers and events come later, never from within a call.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control-agent/supervisor/program.h"

namespace isthmus::supervisor {

class Supervisor {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;
    using LogAnswer = std::move_only_function<void(Result<std::vector<std::string>>)>;

    virtual ~Supervisor() = default;

    // Wants it running from now on, and answers once it is started or taken over. One of the same
    // name that runs goes on, whatever the specification says (ProgramStatus::outdated); the new
    // one counts from the next start.
    virtual void start(ProgramSpec spec, Answer answer) = 0;
    // Wants it stopped; answers when it is gone. kNotFound for a name that was never started.
    virtual void stop(std::string_view name, Answer answer) = 0;
    // Ends it politely where it runs, and starts it; answers when it is started.
    virtual void restart(std::string_view name, Answer answer) = 0;

    // Ends it at once, for it misbehaves: that counts as a crash, so that it is started again with
    // a back-off. Nothing where it does not run.
    virtual void kill(std::string_view name) = 0;

    [[nodiscard]] virtual Result<ProgramStatus> status(std::string_view name) const = 0;
    [[nodiscard]] virtual std::vector<ProgramStatus> status() const = 0;

    // The last lines that it wrote, oldest first.
    virtual void read_log(std::string_view name, std::size_t lines, LogAnswer answer) = 0;

    // One listener after another; each hears everything.
    virtual void on_event(std::function<void(const ProgramEvent&)> listener) = 0;

    // The agent ends: programs that outlive it go on, the others are stopped; answers when those
    // are gone. Nothing is started any more.
    virtual void detach(Answer answer) = 0;
};

}  // namespace isthmus::supervisor
