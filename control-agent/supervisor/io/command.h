// Runs a command to its end and collects what it prints: systemctl, journalctl.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/error.h"
#include "base/time.h"
#include "control-agent/supervisor/program.h"

namespace isthmus::supervisor {

struct CommandResult {
    ProcessEnd end;
    std::string output;  // standard output and error, at most kCommandOutputBytesMax
};

inline constexpr std::size_t kCommandOutputBytesMax = 1024UL * 1024;

// So that tests stand in for systemd.
class Commands {
  public:
    using Answer = std::move_only_function<void(Result<CommandResult>)>;

    virtual ~Commands() = default;
    // `arguments` begins with the program's absolute path. Answers later, on the io_context's
    // thread; kUnavailable where it does not end within `time`.
    virtual void run(std::vector<std::string> arguments, Duration time, Answer answer) = 0;
};

class ProcessCommands final : public Commands {
  public:
    explicit ProcessCommands(boost::asio::io_context& io) : io_(&io) {}

    void run(std::vector<std::string> arguments, Duration time, Answer answer) override;

  private:
    boost::asio::io_context* io_;
};

}  // namespace isthmus::supervisor
