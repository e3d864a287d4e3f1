#include "tools/hub/store/session.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <spdlog/fmt/fmt.h>

#include "base/http/utf8.h"

namespace isthmus::hub {
namespace {

// Each '?' becomes a name of its own, as SOCI wants it. Our statements hold none in literals.
std::string with_names(std::string_view text) {
    std::string out;
    int number = 0;
    for (const char c : text) {
        if (c == '?') {
            out += fmt::format(":p{}", number++);
        } else {
            out += c;
        }
    }
    return out;
}

// PostgreSQL's own, appendix A of its manual: its messages are translated, these are not.
constexpr std::string_view kUniqueViolation = "23505";
constexpr std::string_view kDeadlockDetected = "40P01";

std::string sqlstate_of(const std::exception& thrown) {
    const auto* error = dynamic_cast<const soci::postgresql_soci_error*>(&thrown);
    return error != nullptr ? error->sqlstate() : std::string();
}

Error error_of(const std::exception& thrown) {
    const std::string what = thrown.what();
    if (what.contains("UNIQUE constraint") || sqlstate_of(thrown) == kUniqueViolation) {
        return {.code = ErrorCode::kConflict, .message = "there is one of that name already"};
    }
    return {.code = ErrorCode::kUnavailable, .message = fmt::format("the database: {}", what)};
}

// What a statement is given, where SOCI can point at it.
struct Bound {
    std::string text;
    long long number = 0;
    soci::indicator indicator = soci::i_ok;
};

// PostgreSQL refuses what is no UTF-8, and SQLite keeps it: here both refuse it alike.
bool has_bad_text(const SqlValues& values) {
    return std::ranges::any_of(values, [](const SqlValue& value) {
        const auto* text = std::get_if<std::string>(&value);
        return text != nullptr && (text->contains('\0') || !http::is_utf8(*text));
    });
}

void bind(soci::statement& statement, const SqlValues& values, std::deque<Bound>& bound) {
    for (const SqlValue& value : values) {
        Bound& slot = bound.emplace_back();
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
            slot.number = *number;
            statement.exchange(soci::use(slot.number));
            continue;
        }
        if (const auto* text = std::get_if<std::string>(&value)) {
            slot.text = *text;
        } else {
            slot.indicator = soci::i_null;
        }
        statement.exchange(soci::use(slot.text, slot.indicator));
    }
}

std::unexpected<Error> text_refused() {
    return make_error(ErrorCode::kInvalidArgument, "text is UTF-8 without NUL characters");
}

std::string join(const std::vector<std::string>& columns) {
    std::string out;
    for (const std::string& column : columns) {
        out += out.empty() ? column : ", " + column;
    }
    return out;
}

// SOCI takes options apart at every '=' and so takes no URI: libpq does it first.
Result<std::string> options_of(const std::string& uri) {
    char* fault = nullptr;
    PQconninfoOption* parsed = PQconninfoParse(uri.c_str(), &fault);
    if (parsed == nullptr) {
        const std::string what = fault != nullptr ? fault : "";
        PQfreemem(fault);
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("this is no address of a PostgreSQL database: {}", what));
    }
    std::string options;
    for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
        if (option->val == nullptr) {
            continue;
        }
        options += fmt::format("{}{}='", options.empty() ? "" : " ", option->keyword);
        for (const char c : std::string_view(option->val)) {
            options += c == '\'' || c == '\\' ? std::string({'\\', c}) : std::string(1, c);
        }
        options += '\'';
    }
    PQconninfoFree(parsed);
    return options;
}

// WAL lets readers of other programs look on; FULL because an acknowledged event must outlive a
// power cut.
constexpr const char* kSqliteSettings[] = {
    "pragma journal_mode=WAL",
    "pragma synchronous=FULL",
    "pragma busy_timeout=5000",
};

// Else libpq tells standard error that tables are there already.
constexpr const char* kPostgresqlSetting = "set client_min_messages = warning";

}  // namespace

Session::Session(std::unique_ptr<soci::session> session, bool postgresql)
    : session_(std::move(session)), postgresql_(postgresql) {}

Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::open(const std::string& address) {
    const bool postgresql =
        address.starts_with("postgresql://") || address.starts_with("postgres://");
    const auto options = postgresql ? options_of(address) : Result<std::string>("");
    if (!options) {
        return std::unexpected(options.error());
    }
    try {
        auto session = postgresql ? std::make_unique<soci::session>(soci::postgresql, *options)
                                  : std::make_unique<soci::session>(
                                        soci::sqlite3, fmt::format("db=\"{}\" timeout=5", address));
        if (postgresql) {
            *session << kPostgresqlSetting;
        } else {
            for (const char* setting : kSqliteSettings) {
                *session << setting;
            }
        }
        // NOLINTNEXTLINE(*-owning-memory): private constructor
        return std::unique_ptr<Session>(new Session(std::move(session), postgresql));
    } catch (const std::exception& e) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("cannot open the database: {}", e.what()));
    }
}

Result<void> Session::do_each(const std::vector<std::string>& columns,
                              std::string_view rest,
                              const SqlValues& values,
                              const Use& use) {
    if (has_bad_text(values)) {
        return text_refused();
    }
    try {
        std::vector<std::string> cells(columns.size());
        std::vector<soci::indicator> indicators(columns.size(), soci::i_ok);
        std::deque<Bound> bound;
        soci::statement statement(*session_);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            statement.exchange(soci::into(cells[i], indicators[i]));
        }
        bind(statement, values, bound);
        statement.alloc();
        statement.prepare(with_names(fmt::format("select {} {}", join(columns), rest)));
        statement.define_and_bind();
        statement.execute();
        while (statement.fetch()) {
            std::vector<std::optional<std::string>> row;
            row.reserve(columns.size());
            for (std::size_t i = 0; i < columns.size(); ++i) {
                row.push_back(indicators[i] == soci::i_null ? std::nullopt
                                                            : std::optional(cells[i]));
            }
            use(SqlRow(std::move(row)));
        }
        return {};
    } catch (const std::exception& e) {
        return failed(e);
    }
}

std::unexpected<Error> Session::failed(const std::exception& thrown) {
    deadlocked_ = deadlocked_ || sqlstate_of(thrown) == kDeadlockDetected;
    return std::unexpected(error_of(thrown));
}

Result<std::int64_t> Session::do_run(std::string_view text, const SqlValues& values) {
    if (has_bad_text(values)) {
        return text_refused();
    }
    try {
        std::deque<Bound> bound;
        soci::statement statement(*session_);
        bind(statement, values, bound);
        statement.alloc();
        statement.prepare(with_names(text));
        statement.define_and_bind();
        statement.execute(true);
        return statement.get_affected_rows();
    } catch (const std::exception& e) {
        return failed(e);
    }
}

Result<void> Session::reconnect() {
    try {
        session_->reconnect();
        *session_ << kPostgresqlSetting;
        return {};
    } catch (const std::exception& e) {
        return std::unexpected(error_of(e));
    }
}

}  // namespace isthmus::hub
