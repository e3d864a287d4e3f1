// One running process, held by its pidfd: a signal cannot reach another that has its number later.
//
// Thread of the io_context.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/error.h"
#include "control-agent/supervisor/io/launch.h"
#include "control-agent/supervisor/program_record.h"

namespace isthmus::supervisor {

// What the process is now; nothing where there is none.
[[nodiscard]] std::optional<ProcessIdentity> identity_of(pid_t pid);

class Process {
  public:
    using OnEnd = std::move_only_function<void(ProcessEnd)>;

    // A child of ours.
    Process(boost::asio::io_context& io, Launched launched);
    // Takes over that one, if it is still there.
    [[nodiscard]] static std::unique_ptr<Process> adopt(boost::asio::io_context& io,
                                                        const ProcessIdentity& identity);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    // Called once, never from within the call, unless this is gone by then.
    void wait(OnEnd on_end);
    // To it alone.
    void send_signal(int number);
    // SIGKILL to it and to what it started and left in its session.
    void kill_session();

  private:
    Process(boost::asio::io_context& io, pid_t pid, FileDescriptor pidfd, bool child);

    [[nodiscard]] ProcessEnd reap();

    pid_t pid_;
    bool child_;
    boost::asio::posix::stream_descriptor pidfd_;
};

}  // namespace isthmus::supervisor
