// The agent's configuration file; packaging/isthmus-agent.example.yaml says what each key means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/http/connect_config.h"
#include "base/log.h"
#include "base/time.h"

namespace isthmus::agent {

// Who starts the node and looks after it. kNobody: somebody else does, who also configures it; the
// agent asks it how it is, and switches its maintenance.
enum class SupervisionKind : std::uint8_t { kAgent, kSystemd, kNobody };

struct NodeSettings {
    bool enabled = true;  // a machine may have connectors only
    SupervisionKind supervision = SupervisionKind::kSystemd;
    std::string unit = "isthmus-node.service";
    std::string command = "/usr/bin/isthmus-node";
    std::string user;  // empty: as the agent
    std::string url = "http://127.0.0.1:8080";
    // The configuration that the hub gives is written here; what stands there before is the first
    // good one.
    std::string configuration = "/etc/isthmus/node.yaml";
    Duration healthy_within = std::chrono::seconds(30);
    // How long meetings may go on before a new configuration restarts the node.
    Duration meetings_wait = std::chrono::hours(2);
    // Where the agent supervises, and may divide its control group.
    std::optional<std::uint64_t> memory_mebibytes;
    std::optional<std::uint32_t> cpu_percent;  // of one core
    std::optional<std::uint32_t> processes;
};

struct ConnectorSettings {
    // Connectors are installed below it, each in a folder of its name.
    std::string directory = "/usr/lib/isthmus/connectors";
    std::string user;  // empty: as the agent
};

struct AgentConfig {
    std::string state_directory = "/var/lib/isthmus-agent";
    std::string runtime_directory = "/run/isthmus-agent";
    std::string proxy;  // URL; may hold a password
    bool proxy_basic_allowed = true;
    std::string authorities_file;
    std::uint64_t outbox_bytes_max = 64UL * 1024 * 1024;
    std::uint64_t outbox_entries_max = 200'000;
    NodeSettings node;
    ConnectorSettings connectors;
    log::Options log;
    // Between heartbeats, where it is less than what the hub says; 0: what the hub says.
    Duration heartbeat{};
};

[[nodiscard]] Result<AgentConfig> parse_agent_config(const std::string& text,
                                                     const std::string& name);
// With what the hub's configuration has under "agent": of the keys of the file those that can
// change while the agent runs. kInvalidArgument where it has others.
[[nodiscard]] Result<AgentConfig> with_hub_settings(AgentConfig config,
                                                    const std::string& section_json);
[[nodiscard]] Result<AgentConfig> load_agent_config(const std::string& path);

// How the hub is reached.
[[nodiscard]] Result<http::ConnectConfig> connect_config(const AgentConfig& config);

}  // namespace isthmus::agent
