#include "tools/agent/command_log.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

// Results are at most some log lines each.
constexpr std::size_t kFileBytesMax = 16UL * 1024 * 1024;

constexpr std::array kStates = {CommandState::kAccepted,
                                CommandState::kRunning,
                                CommandState::kSucceeded,
                                CommandState::kFailed};

std::optional<CommandRecord> parse_record(const json::value& value) {
    auto id = channel::text_field(value, "id");
    const auto state = channel::text_field(value, "state");
    const auto* const known =
        std::ranges::find_if(kStates, [&](CommandState each) { return to_string(each) == state; });
    if (!id || known == kStates.end()) {
        return std::nullopt;
    }
    const json::value* const result = channel::find_field(value, "result");
    return CommandRecord{.id = std::move(*id),
                         .state = *known,
                         .percent = channel::integer_field(value, "percent").value_or(0),
                         .message = channel::text_field(value, "message").value_or(""),
                         .result = result != nullptr ? *result : json::value(nullptr),
                         .reported = channel::bool_field(value, "reported").value_or(false)};
}

}  // namespace

std::string_view to_string(CommandState state) {
    switch (state) {
        case CommandState::kAccepted:
            return "accepted";
        case CommandState::kRunning:
            return "running";
        case CommandState::kSucceeded:
            return "succeeded";
        case CommandState::kFailed:
            return "failed";
    }
    return "failed";
}

json::object CommandRecord::progress() const {
    return {{"id", id},
            {"state", to_string(state)},
            {"percent", percent},
            {"message", message},
            {"result", result}};
}

Result<CommandLog> CommandLog::open(const std::filesystem::path& path) {
    CommandLog opened;
    opened.path_ = path;
    const auto text = channel::read_private_file(path, kFileBytesMax);
    if (!text && text.error().code == ErrorCode::kNotFound) {
        return opened;
    }
    if (!text) {
        return std::unexpected(text.error());
    }
    const auto damaged = [&] {
        return make_error(ErrorCode::kInvalidArgument, path.string() + " is damaged");
    };
    const auto value = channel::parse_json(*text, kFileBytesMax);
    const auto sequence = value ? channel::integer_field(*value, "last_sequence") : std::nullopt;
    const json::value* const records = value ? channel::find_field(*value, "commands") : nullptr;
    if (!sequence || *sequence < 0 || records == nullptr || !records->is_array()) {
        return damaged();
    }
    opened.last_sequence_ = static_cast<std::uint64_t>(*sequence);
    for (const json::value& each : records->get_array()) {
        auto record = parse_record(each);
        if (!record) {
            return damaged();
        }
        opened.records_.push_back(std::move(*record));
    }
    return opened;
}

Result<void> CommandLog::take(std::uint64_t sequence, const std::string& id) {
    last_sequence_ = sequence;
    records_.push_back({.id = id});
    if (records_.size() > kCommandsKept) {
        records_.pop_front();
    }
    return save();
}

Result<void> CommandLog::note_sequence(std::uint64_t sequence) {
    last_sequence_ = sequence;
    return save();
}

CommandRecord* CommandLog::find(std::string_view id) {
    const auto found = std::ranges::find(records_, id, &CommandRecord::id);
    return found == records_.end() ? nullptr : &*found;
}

Result<void> CommandLog::save() const {
    json::array records;
    for (const CommandRecord& record : records_) {
        json::object described = record.progress();
        described["reported"] = record.reported;
        records.push_back(std::move(described));
    }
    return channel::write_private_file(
        path_,
        json::serialize(
            json::object{{"last_sequence", last_sequence_}, {"commands", std::move(records)}}));
}

}  // namespace isthmus::agent
