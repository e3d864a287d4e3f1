// GET and PUT /api/v1/maintenance: the operator's switch. docs/openapi.yaml is its specification.
//
// Holds nothing; signaling thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/http/message.h"
#include "base/time.h"
#include "signaling/access/token.h"

namespace isthmus::signaling::api {

struct MaintenanceReport {
    std::string mode;  // "off", "pending", "on"
    std::uint64_t conferences = 0;
    std::uint64_t participants = 0;
    std::optional<std::int64_t> ends_at_unix_s;  // when conferences are ended, while pending
};

struct MaintenanceChange {
    bool on = false;
    std::optional<Duration> deadline;
};

struct MaintenanceApiSources {
    access::ApiKeys keys;
    std::function<std::int64_t()> now_unix_s;
    std::function<MaintenanceReport()> report;
    std::function<void(const MaintenanceChange&)> change;
};

// The body of a PUT; kInvalidArgument with a sentence.
[[nodiscard]] Result<MaintenanceChange> parse_maintenance_change(const std::string& body);

void add_maintenance_routes(http::Router& router, MaintenanceApiSources sources);

}  // namespace isthmus::signaling::api
