#include "tools/hub/backup.h"

#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/http/base64url.h"
#include "base/random.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/database.h"
#include "tools/hub/store/schema.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kLineBytesMax = 4UL * 1024 * 1024;
// More commands than a node gets between a backup and its restoration.
constexpr std::int64_t kSequenceLeap = 1'000'000;
constexpr const char* kMasterContext = "backup:master";

std::string address_of(const BackupPlace& place) {
    return place.database.empty() ? (place.data / "hub.db").string() : place.database;
}

Result<std::unique_ptr<Database>> open_database(const BackupPlace& place) {
    return Database::open(address_of(place), [](std::move_only_function<void()> /*answer*/) {});
}

std::unexpected<Error> damaged(const fs::path& file) {
    return make_error(ErrorCode::kInvalidArgument,
                      fmt::format("{} is no whole backup of a hub; take another", file.string()));
}

// Each line goes into the hash of the next: the last one vouches for all.
class LineHash {
  public:
    void add(const std::string& line) {
        hash_ = channel::sha256(hash_ + line);
        ++lines_;
    }

    [[nodiscard]] std::string text() const { return http::encode_base64url(hash_); }

    [[nodiscard]] std::int64_t lines() const { return lines_; }

  private:
    std::string hash_;
    std::int64_t lines_ = 0;
};

json::object header_of(const MasterKey& master, const std::string& passphrase) {
    json::object header = {{"isthmus-hub-backup", kFormat}, {"schema", schema_version()}};
    if (passphrase.empty()) {
        header["master"] = master.text();
        return header;
    }
    SystemRandom random;
    constexpr std::size_t kSaltBytes = 16;
    const std::string salt = channel::random_bytes(random, kSaltBytes);
    const MasterKey key = MasterKey::from_passphrase(passphrase, salt);
    header["salt"] = http::encode_base64url(salt);
    header["sealed_master"] = key.seal(random, kMasterContext, master.text());
    return header;
}

Result<MasterKey> master_of(const json::value& header, const std::string& passphrase) {
    std::string text = channel::text_field(header, "master").value_or("");
    if (const auto sealed = channel::text_field(header, "sealed_master")) {
        const auto salt = channel::bytes_field(header, "salt");
        const MasterKey key = MasterKey::from_passphrase(passphrase, salt.value_or(""));
        const auto opened = key.open(kMasterContext, *sealed);
        if (!opened) {
            return make_error(ErrorCode::kPermissionDenied,
                              "the passphrase is not the one of this backup");
        }
        text = *opened;
    }
    auto master = MasterKey::from_text(text);
    if (!master) {
        return make_error(ErrorCode::kInvalidArgument, "the backup holds no master key");
    }
    return std::move(*master);
}

// The rows into `out`, which grows beside a running hub: one transaction sees one moment.
void write_tables(Sql& sql, std::ostream& out, LineHash& hash, BackupSummary& summary) {
    for (const TableColumns& table : backed_up_tables()) {
        sql.each(table.columns, "from " + table.name, [&](const SqlRow& row) {
            json::array cells;
            for (std::size_t i = 0; i < row.size(); ++i) {
                cells.emplace_back(row.text(i));
            }
            const std::string line =
                json::serialize(json::object{{"t", table.name}, {"r", std::move(cells)}});
            hash.add(line);
            out << line << '\n';
            ++summary.rows;
            summary.nodes += table.name == "nodes" ? 1 : 0;
        });
    }
}

const TableColumns* find_table(std::string_view name) {
    for (const TableColumns& table : backed_up_tables()) {
        if (table.name == name) {
            return &table;
        }
    }
    return nullptr;
}

bool insert_row(Sql& sql, const json::value& line) {
    const TableColumns* table = find_table(channel::text_field(line, "t").value_or(""));
    const json::value* cells = channel::find_field(line, "r");
    if (table == nullptr || cells == nullptr || !cells->is_array() ||
        cells->get_array().size() != table->columns.size()) {
        return false;
    }
    SqlValues values;
    std::string names;
    std::string holes;
    for (std::size_t i = 0; i < table->columns.size(); ++i) {
        const json::value& cell = cells->get_array()[i];
        if (!cell.is_string()) {
            return false;
        }
        values.emplace_back(std::string(cell.get_string()));
        names += (names.empty() ? "" : ", ") + table->columns[i];
        holes += holes.empty() ? "?" : ", ?";
    }
    sql.run(fmt::format("insert into {}({}) values({})", table->name, names, holes), values);
    return true;
}

void settle(Sql& sql) {
    sql.run("update nodes set home = '', command_sequence = command_sequence + ?", {kSequenceLeap});
    sql.run("update leases set holder = '', expires_ms = 0");
    if (sql.is_postgresql()) {
        // Numbers that were inserted do not move the counter.
        sql.select({"setval(pg_get_serial_sequence('audit', 'number'), "
                    "coalesce((select max(number) from audit), 0) + 1)"},
                   "");
    }
}

Result<BackupSummary> read_rows(Sql& sql, std::istream& in, const fs::path& file) {
    BackupSummary summary;
    LineHash hash;
    std::string line;
    while (std::getline(in, line)) {
        const auto value = channel::parse_json(line, kLineBytesMax);
        if (!value) {
            return damaged(file);
        }
        if (const auto end = channel::text_field(*value, "end")) {
            if (*end != hash.text() || channel::integer_field(*value, "rows") != hash.lines()) {
                return damaged(file);
            }
            settle(sql);
            return summary;
        }
        hash.add(line);
        if (!insert_row(sql, *value)) {
            return damaged(file);
        }
        ++summary.rows;
        summary.nodes += channel::text_field(*value, "t") == "nodes" ? 1 : 0;
    }
    return damaged(file);  // it ends before its end
}

}  // namespace

Result<BackupSummary> back_up(const BackupPlace& place, const fs::path& file) {
    const auto master = MasterKey::load(place.data / "master.key");
    if (!master) {
        return std::unexpected(master.error());
    }
    auto database = open_database(place);
    if (!database) {
        return std::unexpected(database.error());
    }
    const fs::path temporary = file.string() + ".new";
    std::error_code error;
    fs::remove(temporary, error);
    // Made with its mode before anything is in it.
    constexpr mode_t kOwnerOnly = 0600;
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
    if (fd < 0) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("cannot write {}", temporary.string()));
    }
    std::ofstream out(temporary, std::ios::binary);
    out << json::serialize(header_of(*master, place.passphrase)) << '\n';
    LineHash hash;
    BackupSummary summary;
    const auto done = (*database)->run_now([&](Sql& sql) -> Result<void> {
        write_tables(sql, out, hash, summary);
        return {};
    });
    out << json::serialize(json::object{{"end", hash.text()}, {"rows", hash.lines()}}) << '\n';
    out.close();
    const bool kept = out.good() && ::fsync(fd) == 0;
    ::close(fd);
    if (done && kept) {
        fs::rename(temporary, file, error);
    }
    if (!done || !kept || error) {
        fs::remove(temporary, error);
        return done ? make_error(ErrorCode::kUnavailable,
                                 fmt::format("cannot write {}: is the disk full?", file.string()))
                    : std::unexpected(done.error());
    }
    return summary;
}

Result<BackupSummary> restore(const BackupPlace& place, const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string line;
    if (!in || !std::getline(in, line)) {
        return make_error(ErrorCode::kNotFound, fmt::format("cannot read {}", file.string()));
    }
    const auto header = channel::parse_json(line, kLineBytesMax);
    if (!header || channel::integer_field(*header, "isthmus-hub-backup") != kFormat) {
        return damaged(file);
    }
    if (channel::integer_field(*header, "schema").value_or(0) > schema_version()) {
        return make_error(ErrorCode::kConflict,
                          "the backup is of a newer hub; restore it with that one");
    }
    const auto master = master_of(*header, place.passphrase);
    if (!master) {
        return std::unexpected(master.error());
    }
    std::error_code error;
    fs::create_directories(place.data, error);
    if (fs::exists(place.data / "master.key")) {
        return make_error(ErrorCode::kConflict,
                          fmt::format("{} holds a hub's key already; restore into an empty "
                                      "directory",
                                      place.data.string()));
    }
    auto database = open_database(place);
    if (!database) {
        return std::unexpected(database.error());
    }
    BackupSummary summary;
    const auto done = (*database)->run_now([&](Sql& sql) -> Result<void> {
        if (sql.find({"id"}, "from organisations limit 1")) {
            return make_error(ErrorCode::kConflict,
                              "the database holds a hub already; restore into an empty one");
        }
        auto rows = read_rows(sql, in, file);
        if (!rows) {
            return std::unexpected(rows.error());
        }
        summary = *rows;
        return {};
    });
    if (!done) {
        return std::unexpected(done.error());
    }
    // Last: with it the directory counts as a hub's.
    if (const auto written =
            channel::write_private_file(place.data / "master.key", master->text() + "\n");
        !written) {
        return std::unexpected(written.error());
    }
    return summary;
}

}  // namespace isthmus::hub
