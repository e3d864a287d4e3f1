#include "tests/tools/hub/nats_server_under_test.h"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <utility>
#include <vector>

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace isthmus::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "/usr/sbin/nats-server";
constexpr auto kStartsWithin = std::chrono::seconds(20);
constexpr int kLookEveryMs = 5;

std::string contents_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

NatsServerUnderTest::NatsServerUnderTest(std::string configuration)
    : configuration_(std::move(configuration)) {
    start();
}

NatsServerUnderTest::~NatsServerUnderTest() {
    kill();
}

bool NatsServerUnderTest::installed() {
    return ::access(kProgram, X_OK) == 0;
}

void NatsServerUnderTest::start() {
    const fs::path file = folder_.path() / "nats.conf";
    std::ofstream(file) << configuration_ << "\n";
    std::vector<std::string> words = {kProgram,
                                      "--addr",
                                      "127.0.0.1",
                                      "--port",
                                      port_,
                                      "--config",
                                      file,
                                      "--log",
                                      folder_.path() / "nats.log",
                                      "--ports_file_dir",
                                      folder_.path()};
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    CHECK(::posix_spawn(&pid_, kProgram, nullptr, nullptr, arguments.data(), environ) == 0);
    // It writes this when it listens.
    const fs::path ports = folder_.path() / ("nats-server_" + std::to_string(pid_) + ".ports");
    const std::regex port(R"re("nats":\s*\[\s*"[a-z]+://127\.0\.0\.1:(\d+)")re");
    const auto deadline = std::chrono::steady_clock::now() + kStartsWithin;
    for (std::smatch found;;) {
        const std::string text = contents_of(ports);
        if (std::regex_search(text, found, port)) {
            port_ = found[1];
            return;
        }
        CHECK(std::chrono::steady_clock::now() < deadline);
        ::poll(nullptr, 0, kLookEveryMs);
    }
}

void NatsServerUnderTest::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
}

void NatsServerUnderTest::freeze() const {
    ::kill(pid_, SIGSTOP);
}

void NatsServerUnderTest::thaw() const {
    ::kill(pid_, SIGCONT);
}

std::string NatsServerUnderTest::log() const {
    return contents_of(folder_.path() / "nats.log");
}

std::string NatsServerUnderTest::url(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + port_;
}

}  // namespace isthmus::hub
