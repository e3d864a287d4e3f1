#include "control-agent/supervisor/io/command.h"

#include <array>
#include <csignal>
#include <memory>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "control-agent/supervisor/io/launch.h"
#include "control-agent/supervisor/io/process.h"

namespace isthmus::supervisor {
namespace {

namespace asio = boost::asio;

// One command on its way; lives in its own handlers. It is done when its output has ended and the
// process too.
class RunningCommand : public std::enable_shared_from_this<RunningCommand> {
  public:
    RunningCommand(asio::io_context& io, FileDescriptor output, Commands::Answer answer)
        : output_(io, output.release()), timer_(io), answer_(std::move(answer)) {}

    void begin(std::unique_ptr<Process> process, Duration time) {
        process_ = std::move(process);
        process_->wait([self = shared_from_this()](const ProcessEnd& end) {
            self->result_.end = end;
            self->ended_ = true;
            self->finish();
        });
        timer_.expires_after(time);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) {
                self->late_ = true;
                self->process_->kill_session();
            }
        });
        read();
    }

  private:
    void read() {
        output_.async_read_some(
            asio::buffer(buffer_),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                if (error) {
                    self->closed_ = true;
                    self->finish();
                    return;
                }
                const std::size_t room = kCommandOutputBytesMax - self->result_.output.size();
                self->result_.output.append(self->buffer_.data(), std::min(size, room));
                self->read();
            });
    }

    void finish() {
        if (!ended_ || !closed_ || !answer_) {
            return;
        }
        timer_.cancel();
        Commands::Answer answer = std::exchange(answer_, nullptr);
        if (late_) {
            answer(make_error(ErrorCode::kUnavailable, "it did not end in time"));
        } else {
            answer(std::move(result_));
        }
    }

    asio::posix::stream_descriptor output_;
    asio::steady_timer timer_;
    Commands::Answer answer_;
    std::unique_ptr<Process> process_;
    std::array<char, 16UL * 1024> buffer_{};
    CommandResult result_;
    bool ended_ = false;
    bool closed_ = false;
    bool late_ = false;
};

}  // namespace

void ProcessCommands::run(std::vector<std::string> arguments, Duration time, Answer answer) {
    const auto fail = [&](std::string sentence) {
        asio::post(*io_, [answer = std::move(answer), sentence = std::move(sentence)]() mutable {
            answer(make_error(ErrorCode::kUnavailable, std::move(sentence)));
        });
    };
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("the agent has no file descriptors left");
        return;
    }
    FileDescriptor output(ends[0]);
    const FileDescriptor input(ends[1]);
    ProgramSpec spec;
    spec.command = arguments.at(0);
    spec.arguments.assign(arguments.begin() + 1, arguments.end());
    auto plan = make_plan(spec);
    auto launched = plan ? launch(*plan, input.get()) : std::unexpected(plan.error());
    if (!launched) {
        fail(launched.error().message);
        return;
    }
    const auto command =
        std::make_shared<RunningCommand>(*io_, std::move(output), std::move(answer));
    command->begin(std::make_unique<Process>(*io_, std::move(*launched)), time);
}

}  // namespace isthmus::supervisor
