#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/config_reader.h"
#include "base/http/percent_encoding.h"
#include "tools/ctl/http_client.h"
#include "tools/ctl/hub_verbs.h"
#include "tools/ctl/table.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;

using Values = std::map<std::string, std::string, std::less<>>;

std::unexpected<Error> wrong(std::string what) {
    return make_error(ErrorCode::kInvalidArgument, std::move(what));
}

Result<json::value> read_json(const std::string& file) {
    std::string text;
    if (file == "-") {
        text.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
        std::ifstream in(file, std::ios::binary);
        if (!in) {
            return wrong(fmt::format("cannot read {}", file));
        }
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error) {
        return wrong(fmt::format("{} is no JSON: {}", file, error.message()));
    }
    return value;
}

// Secrets come by a file: a command line is shown to everybody on the machine.
Result<json::value> read_line(const std::string& file) {
    std::string line;
    std::ifstream in;
    if (file != "-") {
        in.open(file);
    }
    if (!std::getline(file == "-" ? std::cin : in, line) || line.empty()) {
        return wrong(fmt::format("there is no text in the first line of {}", file));
    }
    return json::value(line);
}

json::array split(std::string_view text) {
    json::array items;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        items.emplace_back(text.substr(0, comma));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return items;
}

// The last '=' divides: group names may hold others.
Result<json::value> read_rules(const HubArgument& argument, const std::string& text) {
    json::array rules;
    for (const json::value& item : split(text)) {
        const std::string_view rule = item.get_string();
        const std::size_t equals = rule.rfind('=');
        if (equals == std::string_view::npos || equals == 0) {
            return wrong(
                fmt::format("{}: \"{}\" is no rule; write e.g. admins=full", argument.flag, rule));
        }
        rules.push_back({{"value", rule.substr(0, equals)}, {"role", rule.substr(equals + 1)}});
    }
    return json::value(std::move(rules));
}

Result<json::value> value_of(const HubArgument& argument, const std::string& text) {
    using Kind = HubArgument::Kind;
    switch (argument.kind) {
        case Kind::kInteger: {
            std::int64_t number = 0;
            const auto [end, error] =
                std::from_chars(text.data(), text.data() + text.size(), number);
            if (error != std::errc() || end != text.data() + text.size()) {
                return wrong(fmt::format("{}: \"{}\" is no number", argument.flag, text));
            }
            return json::value(number);
        }
        case Kind::kList:
            return json::value(split(text));
        case Kind::kDuration: {
            const auto duration = parse_duration(text);
            if (!duration) {
                return wrong(fmt::format(
                    "{}: \"{}\" is no duration; write e.g. 30m or 2h", argument.flag, text));
            }
            return json::value(std::chrono::duration_cast<std::chrono::seconds>(*duration).count());
        }
        case Kind::kJsonFile:
            return read_json(text);
        case Kind::kTextFile:
            return read_line(text);
        case Kind::kRules:
            return read_rules(argument, text);
        case Kind::kFlag:
            return json::value(true);
        case Kind::kText:
        case Kind::kConstant:
            break;
    }
    return json::value(text);
}

void put(json::object& body, std::string_view name, json::value value) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
        body[name] = std::move(value);
        return;
    }
    json::value& inner = body[name.substr(0, dot)];
    if (!inner.is_object()) {
        inner = json::object();
    }
    inner.get_object()[name.substr(dot + 1)] = std::move(value);
}

const json::value* find(const json::value& value, std::string_view field) {
    const std::size_t dot = field.find('.');
    const json::object* object = value.if_object();
    const json::value* found =
        object != nullptr ? object->if_contains(field.substr(0, dot)) : nullptr;
    if (found == nullptr || dot == std::string_view::npos) {
        return found;
    }
    const json::object* inner = found->if_object();
    return inner != nullptr ? inner->if_contains(field.substr(dot + 1)) : nullptr;
}

std::string cell(const json::value* value) {
    if (value == nullptr || value->is_null()) {
        return "-";
    }
    if (value->is_string()) {
        return value->get_string().empty() ? "-" : std::string(value->get_string());
    }
    if (value->is_bool()) {
        return value->get_bool() ? "yes" : "no";
    }
    if (value->is_array()) {
        return std::to_string(value->get_array().size());
    }
    return json::serialize(*value);
}

std::string lines_of(const json::object& object) {
    Table table({"FIELD", "VALUE"});
    for (const auto& [name, value] : object) {
        table.add({std::string(name),
                   value.is_array() || value.is_object() ? json::serialize(value) : cell(&value)});
    }
    return table.text();
}

}  // namespace

Result<HubRequest> make_hub_request(const HubVerb& verb, const Values& values) {
    HubRequest request{
        .method = std::string(verb.method), .path = std::string(verb.path), .body = {}};
    json::object body;
    std::string query;
    for (const HubArgument& argument : verb.arguments) {
        const bool constant = argument.kind == HubArgument::Kind::kConstant;
        const auto given = values.find(argument.name);
        if (!constant && given == values.end()) {
            continue;
        }
        const std::string text = constant ? std::string(argument.value) : given->second;
        if (argument.place == HubArgument::Place::kPath) {
            const std::string hole = fmt::format("{{{}}}", argument.name);
            request.path.replace(request.path.find(hole), hole.size(), http::percent_encode(text));
        } else if (argument.place == HubArgument::Place::kQuery) {
            query += fmt::format(
                "{}{}={}", query.empty() ? '?' : '&', argument.name, http::percent_encode(text));
        } else {
            auto value = value_of(argument, text);
            if (!value) {
                return std::unexpected(value.error());
            }
            put(body, argument.name, std::move(*value));
        }
    }
    request.path += query;
    if (!body.empty()) {
        request.body = json::serialize(body);
    }
    return request;
}

Result<std::string> hub_report(const HubVerb& verb, const std::string& body) {
    if (body.empty()) {
        return std::string();
    }
    boost::system::error_code error;
    const json::value value = json::parse(body, error);
    if (error || !value.is_object()) {
        return make_error(ErrorCode::kInternal,
                          "the hub's answer is not the JSON that this version of isthmusctl knows");
    }
    // The only thing that is wanted of it, alone on a line, for scripts.
    if (const json::value* code = find(value, "code"); code != nullptr && code->is_string()) {
        return std::string(code->get_string()) + "\n";
    }
    if (verb.columns.empty()) {
        return lines_of(value.get_object());
    }
    std::vector<std::string> titles;
    titles.reserve(verb.columns.size());
    for (const HubColumn& column : verb.columns) {
        titles.emplace_back(column.title);
    }
    Table table(std::move(titles));
    const json::value* items = find(value, "items");
    if (items == nullptr || !items->is_array()) {
        return make_error(ErrorCode::kInternal, "the hub's answer has no items");
    }
    for (const json::value& item : items->get_array()) {
        std::vector<std::string> cells;
        cells.reserve(verb.columns.size());
        for (const HubColumn& column : verb.columns) {
            cells.push_back(cell(find(item, column.field)));
        }
        table.add(std::move(cells));
    }
    return table.text();
}

}  // namespace isthmus::ctl
