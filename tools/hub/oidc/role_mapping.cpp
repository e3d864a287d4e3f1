#include "tools/hub/oidc/role_mapping.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

std::unexpected<Error> wrong(const char* what) {
    return make_error(ErrorCode::kInvalidArgument, what);
}

bool holds(const json::value& claim, std::string_view wanted) {
    if (claim.is_string()) {
        return claim.get_string() == wanted;
    }
    return claim.is_array() && std::ranges::any_of(claim.get_array(), [&](const json::value& one) {
               return one.is_string() && one.get_string() == wanted;
           });
}

Result<std::vector<RoleRule>> read_rules(const json::value& value) {
    const json::value* rules = channel::find_field(value, "rules");
    std::vector<RoleRule> out;
    if (rules == nullptr) {
        return out;
    }
    if (!rules->is_array() || rules->get_array().size() > kRulesMax) {
        return wrong("\"rules\" is a list of at most 100 rules");
    }
    for (const json::value& rule : rules->get_array()) {
        auto fits = channel::text_field(rule, "value");
        const auto role = parse_role(channel::text_field(rule, "role").value_or(""));
        if (!fits || fits->empty() || !role) {
            return wrong("a rule has a \"value\" and a \"role\": full, readonly or support");
        }
        out.push_back({.value = std::move(*fits), .role = *role});
    }
    return out;
}

}  // namespace

Result<RoleMapping> read_role_mapping(const json::value& value) {
    auto rules = read_rules(value);
    if (!rules) {
        return std::unexpected(rules.error());
    }
    RoleMapping mapping{.claim = channel::text_field(value, "claim").value_or(""),
                        .rules = std::move(*rules),
                        .otherwise = std::nullopt};
    if (const json::value* otherwise = channel::find_field(value, "otherwise");
        otherwise != nullptr && !otherwise->is_null()) {
        mapping.otherwise = parse_role(channel::text_field(value, "otherwise").value_or(""));
        if (!mapping.otherwise) {
            return wrong("\"otherwise\" is full, readonly or support, or null to refuse");
        }
    }
    if (mapping.claim.empty() != mapping.rules.empty()) {
        return wrong("\"claim\" and \"rules\" go together");
    }
    if (mapping.rules.empty() && !mapping.otherwise) {
        return wrong("nobody could sign in: give \"claim\" and \"rules\", or \"otherwise\"");
    }
    return mapping;
}

json::value write_role_mapping(const RoleMapping& mapping) {
    json::array rules;
    for (const RoleRule& rule : mapping.rules) {
        rules.push_back({{"value", rule.value}, {"role", to_string(rule.role)}});
    }
    return {
        {"claim", mapping.claim},
        {"rules", std::move(rules)},
        {"otherwise",
         mapping.otherwise ? json::value(to_string(*mapping.otherwise)) : json::value(nullptr)}};
}

const json::value* find_claim(const json::object& claims, std::string_view name) {
    if (const json::value* whole = claims.if_contains(name)) {
        return whole;
    }
    const json::object* within = &claims;
    while (true) {
        const std::size_t dot = name.find('.');
        const json::value* found = within->if_contains(name.substr(0, dot));
        if (found == nullptr || dot == std::string_view::npos) {
            return found;
        }
        within = found->if_object();
        if (within == nullptr) {
            return nullptr;
        }
        name.remove_prefix(dot + 1);
    }
}

std::optional<Role> map_role(const RoleMapping& mapping, const json::object& claims) {
    const json::value* claim = find_claim(claims, mapping.claim);
    if (claim != nullptr) {
        for (const RoleRule& rule : mapping.rules) {
            if (holds(*claim, rule.value)) {
                return rule.role;
            }
        }
    }
    return mapping.otherwise;
}

std::string name_of(const json::object& claims, const std::string& subject) {
    for (const char* claim : {"preferred_username", "email", "name"}) {
        const json::value* found = claims.if_contains(claim);
        if (found != nullptr && found->is_string() && fault_of_name(found->get_string()).empty()) {
            return std::string(found->get_string());
        }
    }
    return subject;
}

}  // namespace isthmus::hub::oidc
