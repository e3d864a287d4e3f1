#include "tools/ctl/maintenance_command.h"

#include <chrono>
#include <cstdint>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/config_reader.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& answer, std::string_view key) {
    const json::value* const value = answer.if_contains(key);
    const json::string* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(*text);
}

std::int64_t number_of(const json::object& answer, std::string_view key) {
    const json::value* const value = answer.if_contains(key);
    const std::int64_t* const number = value == nullptr ? nullptr : value->if_int64();
    return number == nullptr ? 0 : *number;
}

json::object parse(const std::string& body) {
    boost::system::error_code failure;
    json::value parsed = json::parse(body, failure);
    return failure || !parsed.is_object() ? json::object() : std::move(parsed.as_object());
}

}  // namespace

Result<std::string> maintenance_request(bool on, const std::string& deadline) {
    json::object request{{"mode", on ? "on" : "off"}};
    if (!deadline.empty()) {
        const auto parsed = parse_duration(deadline);
        if (!parsed || *parsed < Duration::zero()) {
            return make_error(
                ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is no deadline; write e.g. 0s, 30m or 2h", deadline));
        }
        request["deadline_s"] = std::chrono::duration_cast<std::chrono::seconds>(*parsed).count();
    }
    return json::serialize(request);
}

Result<std::string> maintenance_report(const std::string& body) {
    const json::object answer = parse(body);
    const std::string mode = text_of(answer, "mode");
    if (mode == "off") {
        return fmt::format("maintenance  off\nconferences  {}\nparticipants {}\n",
                           number_of(answer, "conferences"),
                           number_of(answer, "participants"));
    }
    if (mode == "on") {
        return std::string("maintenance  on: nothing runs, and nothing begins\n");
    }
    if (mode == "pending") {
        return fmt::format(
            "maintenance  pending: no conference begins\n"
            "conferences  {}\nparticipants {}\nends at      {}\n",
            number_of(answer, "conferences"),
            number_of(answer, "participants"),
            text_of(answer, "ends_at"));
    }
    return make_error(ErrorCode::kInternal,
                      "the node's answer is not the JSON that this version of isthmusctl knows");
}

bool is_maintained(const std::string& body) {
    return text_of(parse(body), "mode") == "on";
}

}  // namespace isthmus::ctl
