// The hub's tables, and how a database of an earlier version becomes one of this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "tools/hub/store/sql.h"

namespace isthmus::hub {

// Steps that bring an empty or older database to this version, one transaction each; a step that
// fails is undone when the connection ends, which the caller sees to. kConflict where the database
// is of a newer hub: going back needs a backup of then.
[[nodiscard]] Result<void> migrate(Sql& sql);

[[nodiscard]] std::int64_t schema_version();

// All tables with their columns, for backup and restore; those first that others point at.
struct TableColumns {
    std::string name;
    std::vector<std::string> columns;
};

[[nodiscard]] const std::vector<TableColumns>& backed_up_tables();

}  // namespace isthmus::hub
