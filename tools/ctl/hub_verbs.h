// What `isthmusctl hub` can ask of a hub, as a table: a verb's arguments, where they go in the
// request, and what of the answer people see. Reading a file and a password is elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"

namespace isthmus::ctl {

struct HubArgument {
    enum class Place : std::uint8_t { kPath, kQuery, kBody };
    enum class Kind : std::uint8_t {
        kText,
        kInteger,
        kList,      // "monday,friday"
        kDuration,  // "2h": seconds
        kJsonFile,  // "-": standard input
        kTextFile,  // its first line; "-": of standard input
        kRules,     // "admins=full,staff=readonly": a list of {"value","role"}
        kFlag,      // true where it is there; takes no value
        kConstant,  // `value`, whatever the command line says
    };

    std::string_view name;  // of the field; "a.b" is b within a
    std::string_view flag;  // "--role"; empty: positional, or constant
    std::string_view help{};
    Place place = Place::kBody;
    Kind kind = Kind::kText;
    bool required = true;
    std::string_view value{};
};

struct HubColumn {
    std::string_view title;
    std::string_view field;  // "a.b": b within a; a list: how many
};

struct HubVerb {
    std::string_view group;  // "node"; empty: directly under hub
    std::string_view name;
    std::string_view help;
    std::string_view method;
    std::string_view path;  // "/v1/hybrid/nodes/{node}"
    std::vector<HubArgument> arguments{};
    std::vector<HubColumn> columns{};  // of the answer's "items"; none: field by field
};

[[nodiscard]] const std::vector<HubVerb>& hub_verbs();
[[nodiscard]] const std::vector<std::pair<std::string_view, std::string_view>>& hub_groups();

struct HubRequest {
    std::string method;
    std::string path;
    std::string body;
};

// `values` by the arguments' names; absent ones were not given. kInvalidArgument with what is
// wrong.
[[nodiscard]] Result<HubRequest> make_hub_request(
    const HubVerb& verb, const std::map<std::string, std::string, std::less<>>& values);

// A table, or a line for each field.
[[nodiscard]] Result<std::string> hub_report(const HubVerb& verb, const std::string& body);

}  // namespace isthmus::ctl
