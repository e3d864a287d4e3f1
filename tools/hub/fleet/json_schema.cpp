#include "tools/hub/fleet/json_schema.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

struct Place {
    const json::value* schema;
    const json::value* value;
    std::string path;
};

bool has_type(const json::value& value, std::string_view type) {
    if (type == "integer") {
        return value.is_int64() || value.is_uint64();
    }
    if (type == "number") {
        return value.is_number();
    }
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_bool()) ||
           (type == "null" && value.is_null());
}

std::string fault_of_number(const Place& place) {
    const double number = place.value->to_number<double>();
    const json::value* least = channel::find_field(*place.schema, "minimum");
    const json::value* most = channel::find_field(*place.schema, "maximum");
    if (least != nullptr && least->is_number() && number < least->to_number<double>()) {
        return fmt::format("must be at least {}", json::serialize(*least));
    }
    if (most != nullptr && most->is_number() && number > most->to_number<double>()) {
        return fmt::format("must be at most {}", json::serialize(*most));
    }
    return {};
}

std::string fault_of_members(const Place& place) {
    const json::object& object = place.value->get_object();
    const json::value* required = channel::find_field(*place.schema, "required");
    if (required != nullptr && required->is_array()) {
        for (const json::value& name : required->get_array()) {
            if (name.is_string() && !object.contains(name.get_string())) {
                return fmt::format("needs \"{}\"", std::string(name.get_string()));
            }
        }
    }
    if (channel::bool_field(*place.schema, "additionalProperties") != false) {
        return {};
    }
    const json::object* known = channel::object_field(*place.schema, "properties");
    for (const auto& member : object) {
        if (known == nullptr || !known->contains(member.key())) {
            return fmt::format("knows no \"{}\"", std::string(member.key()));
        }
    }
    return {};
}

// Of the value itself; not of what is in it.
std::string fault_of_one(const Place& place) {
    const auto type = channel::text_field(*place.schema, "type");
    if (type && !has_type(*place.value, *type)) {
        const bool vowel =
            type->starts_with('i') || type->starts_with('o') || type->starts_with('a');
        return fmt::format("must be {} {}", vowel ? "an" : "a", *type);
    }
    const json::value* choices = channel::find_field(*place.schema, "enum");
    if (choices != nullptr && choices->is_array()) {
        const json::array& list = choices->get_array();
        if (std::ranges::find(list, *place.value) == list.end()) {
            return fmt::format("must be one of {}", json::serialize(list));
        }
    }
    if (place.value->is_number()) {
        return fault_of_number(place);
    }
    if (const json::string* text = place.value->if_string()) {
        const auto least = channel::integer_field(*place.schema, "minLength");
        return least && static_cast<std::int64_t>(text->size()) < *least
                   ? fmt::format("must have at least {} characters", *least)
                   : std::string();
    }
    return place.value->is_object() ? fault_of_members(place) : std::string();
}

void add_inner(const Place& place, std::vector<Place>& open) {
    if (const json::object* object = place.value->if_object()) {
        const json::object* known = channel::object_field(*place.schema, "properties");
        for (const auto& member : *object) {
            if (known != nullptr && known->contains(member.key())) {
                const std::string name(member.key());
                open.push_back({&known->at(name),
                                &member.value(),
                                place.path.empty() ? name : place.path + "." + name});
            }
        }
    }
    const json::value* items = channel::find_field(*place.schema, "items");
    if (place.value->is_array() && items != nullptr) {
        const json::array& list = place.value->get_array();
        for (std::size_t i = 0; i < list.size(); ++i) {
            open.push_back({items, &list[i], fmt::format("{}[{}]", place.path, i)});
        }
    }
}

}  // namespace

std::string fault_of_value(const json::value& schema, const json::value& value) {
    std::vector<Place> open = {{&schema, &value, ""}};
    while (!open.empty()) {
        const Place place = std::move(open.back());
        open.pop_back();
        if (channel::is_sealed(*place.value)) {
            continue;  // only the node can say what it is
        }
        if (const std::string fault = fault_of_one(place); !fault.empty()) {
            return place.path.empty() ? fault : place.path + ": " + fault;
        }
        add_inner(place, open);
    }
    return {};
}

}  // namespace isthmus::hub
