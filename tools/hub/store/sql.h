// SQL as the hub speaks it: text with '?' for each value, rows of text and integers. Hides SOCI, so
// that nothing but this folder knows which database is behind.
//
// The first statement that fails spoils the job: the ones after it do nothing and find nothing, and
// what the job returns does not count (database.h). So jobs read as if nothing could fail, and none
// of them can go on from half of what it wanted.
//
// The statements are written for SQLite and PostgreSQL both. Used on the database's thread only; a
// Sql is good for the job that it was given to. SOCI's exceptions stop here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace isthmus::hub {

// monostate: NULL.
using SqlValue = std::variant<std::monostate, std::int64_t, std::string>;
using SqlValues = std::vector<SqlValue>;

class SqlRow {
  public:
    explicit SqlRow(std::vector<std::optional<std::string>> cells) : cells_(std::move(cells)) {}

    [[nodiscard]] bool null(std::size_t column) const { return !cells_.at(column).has_value(); }

    // "" and 0 for NULL.
    [[nodiscard]] std::string text(std::size_t column) const {
        return cells_.at(column).value_or("");
    }

    [[nodiscard]] std::int64_t integer(std::size_t column) const;

    [[nodiscard]] std::size_t size() const { return cells_.size(); }

  private:
    std::vector<std::optional<std::string>> cells_;
};

class Sql {
  public:
    virtual ~Sql() = default;

    // "select COLUMNS REST".
    std::vector<SqlRow> select(const std::vector<std::string>& columns,
                               std::string_view rest,
                               const SqlValues& values = {});
    // The first row, or nothing where there is none.
    std::optional<SqlRow> find(const std::vector<std::string>& columns,
                               std::string_view rest,
                               const SqlValues& values = {});
    // Row by row, for tables that need not fit into memory. `use` must not ask anything.
    void each(const std::vector<std::string>& columns,
              std::string_view rest,
              const std::function<void(const SqlRow&)>& use);
    // How many rows it changed.
    std::int64_t run(std::string_view text, const SqlValues& values = {});

    // kConflict where a constraint was violated, kInvalidArgument where text holds a NUL or
    // is no UTF-8,
    // kUnavailable where the database is at fault.
    [[nodiscard]] const std::optional<Error>& fault() const { return fault_; }

    void clear_fault() { fault_.reset(); }

    [[nodiscard]] virtual bool is_postgresql() const = 0;

  protected:
    using Use = std::function<void(const SqlRow&)>;

    [[nodiscard]] virtual Result<void> do_each(const std::vector<std::string>& columns,
                                               std::string_view rest,
                                               const SqlValues& values,
                                               const Use& use) = 0;
    [[nodiscard]] virtual Result<std::int64_t> do_run(std::string_view text,
                                                      const SqlValues& values) = 0;

  private:
    std::optional<Error> fault_;
};

}  // namespace isthmus::hub
