// What isthmus-hub is started with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/http/server_address.h"
#include "control-agent/channel/protocol_range.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/instances/bus.h"

namespace isthmus::hub {

struct HubOptions {
    std::filesystem::path data;  // master key, SQLite database, certificate
    std::string database{};      // postgresql://...; empty: SQLite in `data`
    std::vector<http::ListenAddress> listen;
    std::string url{};                        // as nodes reach it; empty: from the first listener
    std::vector<std::string> names{};         // more names for the HTTPS certificate
    std::filesystem::path tls_certificate{};  // of an authority that browsers know; empty: ours
    std::filesystem::path tls_key{};
    std::vector<http::ListenAddress> metrics_listen{};  // plain HTTP; empty: none
    // How the hub reaches identity providers: "http://[user:password@]host[:port]", and PEM of
    // authorities beside the machine's own.
    std::string outbound_proxy{};
    std::filesystem::path outbound_authorities{};
    std::size_t connections = 12'000;
    std::size_t connections_per_address = 128;
    std::int64_t heartbeat_s = 10;
    BusMaker bus{};  // between several instances; empty: none
    // How often channels are looked at, and the database for what other instances did.
    std::chrono::milliseconds tick = std::chrono::seconds(1);
    EventLimits events{};
    std::int64_t housekeeping_s = 60;  // between two looks at what is old
    // For tests.
    std::function<std::int64_t()> unix_ms{};  // empty: the machine's clock
    channel::ProtocolRange protocols = channel::kProtocols;
};

}  // namespace isthmus::hub
