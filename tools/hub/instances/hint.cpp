#include "tools/hub/instances/hint.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kIdBytesMax = 64;  // Context::new_id() makes 20
constexpr std::size_t kDepthMax = 3;

std::string_view name_of(HintKind kind) {
    switch (kind) {
        case HintKind::kWake:
            return "wake";
        case HintKind::kRecheck:
            return "recheck";
        case HintKind::kKeys:
            break;
    }
    return "keys";
}

std::optional<HintKind> kind_of(std::string_view name) {
    for (const HintKind kind : {HintKind::kWake, HintKind::kRecheck, HintKind::kKeys}) {
        if (name == name_of(kind)) {
            return kind;
        }
    }
    return std::nullopt;
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= kIdBytesMax && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '_';
    });
}

std::optional<std::vector<std::string>> read_nodes(const json::value& value) {
    const json::value* nodes = channel::find_field(value, "nodes");
    if (nodes == nullptr || !nodes->is_array() || nodes->get_array().empty() ||
        nodes->get_array().size() > kHintNodesMax) {
        return std::nullopt;
    }
    std::vector<std::string> ids;
    for (const json::value& node : nodes->get_array()) {
        if (!node.is_string() || !is_id(std::string_view(node.get_string()))) {
            return std::nullopt;
        }
        ids.emplace_back(node.get_string());
    }
    return ids;
}

}  // namespace

std::string_view to_string(HintFault fault) {
    switch (fault) {
        case HintFault::kTooLong:
            return "too long";
        case HintFault::kNotJson:
            return "no JSON object";
        case HintFault::kUnknownVersion:
            return "of a version that this hub does not know";
        case HintFault::kUnknownKind:
            return "of a kind that this hub does not know";
        case HintFault::kMalformed:
            break;
    }
    return "malformed";
}

std::string write_hint(const Hint& hint) {
    json::object out = {{"v", kVersion}, {"kind", name_of(hint.kind)}};
    if (!hint.nodes.empty()) {
        json::array nodes;
        for (const std::string& node : hint.nodes) {
            nodes.emplace_back(node);
        }
        out.emplace("nodes", std::move(nodes));
    }
    return json::serialize(out);
}

std::expected<Hint, HintFault> parse_hint(std::string_view text) {
    if (text.size() > kHintBytesMax) {
        return std::unexpected(HintFault::kTooLong);
    }
    const auto value = channel::parse_json(text, kHintBytesMax, kDepthMax);
    if (!value || !value->is_object()) {
        return std::unexpected(HintFault::kNotJson);
    }
    if (channel::integer_field(*value, "v") != kVersion) {
        return std::unexpected(HintFault::kUnknownVersion);
    }
    const auto kind = kind_of(channel::text_field(*value, "kind").value_or(""));
    if (!kind) {
        return std::unexpected(HintFault::kUnknownKind);
    }
    const bool names_nodes = *kind != HintKind::kKeys;
    if (value->get_object().size() != (names_nodes ? 3U : 2U)) {
        return std::unexpected(HintFault::kMalformed);
    }
    auto nodes = names_nodes ? read_nodes(*value) : std::vector<std::string>();
    if (!nodes) {
        return std::unexpected(HintFault::kMalformed);
    }
    return Hint{.kind = *kind, .nodes = std::move(*nodes)};
}

}  // namespace isthmus::hub
