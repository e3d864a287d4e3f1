#include "control-agent/outbox/outbox.h"

#include <algorithm>
#include <array>
#include <limits>
#include <system_error>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/outbox/database.h"

namespace isthmus::outbox {
namespace {

using internal::Database;
using internal::DatabaseFault;
using internal::DatabaseResult;
using internal::Statement;
using internal::Transaction;

namespace fs = std::filesystem;

// One agent at a time (EXCLUSIVE). FULL: what was appended survives a power cut, and so does its
// number, which must not be given out twice. The cache is small because the agent is.
constexpr const char* kOpen =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA journal_size_limit = 1048576;"
    "PRAGMA cache_size = -128;"
    "CREATE TABLE IF NOT EXISTS entries (sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
    " unix_ms INTEGER NOT NULL, kind BLOB NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS facts (name BLOB PRIMARY KEY, value INTEGER NOT NULL) STRICT;";

DatabaseResult<std::int64_t> read_fact(Database& database, std::string_view name) {
    auto statement = database.prepare("SELECT value FROM facts WHERE name = ?");
    if (!statement) {
        return std::unexpected(statement.error());
    }
    const auto row = statement->bind(1, name).step();
    if (!row) {
        return std::unexpected(row.error());
    }
    return *row ? statement->integer(0) : 0;
}

DatabaseResult<void> write_fact(Database& database, std::string_view name, std::int64_t value) {
    auto statement =
        database.prepare("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = ?2");
    if (!statement) {
        return std::unexpected(statement.error());
    }
    const auto row = statement->bind(1, name).bind(2, value).step();
    if (!row) {
        return std::unexpected(row.error());
    }
    return {};
}

// Reads every page: a file that lies is found out now, not in the middle of the night.
DatabaseResult<void> check_pages(Database& database) {
    auto statement = database.prepare("PRAGMA quick_check(1)");
    if (!statement) {
        return std::unexpected(statement.error());
    }
    const auto row = statement->step();
    if (!row) {
        return std::unexpected(row.error());
    }
    if (!*row || statement->text(0) != "ok") {
        // SQLite's code for a damaged file.
        return std::unexpected(DatabaseFault{.code = 11, .message = statement->text(0)});
    }
    return {};
}

std::uint64_t size_of(const OutboxEntry& entry) {
    return entry.kind.size() + entry.body.size();
}

DatabaseResult<void> insert(Statement& statement, const OutboxEntry& entry) {
    const auto row =
        statement.bind(1, entry.unix_ms).bind(2, entry.kind).bind(3, entry.body).step();
    if (!row) {
        return std::unexpected(row.error());
    }
    return {};
}

}  // namespace

struct Outbox::File {
    Database database;
    std::uint64_t epoch = 0;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;

    static DatabaseResult<std::unique_ptr<File>> open(const fs::path& path,
                                                      std::uint64_t new_epoch) {
        auto database = Database::open(path);
        if (!database) {
            return std::unexpected(database.error());
        }
        auto file = std::make_unique<File>(std::move(*database));
        if (auto begun = file->begin(new_epoch); !begun) {
            return std::unexpected(begun.error());
        }
        return file;
    }

    explicit File(Database opened) : database(std::move(opened)) {}

    DatabaseResult<void> begin(std::uint64_t new_epoch) {
        if (auto opened = database.execute(kOpen); !opened) {
            return opened;
        }
        if (auto sound = check_pages(database); !sound) {
            return sound;
        }
        const auto known = read_fact(database, "epoch");
        if (!known) {
            return std::unexpected(known.error());
        }
        epoch = static_cast<std::uint64_t>(*known);
        if (epoch == 0) {
            epoch = new_epoch;
            if (auto written = write_fact(database, "epoch", static_cast<std::int64_t>(epoch));
                !written) {
                return written;
            }
        }
        const auto size = measure(std::numeric_limits<std::int64_t>::max());
        if (!size) {
            return std::unexpected(size.error());
        }
        entries = size->entries;
        bytes = size->bytes;
        return {};
    }

    DatabaseResult<void> remove(std::uint64_t up_to) {
        const auto last = static_cast<std::int64_t>(
            std::min<std::uint64_t>(up_to, std::numeric_limits<std::int64_t>::max()));
        const auto gone = measure(last);
        if (!gone) {
            return std::unexpected(gone.error());
        }
        auto statement = database.prepare("DELETE FROM entries WHERE sequence <= ?");
        if (!statement) {
            return std::unexpected(statement.error());
        }
        if (const auto row = statement->bind(1, last).step(); !row) {
            return std::unexpected(row.error());
        }
        entries -= gone->entries;
        bytes -= gone->bytes;
        return {};
    }

    struct Size {
        std::uint64_t entries = 0;
        std::uint64_t bytes = 0;
    };

    DatabaseResult<Size> measure(std::int64_t up_to) {
        auto statement = database.prepare(
            "SELECT COUNT(*), COALESCE(SUM(length(kind) + length(body)), 0) FROM entries"
            " WHERE sequence <= ?");
        if (!statement) {
            return std::unexpected(statement.error());
        }
        if (const auto row = statement->bind(1, up_to).step(); !row) {
            return std::unexpected(row.error());
        }
        return Size{.entries = static_cast<std::uint64_t>(statement->integer(0)),
                    .bytes = static_cast<std::uint64_t>(statement->integer(1))};
    }
};

Outbox::Outbox(OutboxConfig config, std::int64_t now_unix_ms) : config_(std::move(config)) {
    open(now_unix_ms);
}

Outbox::~Outbox() = default;

void Outbox::open(std::int64_t now_unix_ms) {
    // The second try is with a new file in the place of a damaged one.
    for (int tries = 0; tries < 2 && !file_; ++tries) {
        const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(now_unix_ms, 1));
        auto opened = File::open(config_.path, std::max(now, last_epoch_ + 1));
        if (opened) {
            file_ = std::move(*opened);
            last_epoch_ = file_->epoch;
            fault_.clear();
            add_dropped(read_dropped(file_->database));
            return;
        }
        fault_ = config_.path.string() + ": " + opened.error().message;
        if (!opened.error().damaged()) {
            return;
        }
        set_aside(now_unix_ms);
    }
}

// What an earlier run dropped and could not tell.
void Outbox::add_dropped(const Dropped& earlier) {
    dropped_saved_ = earlier;
    if (earlier.entries > 0) {
        dropped_.from_ms = earlier.from_ms;
        dropped_.to_ms = std::max(dropped_.to_ms, earlier.to_ms);
        dropped_.entries += earlier.entries;
    }
}

Outbox::Dropped Outbox::read_dropped(internal::Database& database) {
    return {.entries = static_cast<std::uint64_t>(read_fact(database, "dropped").value_or(0)),
            .from_ms = read_fact(database, "dropped_from_ms").value_or(0),
            .to_ms = read_fact(database, "dropped_to_ms").value_or(0)};
}

void Outbox::set_aside(std::int64_t now_unix_ms) {
    file_.reset();
    const fs::path aside = config_.path.string() + ".damaged-" + std::to_string(now_unix_ms / 1000);
    std::error_code error;
    fs::rename(config_.path, aside, error);
    if (error) {
        return;
    }
    // What was written and not yet moved into the file belongs to it.
    for (const char* const part : {"-wal", "-shm"}) {
        fs::rename(config_.path.string() + part, aside.string() + part, error);
    }
    set_aside_ = aside;
}

bool Outbox::recover(std::int64_t now_unix_ms, const DatabaseFault& fault) {
    fault_ = config_.path.string() + ": " + fault.message;
    if (!fault.damaged()) {
        return false;
    }
    set_aside(now_unix_ms);
    open(now_unix_ms);
    return file_ != nullptr;
}

void Outbox::Dropped::add(std::int64_t unix_ms) {
    if (entries++ == 0) {
        from_ms = unix_ms;
    }
    to_ms = unix_ms;
}

std::string Outbox::Dropped::text() const {
    return boost::json::serialize(
        boost::json::object{{"entries", entries}, {"from_ms", from_ms}, {"to_ms", to_ms}});
}

// How much of a limit entries of this kind may fill.
std::uint64_t Outbox::budget(std::string_view kind, std::uint64_t all) const {
    const bool alarm = kind.starts_with(kAlarmKindPrefix) || kind == kDroppedKind;
    const auto reserve = static_cast<std::uint64_t>(static_cast<double>(all) * kRoomForAlarmsShare);
    return alarm ? all : all - reserve;
}

Result<void> Outbox::append(std::int64_t now_unix_ms, std::string kind, std::string body) {
    OutboxEntry entry{
        .sequence = 0, .unix_ms = now_unix_ms, .kind = std::move(kind), .body = std::move(body)};
    const auto refuse = [&](const char* why) {
        dropped_.add(now_unix_ms);
        return make_error(ErrorCode::kLimitExceeded, std::string("an event was dropped: ") + why);
    };
    if (size_of(entry) > config_.entry_bytes_max) {
        return refuse("it is too large");
    }
    if (waiting_.size() >= config_.waiting_max) {
        return refuse("the disk takes nothing and too many wait already");
    }
    const std::uint64_t before = dropped_.entries;
    waiting_.push_back(std::move(entry));
    flush(now_unix_ms);
    if (dropped_.entries > before) {
        return make_error(ErrorCode::kLimitExceeded,
                          "an event was dropped: the outbox is full; the hub was not reached for "
                          "too long");
    }
    return {};
}

void Outbox::flush(std::int64_t now_unix_ms) {
    // The second try is with a new file in the place of a damaged one.
    for (int tries = 0; tries < 2; ++tries) {
        if (!file_) {
            open(now_unix_ms);
        }
        const bool nothing = waiting_.empty() && dropped_ == dropped_saved_ && !tells_dropped();
        if (!file_ || (nothing && fault_.empty())) {
            return;
        }
        const auto written = write_waiting(now_unix_ms);
        if (written) {
            fault_.clear();
            return;
        }
        if (!recover(now_unix_ms, written.error())) {
            return;
        }
    }
}

bool Outbox::tells_dropped() const {
    return dropped_.entries > 0 && file_ && !near_full();
}

bool Outbox::near_full() const {
    const auto share = [](std::uint64_t used, std::uint64_t all) {
        return static_cast<double>(used) >= static_cast<double>(all) * kNearFullShare;
    };
    return file_ &&
           (share(file_->entries, config_.entries_max) || share(file_->bytes, config_.bytes_max));
}

// All that waits, in one transaction: one fsync.
internal::DatabaseResult<void> Outbox::write_waiting(std::int64_t now_unix_ms) {
    Transaction transaction(file_->database);
    if (auto begun = transaction.begin(); !begun) {
        return begun;
    }
    auto statement =
        file_->database.prepare("INSERT INTO entries (unix_ms, kind, body) VALUES (?, ?, ?)");
    if (!statement) {
        return std::unexpected(statement.error());
    }
    Dropped dropped = dropped_;
    std::uint64_t entries = file_->entries;
    std::uint64_t bytes = file_->bytes;
    const auto add = [&](const OutboxEntry& entry) -> internal::DatabaseResult<void> {
        if (entries + 1 > budget(entry.kind, config_.entries_max) ||
            bytes + size_of(entry) > budget(entry.kind, config_.bytes_max)) {
            dropped.add(entry.unix_ms);
            return {};
        }
        ++entries;
        bytes += size_of(entry);
        return insert(*statement, entry);
    };
    if (tells_dropped()) {
        const OutboxEntry told{.sequence = 0,
                               .unix_ms = now_unix_ms,
                               .kind = std::string(kDroppedKind),
                               .body = dropped.text()};
        dropped = {};
        if (auto added = add(told); !added) {
            return added;
        }
    }
    for (const OutboxEntry& entry : waiting_) {
        if (auto added = add(entry); !added) {
            return added;
        }
    }
    if (auto saved = save(dropped); !saved) {
        return saved;
    }
    if (auto committed = transaction.commit(); !committed) {
        return committed;
    }
    dropped_ = dropped;
    dropped_saved_ = dropped;
    file_->entries = entries;
    file_->bytes = bytes;
    waiting_.clear();
    return {};
}

internal::DatabaseResult<void> Outbox::save(const Dropped& dropped) {
    if (dropped == dropped_saved_) {
        return {};
    }
    const std::array<std::pair<std::string_view, std::int64_t>, 3> facts = {
        {{"dropped", static_cast<std::int64_t>(dropped.entries)},
         {"dropped_from_ms", dropped.from_ms},
         {"dropped_to_ms", dropped.to_ms}}};
    for (const auto& [name, value] : facts) {
        if (auto written = write_fact(file_->database, name, value); !written) {
            return written;
        }
    }
    return {};
}

std::vector<OutboxEntry> Outbox::read(std::int64_t now_unix_ms,
                                      std::uint64_t after,
                                      std::size_t count_max,
                                      std::size_t bytes_max) {
    std::vector<OutboxEntry> found;
    if (!file_ || file_->entries == 0) {
        return found;
    }
    auto statement = file_->database.prepare(
        "SELECT sequence, unix_ms, kind, body FROM entries WHERE sequence > ?"
        " ORDER BY sequence LIMIT ?");
    if (!statement) {
        recover(now_unix_ms, statement.error());
        return found;
    }
    statement->bind(1, static_cast<std::int64_t>(after))
        .bind(2, static_cast<std::int64_t>(count_max));
    std::size_t bytes = 0;
    while (true) {
        const auto row = statement->step();
        if (!row) {
            const DatabaseFault& fault = row.error();
            *statement = Statement(nullptr, nullptr);  // before the file is set aside
            recover(now_unix_ms, fault);
            return {};
        }
        if (!*row) {
            return found;
        }
        OutboxEntry entry{.sequence = static_cast<std::uint64_t>(statement->integer(0)),
                          .unix_ms = statement->integer(1),
                          .kind = statement->text(2),
                          .body = statement->text(3)};
        bytes += size_of(entry);
        if (!found.empty() && bytes > bytes_max) {
            return found;
        }
        found.push_back(std::move(entry));
    }
}

void Outbox::acknowledge(std::int64_t now_unix_ms, std::uint64_t epoch, std::uint64_t sequence) {
    if (!file_ || epoch != file_->epoch) {
        return;
    }
    // What a power cut brings back is sent again, and the hub knows it: not worth an fsync.
    auto removed = file_->database.execute("PRAGMA synchronous = NORMAL");
    if (removed) {
        removed = file_->remove(sequence);
    }
    if (removed) {
        removed = file_->database.execute("PRAGMA synchronous = FULL");
    }
    if (!removed) {
        recover(now_unix_ms, removed.error());
    }
    flush(now_unix_ms);
}

OutboxState Outbox::state() const {
    return {.epoch = file_ ? file_->epoch : 0,
            .entries = file_ ? file_->entries : 0,
            .bytes = file_ ? file_->bytes : 0,
            .waiting = waiting_.size(),
            .dropped = dropped_.entries,
            .near_full = near_full(),
            .fault = fault_,
            .set_aside = set_aside_};
}

}  // namespace isthmus::outbox
