// A hub in one file: every table and the master key, and back from it onto an empty machine. Nodes
// come back without being enrolled anew, for their hub has its keys again.
//
// The file is lines of JSON. What is secret in the database is sealed under the master key; the
// master key itself is sealed under a passphrase where there is one, and lies open in the file
// (mode 0600) where there is none. The last line says how many rows there are and their hash, so
// that half a file is none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace isthmus::hub {

struct BackupPlace {
    std::filesystem::path data;
    std::string database;    // empty: SQLite in `data`
    std::string passphrase;  // empty: none
};

struct BackupSummary {
    std::int64_t rows = 0;
    std::int64_t nodes = 0;
};

// While the hub runs, too: it is one moment's state.
[[nodiscard]] Result<BackupSummary> back_up(const BackupPlace& place,
                                            const std::filesystem::path& file);

// kConflict where there is a hub already. Nodes' command sequences go on well above those of the
// backup, so that a node takes commands although it had more of them since.
[[nodiscard]] Result<BackupSummary> restore(const BackupPlace& place,
                                            const std::filesystem::path& file);

}  // namespace isthmus::hub
