#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "signaling/api/metrics_page.h"

namespace isthmus::signaling::api {
namespace {

// proc(5), /proc/self/stat: what follows the command's closing parenthesis, from field 3.
struct StatFields {
    double user_ticks = 0;
    double system_ticks = 0;
    std::uint64_t threads = 0;
    double start_ticks_after_boot = 0;
    std::uint64_t resident_pages = 0;
};

StatFields read_stat() {
    std::ifstream file("/proc/self/stat");
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    StatFields fields;
    const std::size_t command_end = text.rfind(')');
    if (command_end == std::string::npos) {
        return fields;
    }
    std::istringstream in(text.substr(command_end + 1));
    std::string word;
    for (int field = 3; field <= 24 && in >> word; ++field) {
        std::istringstream value(word);
        switch (field) {
            case 14:
                value >> fields.user_ticks;
                break;
            case 15:
                value >> fields.system_ticks;
                break;
            case 20:
                value >> fields.threads;
                break;
            case 22:
                value >> fields.start_ticks_after_boot;
                break;
            case 24:
                value >> fields.resident_pages;
                break;
            default:
                break;
        }
    }
    return fields;
}

double boot_time_unix_seconds() {
    std::ifstream file("/proc/stat");
    std::string word;
    while (file >> word) {
        if (word == "btime") {
            double seconds = 0;
            file >> seconds;
            return seconds;
        }
    }
    return 0;
}

std::uint64_t count_open_fds() {
    std::error_code error;
    std::uint64_t count = 0;
    for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
         !error && entry != std::filesystem::directory_iterator();
         entry.increment(error)) {
        ++count;
    }
    return count;
}

}  // namespace

ProcessStats read_process_stats() {
    const StatFields fields = read_stat();
    const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    ProcessStats stats;
    stats.cpu_seconds = (fields.user_ticks + fields.system_ticks) / ticks_per_second;
    stats.threads = fields.threads;
    stats.resident_bytes =
        fields.resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (const double boot = boot_time_unix_seconds(); boot > 0) {
        stats.start_time_unix_seconds = boot + fields.start_ticks_after_boot / ticks_per_second;
    }
    stats.open_fds = count_open_fds();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        stats.max_fds = limit.rlim_cur;
    }
    return stats;
}

}  // namespace isthmus::signaling::api
