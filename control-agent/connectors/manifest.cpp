#include "control-agent/connectors/manifest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/schema/schema.h"

namespace isthmus::connectors {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t kNameMax = 32;
constexpr std::size_t kVersionMax = 64;
constexpr std::size_t kDescriptionMax = 512;
constexpr std::size_t kPathMax = 256;
constexpr std::size_t kListMax = 64;
constexpr std::size_t kEntryMax = 128;
constexpr std::uint64_t kMemoryMin = 8ULL * 1024 * 1024;
constexpr std::uint64_t kMemoryMax = 64ULL * 1024 * 1024 * 1024;

std::unexpected<Error> refuse(std::string_view sentence) {
    return make_error(ErrorCode::kInvalidArgument,
                      fmt::format("the connector's manifest: {}", sentence));
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameMax && is_lower(name.front()) &&
           std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_version(std::string_view version) {
    return !version.empty() && version.size() <= kVersionMax &&
           std::ranges::all_of(version, [](char c) {
               return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
                      std::string_view(".+~-").contains(c);
           });
}

// "directory.upsert", or "directory.*".
bool is_permission(std::string_view text) {
    if (text.ends_with(".*")) {
        text.remove_suffix(2);
    }
    return !text.empty() && text.size() <= kEntryMax && std::ranges::all_of(text, [](char c) {
        return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
               std::string_view("._-").contains(c);
    });
}

// Relative, and nowhere else: the package's directory is what was checked.
bool is_inside(std::string_view path) {
    const fs::path parts(path);
    return !path.empty() && path.size() <= kPathMax && !path.contains('\0') &&
           parts.is_relative() && std::ranges::none_of(parts, [](const fs::path& part) {
               return part == ".." || part == ".";
           });
}

bool covers(const std::vector<std::string>& permissions, std::string_view wanted) {
    return std::ranges::any_of(permissions, [wanted](std::string_view permission) {
        if (permission.ends_with(".*")) {
            permission.remove_suffix(1);
            return wanted.size() > permission.size() && wanted.starts_with(permission);
        }
        return permission == wanted;
    });
}

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::nullopt : std::optional(std::string(*text));
}

// Absent: empty. Nothing where it is no list of such texts.
template <typename Check>
std::optional<std::vector<std::string>> texts_of(const json::object& object,
                                                 std::string_view name,
                                                 Check check) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr) {
        return std::vector<std::string>();
    }
    const json::array* const array = value->if_array();
    if (array == nullptr || array->size() > kListMax) {
        return std::nullopt;
    }
    std::vector<std::string> texts;
    for (const json::value& element : *array) {
        const json::string* const text = element.if_string();
        if (text == nullptr || !check(std::string_view(*text))) {
            return std::nullopt;
        }
        texts.emplace_back(*text);
    }
    return texts;
}

Result<void> read_permissions(const json::object& object, ConnectorManifest& manifest) {
    const json::value* const value = object.if_contains("permissions");
    if (value == nullptr) {
        return {};
    }
    const json::object* const permissions = value->if_object();
    if (permissions == nullptr) {
        return refuse("permissions must be an object");
    }
    for (const auto& member : *permissions) {
        if (member.key() != "hub" && member.key() != "events") {
            return refuse(fmt::format("there is no permission \"{}\"",
                                      std::string_view(member.key()).substr(0, kEntryMax)));
        }
    }
    auto hub = texts_of(*permissions, "hub", is_permission);
    auto events = texts_of(*permissions, "events", is_permission);
    if (!hub || !events) {
        return refuse(
            "permissions are lists of names, such as \"directory.upsert\" or "
            "\"directory.*\"");
    }
    manifest.hub_methods = *std::move(hub);
    manifest.events = *std::move(events);
    return {};
}

Result<void> read_program(const json::object& object, ConnectorManifest& manifest) {
    const auto program = text_of(object, "program");
    if (!program || !is_inside(*program)) {
        return refuse("program must be a path inside the connector's directory");
    }
    auto arguments = texts_of(object, "arguments", [](std::string_view argument) {
        return argument.size() <= kPathMax && !argument.contains('\0');
    });
    if (!arguments) {
        return refuse("arguments must be a list of texts");
    }
    manifest.program = *program;
    manifest.arguments = *std::move(arguments);
    if (const json::value* const memory = object.if_contains("memory_bytes")) {
        const std::int64_t* const bytes = memory->if_int64();
        if (bytes == nullptr || *bytes < static_cast<std::int64_t>(kMemoryMin) ||
            *bytes > static_cast<std::int64_t>(kMemoryMax)) {
            return refuse("memory_bytes must be 8 MiB to 64 GiB");
        }
        manifest.memory_bytes = static_cast<std::uint64_t>(*bytes);
    }
    return {};
}

Result<void> read_configuration(const json::object& object, ConnectorManifest& manifest) {
    const json::value* const schema = object.if_contains("configuration");
    if (schema == nullptr) {
        return refuse("configuration must be the JSON schema of what it can be configured with");
    }
    if (const auto made = schema::Schema::make(*schema); !made) {
        return refuse(made.error().message);
    }
    manifest.configuration_schema = *schema;
    return {};
}

}  // namespace

bool ConnectorManifest::may_call(std::string_view method) const {
    return covers(hub_methods, method);
}

bool ConnectorManifest::may_emit(std::string_view kind) const {
    return covers(events, kind);
}

// What it does not know is left alone: a manifest of a later release may say more.
Result<ConnectorManifest> parse_manifest(std::string_view text) {
    if (text.size() > kManifestBytesMax) {
        return refuse("it is too long");
    }
    boost::system::error_code failure;
    const json::value parsed = json::parse({text.data(), text.size()}, failure);
    const json::object* const object = failure ? nullptr : parsed.if_object();
    if (object == nullptr) {
        return refuse("it is no JSON object");
    }
    ConnectorManifest manifest;
    manifest.name = text_of(*object, "name").value_or("");
    if (!is_name(manifest.name)) {
        return refuse("name must be 1 to 32 characters of a-z, 0-9 and -, a letter first");
    }
    manifest.version = text_of(*object, "version").value_or("");
    if (!is_version(manifest.version)) {
        return refuse("version must be 1 to 64 characters of letters, digits and .+~-");
    }
    manifest.description = text_of(*object, "description").value_or("").substr(0, kDescriptionMax);
    const json::value* const contract = object->if_contains("contract");
    const std::int64_t* const number = contract == nullptr ? nullptr : contract->if_int64();
    if (number == nullptr || *number != kContractVersion) {
        return refuse(fmt::format("contract must be {}: this agent knows no other version",
                                  kContractVersion));
    }
    for (const auto read : {read_program, read_configuration, read_permissions}) {
        if (const Result<void> done = read(*object, manifest); !done) {
            return std::unexpected(done.error());
        }
    }
    return manifest;
}

Result<ConnectorManifest> load_manifest(const std::string& directory) {
    const fs::path path = fs::path(directory) / "manifest.json";
    std::ifstream file(path);
    std::string text(kManifestBytesMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (!file && !file.eof()) {
        return make_error(
            ErrorCode::kNotFound,
            fmt::format(
                "there is no connector in {}: {} cannot be read", directory, path.string()));
    }
    return parse_manifest(text);
}

}  // namespace isthmus::connectors
