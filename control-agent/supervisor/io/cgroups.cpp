#include "control-agent/supervisor/io/cgroups.h"

#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include <linux/magic.h>
#include <spdlog/fmt/fmt.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace isthmus::supervisor {
namespace {

namespace fs = std::filesystem;

bool write_file(const fs::path& path, std::string_view text) {
    std::ofstream file(path);
    file << text;
    file.close();
    return static_cast<bool>(file);
}

bool is_cgroup2(const fs::path& path) {
    struct statfs info{};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

}  // namespace

bool wants_group(const ResourceLimits& limits) {
    return limits.memory_bytes || limits.processes || limits.cpu_percent;
}

fs::path Cgroups::own_group() {
    fs::path mount = "/sys/fs/cgroup";
    if (!is_cgroup2(mount)) {
        return {};
    }
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        // The one hierarchy of version 2 has number 0 and no controllers named.
        if (line.starts_with("0::/")) {
            fs::path own = mount / line.substr(4);
            return ::access((own / "cgroup.procs").c_str(), W_OK) == 0 ? own : fs::path();
        }
    }
    return {};
}

std::optional<Cgroups> Cgroups::divide(const fs::path& root) {
    if (root.empty()) {
        return std::nullopt;
    }
    const fs::path own = root / "agent";
    std::error_code failure;
    fs::create_directory(own, failure);
    if (failure || !write_file(own / "cgroup.procs", std::to_string(::getpid()))) {
        return std::nullopt;
    }
    // One by one: a machine may lack one of them. A limit that needs it will say so.
    for (const char* const controller : {"+memory", "+pids", "+cpu"}) {
        (void)write_file(root / "cgroup.subtree_control", controller);
    }
    return Cgroups(root);
}

Result<void> Cgroups::add(const std::string& program,
                          const ResourceLimits& limits,
                          pid_t pid) const {
    constexpr std::uint32_t kPeriodUs = 100'000;
    const fs::path group = group_of(program);
    std::error_code failure;
    fs::create_directory(group, failure);
    std::vector<std::string> refused;
    const auto set = [&](const char* file, const std::string& value) {
        if (!write_file(group / file, value)) {
            refused.emplace_back(file);
        }
    };
    set("memory.max", limits.memory_bytes ? std::to_string(*limits.memory_bytes) : "max");
    set("pids.max", limits.processes ? std::to_string(*limits.processes) : "max");
    set("cpu.max",
        limits.cpu_percent
            ? fmt::format("{} {}", std::uint64_t{*limits.cpu_percent} * kPeriodUs / 100, kPeriodUs)
            : fmt::format("max {}", kPeriodUs));
    if (!limits.memory_bytes) {
        std::erase(refused, "memory.max");
    }
    if (!limits.processes) {
        std::erase(refused, "pids.max");
    }
    if (!limits.cpu_percent) {
        std::erase(refused, "cpu.max");
    }
    if (!write_file(group / "cgroup.procs", std::to_string(pid))) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("the kernel does not take it into {}", group.string()));
    }
    if (!refused.empty()) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("limits that cannot be set: {}", fmt::join(refused, ", ")));
    }
    return {};
}

bool Cgroups::kill(const std::string& program) const {
    const fs::path group = group_of(program);
    std::error_code ignored;
    return fs::exists(group, ignored) && write_file(group / "cgroup.kill", "1");
}

void Cgroups::remove(const std::string& program) const {
    std::error_code ignored;
    fs::remove(group_of(program), ignored);
}

}  // namespace isthmus::supervisor
