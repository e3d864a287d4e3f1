// The hub's figures for Prometheus; docs/hub-metrics.md explains them.
#pragma once

#include <cstdint>
#include <string>

#include "base/http/server.h"
#include "tools/hub/api/api.h"
#include "tools/hub/api/oidc_endpoints.h"
#include "tools/hub/channels/node_channels.h"
#include "tools/hub/instances/bus.h"
#include "tools/hub/store/database.h"

namespace isthmus::hub {

struct HubFigures {
    ChannelCounters channels;
    ApiCounters api;
    OidcCounters oidc;
    DatabaseCounters database;
    http::ServerCounters server;
    BusFigures bus;
    std::uint64_t bus_refused = 0;
    std::uint64_t events_dropped = 0;
};

[[nodiscard]] std::string hub_metrics(const HubFigures& figures);

}  // namespace isthmus::hub
