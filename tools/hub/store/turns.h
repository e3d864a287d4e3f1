// How instances on one PostgreSQL keep out of each other's way while they start. SQLite has one
// instance, for which all of this does nothing.
#pragma once

#include <string>

#include "base/error.h"
#include "tools/hub/store/sql.h"

namespace isthmus::hub {

// Waits until no other instance prepares the database; none does until this transaction ends.
void take_turn(Sql& sql);

// The name is this instance's while its connection lasts. kConflict where another has it and keeps
// it for five seconds: a killed one's connection takes a moment to end.
[[nodiscard]] Result<void> claim_instance_name(Sql& sql, const std::string& name);

}  // namespace isthmus::hub
