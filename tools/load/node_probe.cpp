#include "tools/load/node_probe.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include <sched.h>
#include <unistd.h>

namespace isthmus::load {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] std::string read_text(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

[[nodiscard]] std::uint64_t parse_field(std::string_view text, std::size_t field) {
    for (; field > 0; --field) {
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos) {
            return 0;
        }
        text.remove_prefix(space + 1);
    }
    std::uint64_t value = 0;
    const char* const begin = text.data();
    const auto [end, failure] = std::from_chars(begin, begin + text.size(), value);
    return failure == std::errc{} && end != begin ? value : 0;
}

}  // namespace

std::uint64_t parse_schedstat(const std::string& text) {
    return parse_field(text, 0);
}

std::uint64_t parse_resident_pages(const std::string& text) {
    return parse_field(text, 1);
}

bool shares_cores(int pid, std::span<const int> cpus) {
    cpu_set_t theirs;
    cpu_set_t ours;
    CPU_ZERO(&ours);
    for (const int cpu : cpus) {
        CPU_SET(static_cast<unsigned>(cpu), &ours);
    }
    const bool known = ::sched_getaffinity(pid, sizeof theirs, &theirs) == 0 &&
                       (!cpus.empty() || ::sched_getaffinity(0, sizeof ours, &ours) == 0);
    cpu_set_t both;
    CPU_AND(&both, &theirs, &ours);
    return known && CPU_COUNT(&both) > 0;
}

Result<NodeUsage> read_node_usage(int pid) {
    const fs::path process = fs::path("/proc") / std::to_string(pid);
    NodeUsage usage;
    std::error_code error;
    for (const auto& task : fs::directory_iterator(process / "task", error)) {
        std::string name = read_text(task.path() / "comm");
        while (name.ends_with('\n')) {
            name.pop_back();
        }
        usage.threads.push_back(
            {.id = static_cast<int>(parse_field(task.path().filename().string(), 0)),
             .name = std::move(name),
             .cpu_ns = parse_schedstat(read_text(task.path() / "schedstat"))});
    }
    if (error || usage.threads.empty()) {
        return make_error(ErrorCode::kNotFound,
                          "there is no process " + std::to_string(pid) +
                              ", or it is another user's; --node-pid wants the node's");
    }
    usage.rss_bytes = parse_resident_pages(read_text(process / "statm")) *
                      static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return usage;
}

}  // namespace isthmus::load
