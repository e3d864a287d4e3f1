#include "tests/tools/hub/postgresql_under_test.h"

#include <filesystem>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace isthmus::hub {
namespace {

constexpr int kNotInstalled = 77;

std::filesystem::path directory_of(const TemporaryFolder& folder) {
    return folder.path() / "server";
}

// Its exit status.
int run_script(const std::string& command, const std::filesystem::path& directory) {
    std::vector<std::string> words = {ISTHMUS_POSTGRESQL_SCRIPT, command, directory.string()};
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t pid = -1;
    CHECK(::posix_spawn(&pid, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
    int status = 0;
    CHECK(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

PostgresqlUnderTest::PostgresqlUnderTest() {
    const std::filesystem::path directory = directory_of(folder_);
    std::filesystem::create_directories(directory);
    const int status = run_script("start", directory);
    if (status == kNotInstalled) {
        return;
    }
    CHECK(status == 0);
    address_ = "postgresql:///postgres?user=hub&host=" + directory.string();
}

PostgresqlUnderTest::~PostgresqlUnderTest() {
    if (!address_.empty()) {
        run_script("stop", directory_of(folder_));
    }
}

}  // namespace isthmus::hub
