#include "tools/hub/store/turns.h"

#include <cstdint>
#include <optional>

#include <spdlog/fmt/fmt.h>

namespace isthmus::hub {
namespace {

// Advisory locks are numbers. Nobody else is meant to use this database; these are ours.
constexpr std::int64_t kPreparing = 734'001;
constexpr std::int64_t kInstanceNames = 734'002;

}  // namespace

void take_turn(Sql& sql) {
    if (sql.is_postgresql()) {
        sql.find({"1"}, fmt::format("from pg_advisory_xact_lock({})", kPreparing));
    }
}

Result<void> claim_instance_name(Sql& sql, const std::string& name) {
    if (!sql.is_postgresql()) {
        return {};
    }
    sql.run("set local lock_timeout = '5s'");
    sql.find({"1"}, fmt::format("from pg_advisory_lock({}, hashtext(?))", kInstanceNames), {name});
    if (const std::optional<Error> fault = sql.fault()) {
        sql.clear_fault();  // what it says is said better here
        return make_error(
            ErrorCode::kConflict,
            fmt::format("another instance on this database has the same name ({}): where one data "
                        "directory was copied from the other, remove the file \"instance\" from "
                        "this one; {}",
                        name,
                        fault->message));
    }
    sql.run("set local lock_timeout = 0");
    return {};
}

}  // namespace isthmus::hub
