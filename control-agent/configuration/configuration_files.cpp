#include "control-agent/configuration/configuration_files.h"

#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"

namespace isthmus::configuration {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kRecordBytesMax = 256UL * 1024;

std::string read_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Result<void> make_folder(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) {
        return make_error(ErrorCode::kUnavailable,
                          "cannot make " + path.string() + ": " + error.message());
    }
    return {};
}

// Beside the place that it goes to, with the owner and mode of what is there, and then into it: at
// no moment does the file have other readers than before.
Result<void> replace(const fs::path& path, const std::string& text) {
    if (auto made = make_folder(path.parent_path()); !made) {
        return made;
    }
    const fs::path next = path.string() + ".next";
    if (auto written = channel::write_private_file(next, text); !written) {
        return written;
    }
    struct stat before{};
    if (::stat(path.c_str(), &before) == 0) {
        if (::chown(next.c_str(), before.st_uid, before.st_gid) != 0 ||
            ::chmod(next.c_str(), before.st_mode & 0777U) != 0) {
            return make_error(ErrorCode::kPermissionDenied,
                              "cannot give " + next.string() + " the owner of " + path.string());
        }
    }
    std::error_code error;
    fs::rename(next, path, error);
    if (error) {
        return make_error(ErrorCode::kUnavailable,
                          "cannot write " + path.string() + ": " + error.message());
    }
    return {};
}

}  // namespace

fs::path ConfigurationFiles::path(const char* ending) const {
    return directory_ / (program_ + ending);
}

Result<ConfigurationRecord> ConfigurationFiles::load() const {
    const auto text = channel::read_private_file(path(".json"), kRecordBytesMax);
    if (!text && text.error().code == ErrorCode::kNotFound) {
        return ConfigurationRecord{};
    }
    if (!text) {
        return std::unexpected(text.error());
    }
    const auto value = channel::parse_json(*text, kRecordBytesMax);
    const auto version = value ? channel::integer_field(*value, "version") : std::nullopt;
    if (!version || *version < 0) {
        return make_error(ErrorCode::kInvalidArgument, path(".json").string() + " is damaged");
    }
    ConfigurationRecord record{
        .version = static_cast<std::uint64_t>(*version),
        .going_back = channel::bool_field(*value, "going_back").value_or(false),
        .had_file = channel::bool_field(*value, "had_file").value_or(false),
        .refused =
            static_cast<std::uint64_t>(channel::integer_field(*value, "refused").value_or(0)),
        .message = channel::text_field(*value, "message").value_or("")};
    if (const auto trying = channel::integer_field(*value, "trying")) {
        record.trying = static_cast<std::uint64_t>(*trying);
    }
    return record;
}

Result<void> ConfigurationFiles::save(const ConfigurationRecord& record) const {
    if (auto made = make_folder(directory_); !made) {
        return made;
    }
    json::object value{{"version", record.version},
                       {"going_back", record.going_back},
                       {"had_file", record.had_file},
                       {"refused", record.refused},
                       {"message", record.message}};
    if (record.trying) {
        value["trying"] = *record.trying;
    }
    return channel::write_private_file(path(".json"), json::serialize(value));
}

Result<fs::path> ConfigurationFiles::write_candidate(const std::string& text) const {
    fs::path candidate = path(".candidate.yaml");
    auto written = make_folder(directory_);
    if (written) {
        written = channel::write_private_file(candidate, text);
    }
    if (!written) {
        return std::unexpected(written.error());
    }
    return candidate;
}

void ConfigurationFiles::remove_candidate() const {
    std::error_code ignored;
    fs::remove(path(".candidate.yaml"), ignored);
}

bool ConfigurationFiles::candidate_is_live() const {
    return fs::exists(path(".candidate.yaml")) && read_text(path(".candidate.yaml")) == live_text();
}

Result<bool> ConfigurationFiles::keep_good() const {
    if (!fs::exists(live_)) {
        return false;
    }
    if (auto kept = channel::write_private_file(path(".good.yaml"), read_text(live_)); !kept) {
        return std::unexpected(kept.error());
    }
    return true;
}

Result<void> ConfigurationFiles::install(const std::string& text) const {
    return replace(live_, text);
}

Result<void> ConfigurationFiles::bring_back(bool had_file) const {
    if (had_file) {
        const auto good = channel::read_private_file(path(".good.yaml"));
        if (!good) {
            return std::unexpected(good.error());
        }
        return replace(live_, *good);
    }
    std::error_code error;
    fs::remove(live_, error);
    return {};
}

void ConfigurationFiles::forget_good() const {
    std::error_code ignored;
    fs::remove(path(".good.yaml"), ignored);
}

std::string ConfigurationFiles::live_text() const {
    return read_text(live_);
}

}  // namespace isthmus::configuration
