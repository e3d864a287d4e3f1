#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <spdlog/fmt/fmt.h>

#include "control-agent/supervisor/io/launch.h"

namespace isthmus::supervisor {
namespace {

// capabilities(7); what a media node or a connector may have need of, and no more.
struct Capability {
    std::string_view name;
    unsigned number;
};

constexpr std::array kCapabilities = {
    Capability{"CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE},
    Capability{"CAP_NET_ADMIN", CAP_NET_ADMIN},
    Capability{"CAP_NET_RAW", CAP_NET_RAW},
    Capability{"CAP_SYS_NICE", CAP_SYS_NICE},
    Capability{"CAP_IPC_LOCK", CAP_IPC_LOCK},
};

Result<std::uint64_t> capability_bits(const std::vector<std::string>& names) {
    std::uint64_t bits = 0;
    for (const std::string& name : names) {
        bool known = false;
        for (const Capability& capability : kCapabilities) {
            if (capability.name == name) {
                bits |= std::uint64_t{1} << capability.number;
                known = true;
            }
        }
        if (!known) {
            return make_error(ErrorCode::kInvalidArgument,
                              fmt::format("{} is no capability that programs are given", name));
        }
    }
    return bits;
}

Result<void> find_user(const std::string& name, LaunchPlan& plan) {
    constexpr std::size_t kBufferBytes = 16UL * 1024;
    std::vector<char> buffer(kBufferBytes);
    passwd entry{};
    passwd* found = nullptr;
    const int failure = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) {
        return make_error(
            ErrorCode::kNotFound,
            fmt::format(
                "there is no user \"{}\" on this machine{}",
                name,
                failure == 0 ? "" : fmt::format(": {}", std::generic_category().message(failure))));
    }
    plan.user = entry.pw_uid;
    plan.group = entry.pw_gid;
    int count = 64;
    plan.groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), entry.pw_gid, plan.groups.data(), &count) < 0) {
        return make_error(ErrorCode::kLimitExceeded,
                          fmt::format("user \"{}\" is in too many groups", name));
    }
    plan.groups.resize(static_cast<std::size_t>(count));
    plan.change_user = true;
    return {};
}

void add_limit(LaunchPlan& plan, int resource, const std::optional<std::uint64_t>& value) {
    if (value) {
        plan.limits.emplace_back(resource, rlimit{.rlim_cur = *value, .rlim_max = *value});
    }
}

void fill_environment(const ProgramSpec& spec, LaunchPlan& plan) {
    Environment environment;
    for (const char* const name : {"PATH", "LANG", "TZ"}) {
        if (const char* const value = std::getenv(name)) {  // NOLINT(concurrency-mt-unsafe)
            environment.insert_or_assign(name, value);
        }
    }
    for (const auto& [name, value] : spec.environment) {
        environment.insert_or_assign(name, value);
    }
    if (spec.environment_of_start) {
        for (auto& [name, value] : spec.environment_of_start()) {
            environment.insert_or_assign(name, value);
        }
    }
    for (const auto& [name, value] : environment) {
        plan.environment.push_back(fmt::format("{}={}", name, value));
    }
}

}  // namespace

Result<LaunchPlan> make_plan(const ProgramSpec& spec) {
    LaunchPlan plan;
    plan.command = spec.command;
    plan.arguments.push_back(std::filesystem::path(spec.command).filename().string());
    plan.arguments.insert(plan.arguments.end(), spec.arguments.begin(), spec.arguments.end());
    plan.working_directory = spec.working_directory;
    plan.dies_with_agent = !spec.outlives_agent;
    fill_environment(spec, plan);
    add_limit(plan, RLIMIT_NOFILE, spec.limits.open_files);
    add_limit(plan, RLIMIT_MEMLOCK, spec.limits.locked_bytes);
    add_limit(plan, RLIMIT_CORE, spec.limits.core_bytes);
    const Result<std::uint64_t> capabilities = capability_bits(spec.capabilities);
    if (!capabilities) {
        return std::unexpected(capabilities.error());
    }
    plan.capabilities = *capabilities;
    if (!spec.user.empty()) {
        if (const Result<void> found = find_user(spec.user, plan); !found) {
            return std::unexpected(found.error());
        }
    }
    return plan;
}

}  // namespace isthmus::supervisor
