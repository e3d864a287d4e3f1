#include "control-agent/outbox/database.h"

#include <cstddef>
#include <utility>

#include <sqlite3.h>
#include <sys/stat.h>

namespace isthmus::outbox::internal {
namespace {

// An extended code says more than anybody here acts on.
constexpr int kPrimaryCode = 0xff;

DatabaseFault fault_of(sqlite3* database, int code) {
    return {.code = code & kPrimaryCode,
            .message = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code)};
}

}  // namespace

bool DatabaseFault::damaged() const {
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), index, value);
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    // As bytes: what is no UTF-8 comes back as it was.
    sqlite3_bind_blob64(
        statement_.get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC);
    return *this;
}

DatabaseResult<bool> Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        sqlite3_reset(statement_.get());
        return false;
    }
    DatabaseFault fault = fault_of(database_, code);
    sqlite3_reset(statement_.get());
    return std::unexpected(std::move(fault));
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
    const auto* const bytes =
        static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

void Database::Close::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

DatabaseResult<Database> Database::open(const std::filesystem::path& path) {
    const mode_t before = ::umask(S_IRWXG | S_IRWXO);
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(),
                        &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        nullptr);
    ::umask(before);
    Database database(raw);
    if (code != SQLITE_OK) {
        return std::unexpected(fault_of(raw, code));
    }
    return database;
}

DatabaseResult<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(
        database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    if (code != SQLITE_OK) {
        return std::unexpected(fault_of(database_.get(), code));
    }
    return Statement(statement, database_.get());
}

DatabaseResult<void> Database::execute(const char* sql) {
    const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return std::unexpected(fault_of(database_.get(), code));
    }
    return {};
}

Transaction::~Transaction() {
    if (open_) {
        std::ignore = database_->execute("ROLLBACK");
    }
}

DatabaseResult<void> Transaction::begin() {
    auto begun = database_->execute("BEGIN IMMEDIATE");
    open_ = begun.has_value();
    return begun;
}

DatabaseResult<void> Transaction::commit() {
    auto committed = database_->execute("COMMIT");
    open_ = !committed;
    return committed;
}

}  // namespace isthmus::outbox::internal
