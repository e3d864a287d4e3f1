#include "control-agent/supervisor/program.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <openssl/evp.h>
#include <spdlog/fmt/fmt.h>

namespace isthmus::supervisor {
namespace {

constexpr std::size_t kNameCharactersMax = 48;
constexpr std::size_t kArgumentsMax = 256;

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameCharactersMax && name.front() != '-' &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

// Each part with its length, so that no two specifications run into the same text.
void append(std::string& text, std::string_view part) {
    text += fmt::format("{}:{};", part.size(), part);
}

template <typename Number>
void append(std::string& text, const std::optional<Number>& number) {
    append(text, number ? std::to_string(*number) : std::string_view("-"));
}

}  // namespace

std::string_view to_string(ProgramState state) {
    switch (state) {
        case ProgramState::kStopped:
            return "stopped";
        case ProgramState::kRunning:
            return "running";
        case ProgramState::kStopping:
            return "stopping";
        case ProgramState::kWaiting:
            return "waiting";
        case ProgramState::kFailed:
            break;
    }
    return "failed";
}

std::string_view to_string(ProgramEvent::Kind kind) {
    switch (kind) {
        case ProgramEvent::Kind::kStarted:
            return "started";
        case ProgramEvent::Kind::kAdopted:
            return "adopted";
        case ProgramEvent::Kind::kStartFailed:
            return "start-failed";
        case ProgramEvent::Kind::kEnded:
            return "ended";
        case ProgramEvent::Kind::kStopped:
            return "stopped";
        case ProgramEvent::Kind::kKilled:
            return "killed";
        case ProgramEvent::Kind::kCrashLoop:
            return "crash-loop";
        case ProgramEvent::Kind::kCrashLoopOver:
            break;
    }
    return "crash-loop-over";
}

std::string ProcessEnd::to_string() const {
    switch (how) {
        case How::kExit:
            return fmt::format("exit status {}", code);
        case How::kSignal: {
            const char* const name = ::sigdescr_np(code);
            return fmt::format("signal {} ({})", code, name == nullptr ? "unknown" : name);
        }
        case How::kUnknown:
            break;
    }
    return "ended; how is not known, for an earlier agent started it";
}

Result<void> check_spec(const ProgramSpec& spec) {
    const auto refuse = [&spec](std::string_view sentence) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("program \"{}\": {}", spec.name, sentence));
    };
    if (!is_name(spec.name)) {
        return refuse("a name has 1 to 48 characters of a-z, 0-9 and -");
    }
    if (!spec.command.starts_with('/')) {
        return refuse("the command must be an absolute path");
    }
    if (spec.arguments.size() > kArgumentsMax) {
        return refuse("it has too many arguments");
    }
    const auto has_zero = [](std::string_view text) { return text.contains('\0'); };
    if (has_zero(spec.command) || std::ranges::any_of(spec.arguments, has_zero)) {
        return refuse("command and arguments must not contain a zero byte");
    }
    for (const auto& [name, value] : spec.environment) {
        if (name.empty() || name.contains('=') || has_zero(name) || has_zero(value)) {
            return refuse("the environment has a variable that cannot be set");
        }
    }
    return {};
}

std::string digest_of(const ProgramSpec& spec) {
    std::string text;
    append(text, spec.command);
    for (const std::string& argument : spec.arguments) {
        append(text, argument);
    }
    append(text, "environment");
    for (const auto& [name, value] : spec.environment) {
        append(text, name);
        append(text, value);
    }
    append(text, "privileges");
    append(text, spec.working_directory);
    append(text, spec.user);
    for (const std::string& capability : spec.capabilities) {
        append(text, capability);
    }
    append(text, spec.limits.open_files);
    append(text, spec.limits.locked_bytes);
    append(text, spec.limits.core_bytes);
    append(text, spec.limits.memory_bytes);
    append(text, spec.limits.processes);
    append(text, spec.limits.cpu_percent);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

}  // namespace isthmus::supervisor
