// SQLite as the outbox uses it: one file, one connection, statements that give their codes back.
// Internal to the outbox: no other module includes this.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace isthmus::outbox::internal {

// What a call failed with; `code` is SQLite's primary result code.
struct DatabaseFault {
    int code = 0;
    std::string message;

    // The file is no database, or its pages contradict each other.
    [[nodiscard]] bool damaged() const;
};

template <typename T>
using DatabaseResult = std::expected<T, DatabaseFault>;

class Statement {
  public:
    Statement(sqlite3_stmt* statement, sqlite3* database)
        : statement_(statement), database_(database) {}

    // Parameters count from 1, columns from 0. Texts must outlive the steps.
    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, std::string_view text);
    // True where there is a row.
    [[nodiscard]] DatabaseResult<bool> step();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    sqlite3* database_;
};

class Database {
  public:
    // Creates the file, readable by its owner only, where there is none.
    [[nodiscard]] static DatabaseResult<Database> open(const std::filesystem::path& path);

    [[nodiscard]] DatabaseResult<Statement> prepare(std::string_view sql);
    // Statements without parameters, whose rows nobody wants.
    [[nodiscard]] DatabaseResult<void> execute(const char* sql);

  private:
    struct Close {
        void operator()(sqlite3* database) const;
    };

    explicit Database(sqlite3* database) : database_(database) {}

    std::unique_ptr<sqlite3, Close> database_;
};

// Rolled back unless commit() succeeds.
class Transaction {
  public:
    explicit Transaction(Database& database) : database_(&database) {}

    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    [[nodiscard]] DatabaseResult<void> begin();
    [[nodiscard]] DatabaseResult<void> commit();

  private:
    Database* database_;
    bool open_ = false;
};

}  // namespace isthmus::outbox::internal
