#include "tools/hub/store/sql.h"

#include <charconv>

namespace isthmus::hub {

std::int64_t SqlRow::integer(std::size_t column) const {
    const auto& cell = cells_.at(column);
    std::int64_t value = 0;
    if (cell) {
        std::from_chars(cell->data(), cell->data() + cell->size(), value);
    }
    return value;
}

std::vector<SqlRow> Sql::select(const std::vector<std::string>& columns,
                                std::string_view rest,
                                const SqlValues& values) {
    if (fault_) {
        return {};
    }
    std::vector<SqlRow> rows;
    if (auto done = do_each(columns, rest, values, [&](const SqlRow& row) { rows.push_back(row); });
        !done) {
        fault_ = std::move(done.error());
        return {};
    }
    return rows;
}

void Sql::each(const std::vector<std::string>& columns,
               std::string_view rest,
               const std::function<void(const SqlRow&)>& use) {
    if (fault_) {
        return;
    }
    if (auto done = do_each(columns, rest, {}, use); !done) {
        fault_ = std::move(done.error());
    }
}

std::optional<SqlRow> Sql::find(const std::vector<std::string>& columns,
                                std::string_view rest,
                                const SqlValues& values) {
    auto rows = select(columns, rest, values);
    return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
}

std::int64_t Sql::run(std::string_view text, const SqlValues& values) {
    if (fault_) {
        return 0;
    }
    auto changed = do_run(text, values);
    if (!changed) {
        fault_ = std::move(changed.error());
        return 0;
    }
    return *changed;
}

}  // namespace isthmus::hub
