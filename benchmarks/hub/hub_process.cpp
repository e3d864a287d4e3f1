#include "benchmarks/hub/hub_process.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace isthmus::hub {
namespace {

bool listens(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool open =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return open;
}

}  // namespace

Result<HubProcess> HubProcess::start(const std::string& program,
                                     const std::filesystem::path& data,
                                     std::uint16_t port) {
    const std::string listen = "0.0.0.0:" + std::to_string(port);
    const std::string directory = data.string();
    std::array<const char*, 12> arguments = {program.c_str(),
                                             "--data",
                                             directory.c_str(),
                                             "--listen",
                                             listen.c_str(),
                                             "--log-level",
                                             "warning",
                                             "--connections-per-address",
                                             "100000",
                                             "--connections",
                                             "20000",
                                             nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    const int failed = ::posix_spawn(&pid,
                                     program.c_str(),
                                     &actions,
                                     nullptr,
                                     const_cast<char* const*>(arguments.data()),
                                     ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return make_error(ErrorCode::kUnavailable, "cannot start " + program);
    }
    HubProcess hub(pid);
    constexpr int kTries = 600;
    for (int i = 0; i < kTries; ++i) {
        if (listens(port)) {
            return hub;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return make_error(ErrorCode::kUnavailable, program + " does not listen");
}

HubProcess::HubProcess(HubProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

HubProcess& HubProcess::operator=(HubProcess&& other) noexcept {
    if (this != &other) {
        kill();
        pid_ = std::exchange(other.pid_, -1);
    }
    return *this;
}

HubProcess::~HubProcess() {
    kill();
}

void HubProcess::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

ProcessCost HubProcess::cost() const {
    ProcessCost cost;
    const std::string folder = "/proc/" + std::to_string(pid_);
    std::ifstream stat(folder + "/stat");
    std::string text;
    std::getline(stat, text);
    // proc(5): the name is in parentheses and may hold spaces; utime and stime are the 14th and
    // 15th fields.
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    constexpr int kBeforeTimes = 11;
    std::string skipped;
    for (int i = 0; i < kBeforeTimes; ++i) {
        fields >> skipped;
    }
    double user = 0;
    double system = 0;
    fields >> user >> system;
    cost.cpu_s = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::ifstream status(folder + "/status");
    while (std::getline(status, text)) {
        if (text.starts_with("VmRSS:")) {
            cost.resident_kib = std::strtoull(text.c_str() + 6, nullptr, 10);
        }
    }
    return cost;
}

}  // namespace isthmus::hub
