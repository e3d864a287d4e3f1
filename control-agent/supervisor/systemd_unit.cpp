#include "control-agent/supervisor/systemd_unit.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace isthmus::supervisor {
namespace {

constexpr std::size_t kUnitNameMax = 255;

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? number : 0;
}

ProgramState state_of(std::string_view active, std::string_view sub) {
    if (active == "active" || active == "reloading") {
        return ProgramState::kRunning;
    }
    if (active == "activating") {
        return sub == "auto-restart" ? ProgramState::kWaiting : ProgramState::kRunning;
    }
    if (active == "deactivating") {
        return ProgramState::kStopping;
    }
    return active == "failed" ? ProgramState::kFailed : ProgramState::kStopped;
}

// ExecMainCode is waitid(2)'s si_code: 1 exited, 2 killed, 3 dumped.
std::string end_of(std::uint64_t code, std::uint64_t status) {
    if (code == 0) {
        return {};
    }
    const auto how = code == 1 ? ProcessEnd::How::kExit : ProcessEnd::How::kSignal;
    return ProcessEnd{.how = how, .code = static_cast<int>(status)}.to_string();
}

}  // namespace

UnitState parse_unit_state(std::string_view text) {
    std::map<std::string_view, std::string_view> properties;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
            properties.insert_or_assign(line.substr(0, equals), line.substr(equals + 1));
        }
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    UnitState state;
    state.exists = properties["LoadState"] == "loaded";
    state.state = state_of(properties["ActiveState"], properties["SubState"]);
    state.pid = static_cast<int>(
        std::min<std::uint64_t>(number_of(properties["MainPID"]), 4'194'304));  // PID_MAX_LIMIT
    state.restarts = number_of(properties["NRestarts"]);
    state.start_limit_hit = properties["Result"] == "start-limit-hit";
    state.last_end =
        end_of(number_of(properties["ExecMainCode"]), number_of(properties["ExecMainStatus"]));
    return state;
}

bool is_unit_name(std::string_view name) {
    return name.ends_with(".service") && name.size() <= kUnitNameMax && !name.starts_with('-') &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-_.@:\\").contains(c);
           });
}

}  // namespace isthmus::supervisor
