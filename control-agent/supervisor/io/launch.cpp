#include "control-agent/supervisor/io/launch.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "control-agent/supervisor/io/pidfd.h"

namespace isthmus::supervisor {
namespace {

enum class Step : std::uint8_t {
    kSession,
    kOutput,
    kLimits,
    kBounding,
    kGroups,
    kUser,
    kCapabilities,
    kPrivileges,
    kParent,
    kDirectory,
    kDescriptors,
    kExec,
};

constexpr std::string_view kStepNames[] = {
    "making a session of its own",
    "opening its standard output",
    "setting its limits",
    "dropping capabilities",
    "setting its groups",
    "becoming its user",
    "keeping its capabilities",
    "forbidding new privileges",
    "tying it to the agent",
    "entering its working directory",
    "closing the agent's files",
    "running the program",
};

struct Failure {
    Step step = Step::kExec;
    int error = 0;
};

// What the child needs, laid out before the fork.
struct Prepared {
    const LaunchPlan* plan;
    std::vector<char*> arguments;
    std::vector<char*> environment;
    int output;
    int null;
    int go;      // read end: one byte means on
    int report;  // write end: what failed
    pid_t agent;
};

// ---- in the child: nothing here allocates, locks or calls what is not async-signal-safe ----

[[noreturn]] void give_up(const Prepared& prepared, Step step) {
    constexpr int kExitNotRun = 127;
    const Failure failure{.step = step, .error = errno};
    [[maybe_unused]] const ssize_t written = ::write(prepared.report, &failure, sizeof failure);
    ::_exit(kExitNotRun);
}

void require(const Prepared& prepared, Step step, bool good) {
    if (!good) {
        give_up(prepared, step);
    }
}

void reset_signals() {
    struct sigaction plain{};
    plain.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        ::sigaction(number, &plain, nullptr);  // SIGKILL and SIGSTOP stay as they are
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

// As near as it may come: a container's hard limit is no reason not to run.
bool set_limit(__rlimit_resource resource, const rlimit& wanted) {
    rlimit now{};
    if (::setrlimit(resource, &wanted) == 0) {
        return true;
    }
    if (errno != EPERM || ::getrlimit(resource, &now) != 0) {
        return false;
    }
    now.rlim_cur = now.rlim_max;
    return ::setrlimit(resource, &now) == 0;
}

bool set_capabilities(std::uint64_t bits) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const auto low = static_cast<std::uint32_t>(bits);
    const auto high = static_cast<std::uint32_t>(bits >> 32U);
    std::array<__user_cap_data_struct, 2> data{{
        {.effective = low, .permitted = low, .inheritable = low},
        {.effective = high, .permitted = high, .inheritable = high},
    }};
    if (::syscall(SYS_capset, &header, data.data()) != 0) {
        return false;
    }
    for (unsigned number = 0; number < 64; ++number) {
        if ((bits >> number & 1U) != 0 &&
            ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) {
            return false;
        }
    }
    return true;
}

// What is not kept cannot be had again either, by a program with file capabilities, say.
bool drop_bounding(std::uint64_t kept) {
    for (unsigned number = 0; number < 64 && ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0;
         ++number) {
        if ((kept >> number & 1U) == 0 && ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) {
            return false;
        }
    }
    return true;
}

void become_user(const Prepared& prepared) {
    const LaunchPlan& plan = *prepared.plan;
    if (plan.change_user) {
        require(prepared, Step::kBounding, drop_bounding(plan.capabilities));
        require(prepared, Step::kGroups, ::setgroups(plan.groups.size(), plan.groups.data()) == 0);
        require(prepared, Step::kUser, ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
        require(prepared, Step::kUser, ::setresgid(plan.group, plan.group, plan.group) == 0);
        require(prepared, Step::kUser, ::setresuid(plan.user, plan.user, plan.user) == 0);
        require(prepared, Step::kCapabilities, set_capabilities(plan.capabilities));
    }
    require(prepared, Step::kPrivileges, ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

[[noreturn]] void run_child(const Prepared& prepared) {
    constexpr int kExitAbandoned = 126;
    constexpr unsigned kFirstOwnDescriptor = 3;
    const LaunchPlan& plan = *prepared.plan;
    char go = 0;
    if (::read(prepared.go, &go, 1) != 1) {
        ::_exit(kExitAbandoned);
    }
    reset_signals();
    require(prepared, Step::kSession, ::setsid() >= 0);
    require(prepared,
            Step::kOutput,
            ::dup2(prepared.null, STDIN_FILENO) >= 0 &&
                ::dup2(prepared.output, STDOUT_FILENO) >= 0 &&
                ::dup2(prepared.output, STDERR_FILENO) >= 0);
    for (const auto& [resource, limit] : plan.limits) {
        require(
            prepared, Step::kLimits, set_limit(static_cast<__rlimit_resource>(resource), limit));
    }
    become_user(prepared);
    if (plan.dies_with_agent) {
        // After the change of user, which clears it. An agent that died before it is noticed too.
        require(prepared, Step::kParent, ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0);
        if (::getppid() != prepared.agent) {
            ::_exit(kExitAbandoned);
        }
    }
    ::umask(S_IRWXG | S_IRWXO);
    require(prepared, Step::kDirectory, ::chdir(plan.working_directory.c_str()) == 0);
    require(prepared,
            Step::kDescriptors,
            ::close_range(kFirstOwnDescriptor, ~0U, CLOSE_RANGE_CLOEXEC) == 0);
    ::execve(plan.command.c_str(), prepared.arguments.data(), prepared.environment.data());
    give_up(prepared, Step::kExec);
}

// ---- in the agent ----

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        pointers.push_back(const_cast<char*>(text.c_str()));  // NOLINT(*-const-cast): execve(2)
    }
    pointers.push_back(nullptr);
    return pointers;
}

struct Pipe {
    FileDescriptor read;
    FileDescriptor write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return make_error(
            ErrorCode::kUnavailable,
            fmt::format("no pipe can be made: {}", std::generic_category().message(errno)));
    }
    return Pipe{.read = FileDescriptor(ends[0]), .write = FileDescriptor(ends[1])};
}

// One that never ran the program: nobody else waits for it.
void bury(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
}

// The pipe ends without a word where the program runs: it closes on exec.
Result<void> read_report(int descriptor, const LaunchPlan& plan) {
    Failure failure;
    ssize_t size = 0;
    do {
        size = ::read(descriptor, &failure, sizeof failure);
    } while (size < 0 && errno == EINTR);
    if (size != sizeof failure) {
        return {};
    }
    const auto step = static_cast<std::size_t>(failure.step);
    return make_error(ErrorCode::kUnavailable,
                      fmt::format("{} cannot be started: {} failed: {}",
                                  plan.command,
                                  kStepNames[step],
                                  std::generic_category().message(failure.error)));
}

}  // namespace

Result<Launched> launch(const LaunchPlan& plan,
                        int output,
                        const std::function<Result<void>(pid_t)>& before_start) {
    auto go = make_pipe();
    auto report = make_pipe();
    const FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!go || !report || !null) {
        return make_error(ErrorCode::kUnavailable, "the agent has no file descriptors left");
    }
    const Prepared prepared{.plan = &plan,
                            .arguments = pointers_to(plan.arguments),
                            .environment = pointers_to(plan.environment),
                            .output = output,
                            .null = null.get(),
                            .go = go->read.get(),
                            .report = report->write.get(),
                            .agent = ::getpid()};
    // Nothing that the agent handles may run in the child before it has reset its signals.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(go->write.get());  // else its own copy would keep the pipe open for ever
        run_child(prepared);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        return make_error(
            ErrorCode::kUnavailable,
            fmt::format("no process can be made: {}", std::generic_category().message(errno)));
    }
    go->read.reset();
    report->write.reset();
    Launched launched{.pid = pid, .pidfd = FileDescriptor(open_pidfd(pid))};
    Result<void> started = launched.pidfd
                               ? (before_start ? before_start(pid) : Result<void>())
                               : make_error(ErrorCode::kUnavailable,
                                            fmt::format("the kernel gives no pidfd: {}",
                                                        std::generic_category().message(errno)));
    if (started) {
        const ssize_t written = ::write(go->write.get(), "g", 1);
        started = written == 1 ? read_report(report->read.get(), plan)
                               : make_error(ErrorCode::kUnavailable, "the new process is gone");
    }
    if (!started) {
        go->write.reset();
        bury(pid);
        return std::unexpected(started.error());
    }
    return launched;
}

}  // namespace isthmus::supervisor
