// What `systemctl show` says of a unit. systemctl(1), org.freedesktop.systemd1(5).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "control-agent/supervisor/program.h"

namespace isthmus::supervisor {

struct UnitState {
    ProgramState state = ProgramState::kStopped;
    bool exists = false;
    int pid = 0;
    std::uint64_t restarts = 0;  // by systemd itself
    // It was started too often in too short a time: systemd gave up.
    bool start_limit_hit = false;
    std::string last_end;  // sentence, or empty
};

// The properties that are asked for, comma separated.
inline constexpr std::string_view kUnitProperties =
    "LoadState,ActiveState,SubState,MainPID,NRestarts,Result,ExecMainCode,ExecMainStatus";

// Lines of "Name=value"; what is missing or no number is left out.
[[nodiscard]] UnitState parse_unit_state(std::string_view text);

// "isthmus-node.service": what may stand on a command line.
[[nodiscard]] bool is_unit_name(std::string_view name);

}  // namespace isthmus::supervisor
