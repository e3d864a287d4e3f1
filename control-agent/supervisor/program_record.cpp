#include "control-agent/supervisor/program_record.h"

#include <limits>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace isthmus::supervisor {
namespace {

namespace json = boost::json;

constexpr std::size_t kRecordBytesMax = 4096;
constexpr std::int64_t kVersion = 1;

std::optional<std::int64_t> integer(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    const std::int64_t* const number = value == nullptr ? nullptr : value->if_int64();
    return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<std::string> text(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    const json::string* const found = value == nullptr ? nullptr : value->if_string();
    return found == nullptr ? std::nullopt : std::optional(std::string(*found));
}

}  // namespace

std::string write_record(const ProgramRecord& record) {
    return json::serialize(json::object{{"version", kVersion},
                                        {"pid", record.process.pid},
                                        {"start_ticks", record.process.start_ticks},
                                        {"boot_id", record.process.boot_id},
                                        {"digest", record.digest}}) +
           "\n";
}

std::optional<ProgramRecord> parse_record(std::string_view content) {
    if (content.size() > kRecordBytesMax) {
        return std::nullopt;
    }
    boost::system::error_code failure;
    const json::value parsed = json::parse({content.data(), content.size()}, failure);
    const json::object* const object = failure ? nullptr : parsed.if_object();
    if (object == nullptr || integer(*object, "version") != kVersion) {
        return std::nullopt;
    }
    const auto pid = integer(*object, "pid");
    const auto start = integer(*object, "start_ticks");
    const auto boot = text(*object, "boot_id");
    const auto digest = text(*object, "digest");
    // Process 1 is nobody's program: a record that names it would have it ended.
    if (!pid || *pid <= 1 || *pid > std::numeric_limits<int>::max() || !start || *start < 0 ||
        !boot || !digest) {
        return std::nullopt;
    }
    return ProgramRecord{.process = {.pid = static_cast<int>(*pid),
                                     .start_ticks = static_cast<std::uint64_t>(*start),
                                     .boot_id = *boot},
                         .digest = *digest};
}

}  // namespace isthmus::supervisor
