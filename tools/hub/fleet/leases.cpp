#include "tools/hub/fleet/leases.h"

namespace isthmus::hub {

std::optional<std::int64_t> take_lease(const Context& context,
                                       const std::string& name,
                                       const std::string& holder,
                                       std::int64_t length_ms) {
    Sql& sql = *context.sql;
    const std::int64_t until = context.now_ms + length_ms;
    sql.run(
        "insert into leases(name, holder, fence, expires_ms) values(?, '', 0, 0) "
        "on conflict(name) do nothing",
        {name});
    if (sql.run("update leases set expires_ms = ? where name = ? and holder = ? and "
                "expires_ms >= ?",
                {until, name, holder, context.now_ms}) == 0) {
        // One statement, so that of two that want it one finds it taken: the row is locked.
        if (sql.run("update leases set holder = ?, fence = fence + 1, expires_ms = ? "
                    "where name = ? and expires_ms < ?",
                    {holder, until, name, context.now_ms}) == 0) {
            return std::nullopt;
        }
    }
    const auto row =
        sql.find({"fence"}, "from leases where name = ? and holder = ?", {name, holder});
    return row ? std::optional(row->integer(0)) : std::nullopt;
}

bool holds_lease(const Context& context, const std::string& name, std::int64_t fence) {
    // An update, not a look: PostgreSQL then lets nobody take it over before our commit.
    return context.sql->run("update leases set fence = fence where name = ? and fence = ?",
                            {name, fence}) == 1;
}

void give_lease_back(const Context& context, const std::string& name, std::int64_t fence) {
    context.sql->run("update leases set expires_ms = 0 where name = ? and fence = ?",
                     {name, fence});
}

}  // namespace isthmus::hub
