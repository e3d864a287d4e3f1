// Clusters: nodes of one place that are managed as one.
#pragma once

#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

[[nodiscard]] Result<boost::json::value> add_cluster(const Context& context,
                                                     const std::string& name);
[[nodiscard]] boost::json::value list_clusters(const Context& context);
[[nodiscard]] Result<boost::json::value> show_cluster(const Context& context,
                                                      const std::string& id);

// {"name":..,"upgradeSchedule":{"scheduleDays":[..],"scheduleTime":"HH:MM","scheduleTimeZone":..},
// "releaseChannel":..}; what is absent stays.
[[nodiscard]] Result<boost::json::value> change_cluster(const Context& context,
                                                        const std::string& id,
                                                        const boost::json::value& changes);
// Refused while there are nodes in it.
[[nodiscard]] Result<void> remove_cluster(const Context& context, const std::string& id);

// The id of the caller's cluster of that id or name.
[[nodiscard]] std::optional<std::string> find_cluster(const Context& context,
                                                      const std::string& id_or_name);

}  // namespace isthmus::hub
