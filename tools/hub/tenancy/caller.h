// Who asks, and what that person or token may do. Every function of the hub that reads or changes
// something takes a Caller, and every query of theirs carries its organisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace isthmus::hub {

enum class Role : std::uint8_t {
    kFull,      // everything within the organisation
    kReadOnly,  // sees everything, audit included
    kSupport,   // sees nodes and what they report; asks for logs
};

enum class Permission : std::uint8_t {
    kSee,      // clusters, nodes, events, commands, configurations (redacted)
    kAudit,    // people, tokens and the audit log
    kSupport,  // ping, logs
    kChange,   // all else
    kHub,      // organisations and the hub's own keys: operators of the hub
};

[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::optional<Role> parse_role(std::string_view text);

struct Caller {
    std::string organisation;
    std::string person;  // id; empty: an API token
    std::string name;    // what the audit log says
    std::string token;   // id of the token that it came with
    Role role = Role::kSupport;
    bool is_operator = false;
    std::string remote;  // address

    [[nodiscard]] bool may(Permission permission) const;
};

}  // namespace isthmus::hub
