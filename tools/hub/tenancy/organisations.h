// Organisations: the top object. Operators of the hub make them and say how much they may have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

struct Quotas {
    std::int64_t nodes = 1000;
    std::int64_t clusters = 100;
    std::int64_t people = 100;
};

[[nodiscard]] Result<std::string> add_organisation(const Context& context,
                                                   const std::string& name,
                                                   const Quotas& quotas);
// For operators: all, with what they have.
[[nodiscard]] boost::json::value list_organisations(const Context& context);
[[nodiscard]] Result<boost::json::value> show_organisation(const Context& context);
[[nodiscard]] Result<void> set_quotas(const Context& context,
                                      const std::string& organisation,
                                      const Quotas& quotas);

// kLimitExceeded where the caller's organisation has as many of `table` ("nodes", "clusters",
// "people") as it may have.
[[nodiscard]] Result<void> check_quota(const Context& context,
                                       const std::string& organisation,
                                       std::string_view table);

}  // namespace isthmus::hub
