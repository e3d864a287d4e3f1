#include "tools/hub/tenancy/caller.h"

namespace isthmus::hub {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::kFull:
            return "full";
        case Role::kReadOnly:
            return "readonly";
        case Role::kSupport:
            break;
    }
    return "support";
}

std::optional<Role> parse_role(std::string_view text) {
    for (const Role role : {Role::kFull, Role::kReadOnly, Role::kSupport}) {
        if (to_string(role) == text) {
            return role;
        }
    }
    return std::nullopt;
}

bool Caller::may(Permission permission) const {
    switch (permission) {
        case Permission::kSee:
            return true;
        case Permission::kAudit:
            return role != Role::kSupport;
        case Permission::kSupport:
            return role != Role::kReadOnly;
        case Permission::kChange:
            return role == Role::kFull;
        case Permission::kHub:
            return is_operator && role == Role::kFull;
    }
    return false;
}

}  // namespace isthmus::hub
