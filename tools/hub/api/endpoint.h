// What a function of the API gets and gives, and the table that they stand in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

struct ApiCall {
    std::map<std::string, std::string, std::less<>> parameters;  // of the path
    std::map<std::string, std::string, std::less<>> query;
    boost::json::value body;  // an object; null without one
    std::string url;          // where nodes and people reach the hub
    std::shared_ptr<const Keyring> keyring;
    std::string password_hash;  // of body.password, where the endpoint wants one made

    [[nodiscard]] std::string parameter(std::string_view name) const;
    [[nodiscard]] std::string query_text(std::string_view name) const;
    [[nodiscard]] std::int64_t query_integer(std::string_view name,
                                             std::int64_t otherwise,
                                             std::int64_t max) const;
    [[nodiscard]] Result<std::string> text(std::string_view name) const;  // of the body
};

// What is answered, and what follows from it on the network thread once it is on the disk.
struct ApiAnswer {
    unsigned status = 200;
    boost::json::value body;          // null: none
    std::vector<std::string> wake{};  // nodes that have something to fetch
    std::vector<std::string> cut{};   // nodes whose channels end
    bool keys_changed = false;
};

struct Endpoint {
    std::string_view method;
    std::string_view path;
    Permission permission = Permission::kSee;
    Result<ApiAnswer> (*run)(const Context&, const ApiCall&) = nullptr;
    // Makes a one-time password and its hash before it runs.
    bool makes_password = false;
};

[[nodiscard]] const std::vector<Endpoint>& tenancy_endpoints();
[[nodiscard]] const std::vector<Endpoint>& fleet_endpoints();
[[nodiscard]] const std::vector<Endpoint>& node_endpoints();
[[nodiscard]] const std::vector<Endpoint>& share_endpoints();
// All of these.
[[nodiscard]] std::vector<const Endpoint*> all_endpoints();

// Shorthands for the tables' functions.
[[nodiscard]] Result<ApiAnswer> answer_with(Result<boost::json::value> body);
[[nodiscard]] Result<ApiAnswer> answer_done(const Result<void>& done);  // 204

}  // namespace isthmus::hub
