// From what an identity provider says of a person to what that person may do here. Sans-I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/caller.h"

namespace isthmus::hub::oidc {

struct RoleRule {
    std::string value;  // of the claim: a group's name
    Role role = Role::kSupport;
};

struct RoleMapping {
    // "groups"; "realm_access.roles" is "roles" within "realm_access", unless a claim has the whole
    // name. Empty: no claim counts.
    std::string claim;
    std::vector<RoleRule> rules;    // the first that fits counts
    std::optional<Role> otherwise;  // empty: who fits no rule is refused
};

inline constexpr std::size_t kRulesMax = 100;

// {"claim":"groups","rules":[{"value":..,"role":..}],"otherwise":"readonly" or null}
[[nodiscard]] Result<RoleMapping> read_role_mapping(const boost::json::value& value);
[[nodiscard]] boost::json::value write_role_mapping(const RoleMapping& mapping);

// The claim's value, or null where there is none: then UserInfo may have it.
[[nodiscard]] const boost::json::value* find_claim(const boost::json::object& claims,
                                                   std::string_view name);

// The claim is a text, or a list of texts.
[[nodiscard]] std::optional<Role> map_role(const RoleMapping& mapping,
                                           const boost::json::object& claims);

// What the person is called here: preferred_username, e-mail, name, or the subject.
[[nodiscard]] std::string name_of(const boost::json::object& claims, const std::string& subject);

}  // namespace isthmus::hub::oidc
