// Services that nodes host: each is a connector that the agent installs, runs and configures.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

[[nodiscard]] boost::json::value list_services(const Context& context, const std::string& node);

// {"package":..,"configuration":{..}}: queues "service.activate". `node` is known to be the
// caller's.
[[nodiscard]] Result<boost::json::value> activate_service(const Context& context,
                                                          const std::string& node,
                                                          const std::string& name,
                                                          const boost::json::value& request);
[[nodiscard]] Result<boost::json::value> deactivate_service(const Context& context,
                                                            const std::string& node,
                                                            const std::string& name);

// How an activation ended. One that the node does not host for all that is asked for has failed,
// and is not in the way of anything.
void note_activation(const Context& context,
                     const std::string& node,
                     const std::string& name,
                     bool hosted);

// The node has stopped it; one that was activated again meanwhile stays.
void forget_service(const Context& context, const std::string& node, const std::string& name);

}  // namespace isthmus::hub
