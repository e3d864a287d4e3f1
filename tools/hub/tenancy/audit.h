// The audit log: who changed what, from where, from which value to which. Written in the
// transaction of the change itself, so that neither is there without the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

struct AuditEntry {
    std::string_view action;  // "node.rename"
    std::string object;       // id
    boost::json::value old_value;
    boost::json::value new_value;  // secrets within are redacted here
};

void record(const Context& context, const AuditEntry& entry);
// For what nobody's session did: failed logins, enrolments, the hub itself.
void record_as(const Context& context,
               const std::string& organisation,
               const std::string& actor,
               const AuditEntry& entry);

// The newest first: {"items":[...]}; `before` 0: from the end.
[[nodiscard]] boost::json::value list_audit(const Context& context,
                                            std::int64_t before,
                                            std::int64_t limit);

}  // namespace isthmus::hub
