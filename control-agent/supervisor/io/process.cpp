#include "control-agent/supervisor/io/process.h"

#include <charconv>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>

#include "control-agent/supervisor/io/pidfd.h"

namespace isthmus::supervisor {
namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Of /proc/[pid]/stat: the state (field 3) and the start (field 22). The second field is the
// command in parentheses, which may contain anything.
struct Stat {
    char state = 0;
    std::uint64_t start_ticks = 0;
};

std::optional<Stat> parse_stat(std::string_view text) {
    constexpr int kStartField = 22;
    const std::size_t close = text.rfind(')');
    if (close == std::string_view::npos || close + 2 >= text.size()) {
        return std::nullopt;
    }
    text.remove_prefix(close + 2);
    Stat stat{.state = text.front(), .start_ticks = 0};
    for (int field = 3; field < kStartField; ++field) {
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos) {
            return std::nullopt;
        }
        text.remove_prefix(space + 1);
    }
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), stat.start_ticks);
    return parsed.ec == std::errc() ? std::optional(stat) : std::nullopt;
}

}  // namespace

std::optional<ProcessIdentity> identity_of(pid_t pid) {
    const auto stat = parse_stat(read_text(fmt::format("/proc/{}/stat", pid)));
    if (!stat || stat->state == 'Z' || stat->state == 'X') {
        return std::nullopt;
    }
    std::string boot = read_text("/proc/sys/kernel/random/boot_id");
    while (boot.ends_with('\n')) {
        boot.pop_back();
    }
    return ProcessIdentity{
        .pid = pid, .start_ticks = stat->start_ticks, .boot_id = std::move(boot)};
}

Process::Process(boost::asio::io_context& io, pid_t pid, FileDescriptor pidfd, bool child)
    : pid_(pid), child_(child), pidfd_(io, pidfd.release()) {}

Process::Process(boost::asio::io_context& io, Launched launched)
    : Process(io, launched.pid, std::move(launched.pidfd), true) {}

std::unique_ptr<Process> Process::adopt(boost::asio::io_context& io,
                                        const ProcessIdentity& identity) {
    // First the descriptor, then the look: what it refers to cannot change any more.
    FileDescriptor pidfd(open_pidfd(identity.pid));
    if (!pidfd || identity_of(identity.pid) != identity) {
        return nullptr;
    }
    // NOLINTNEXTLINE(*-owning-memory): private constructor
    return std::unique_ptr<Process>(new Process(io, identity.pid, std::move(pidfd), false));
}

ProcessEnd Process::reap() {
    if (!child_) {
        return {};
    }
    const auto id = static_cast<id_t>(pidfd_.native_handle());
    siginfo_t info{};
    // What it left running goes with it; its number is its own until it is waited for.
    if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        ::kill(-pid_, SIGKILL);
    }
    info = {};
    if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
        return {};
    }
    return {.how = info.si_code == CLD_EXITED ? ProcessEnd::How::kExit : ProcessEnd::How::kSignal,
            .code = info.si_status};
}

void Process::wait(OnEnd on_end) {
    pidfd_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this, on_end = std::move(on_end)](const boost::system::error_code& error) mutable {
            if (!error) {
                // The callback may destroy this.
                const ProcessEnd end = reap();
                OnEnd called = std::move(on_end);
                called(end);
            }
        });
}

void Process::send_signal(int number) {
    supervisor::send_signal(pidfd_.native_handle(), number);
}

void Process::kill_session() {
    // A child's number is its own until we have waited for it; another's while it lives.
    constexpr int kOnlyAsk = 0;
    if (child_ || supervisor::send_signal(pidfd_.native_handle(), kOnlyAsk) == 0) {
        ::kill(-pid_, SIGKILL);
    }
    send_signal(SIGKILL);
}

}  // namespace isthmus::supervisor
