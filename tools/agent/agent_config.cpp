#include "tools/agent/agent_config.h"

#include <fstream>
#include <iterator>
#include <optional>

#include "base/config_reader.h"
#include "base/http/client.h"

namespace isthmus::agent {
namespace {

constexpr std::uint64_t kMebibyte = 1024UL * 1024;

void read_proxy(ConfigReader reader, AgentConfig& config) {
    reader.read("url", config.proxy);
    reader.read("basic", config.proxy_basic_allowed);
    if (!config.proxy.empty()) {
        if (const auto proxy = http::parse_proxy_url(config.proxy); !proxy) {
            reader.refuse("url", proxy.error().message);
        }
    }
    reader.finish();
}

template <typename Integer>
void read_limit(ConfigReader& reader,
                std::string_view key,
                std::optional<Integer>& out,
                std::uint64_t min,
                std::uint64_t max) {
    Integer value = out.value_or(0);
    reader.read(key, value, min, max);
    if (value != 0) {
        out = value;
    }
}

void read_limits(ConfigReader reader, NodeSettings& node) {
    constexpr std::uint64_t kMebibytesMax = 1024UL * 1024;
    constexpr std::uint64_t kPercentMax = 100UL * 1024;
    constexpr std::uint64_t kProcessesMax = 1'000'000;
    read_limit(reader, "memory_mebibytes", node.memory_mebibytes, 64, kMebibytesMax);
    read_limit(reader, "cpu_percent", node.cpu_percent, 1, kPercentMax);
    read_limit(reader, "processes", node.processes, 16, kProcessesMax);
    reader.finish();
}

// What can change while the agent runs.
void read_node_times(ConfigReader& reader, NodeSettings& node) {
    reader.read("healthy_within", node.healthy_within);
    reader.read("meetings_wait", node.meetings_wait);
    if (node.meetings_wait > std::chrono::days(7)) {
        reader.refuse("meetings_wait", "must be at most 7d");
    }
}

void read_node(ConfigReader reader, NodeSettings& node) {
    reader.read("enabled", node.enabled);
    reader.read("supervision",
                node.supervision,
                {{"agent", SupervisionKind::kAgent},
                 {"systemd", SupervisionKind::kSystemd},
                 {"nobody", SupervisionKind::kNobody}});
    reader.read("unit", node.unit);
    reader.read("command", node.command);
    reader.read("user", node.user);
    reader.read("url", node.url);
    if (const std::string fault = http::fault_of_url(node.url + "/"); !fault.empty()) {
        reader.refuse("url", fault);
    }
    reader.read("configuration", node.configuration);
    read_node_times(reader, node);
    if (auto limits = reader.section("limits")) {
        read_limits(std::move(*limits), node);
    }
    reader.finish();
}

void read_outbox(ConfigReader reader, AgentConfig& config) {
    std::uint64_t mebibytes = config.outbox_bytes_max / kMebibyte;
    reader.read("mebibytes", mebibytes, 1, 16UL * 1024);
    config.outbox_bytes_max = mebibytes * kMebibyte;
    reader.read("entries", config.outbox_entries_max, 100, 100'000'000);
    reader.finish();
}

void read_level(ConfigReader& reader, log::Options& options) {
    reader.read("level",
                options.level,
                {{"debug", log::Level::kDebug},
                 {"info", log::Level::kInfo},
                 {"warning", log::Level::kWarning},
                 {"error", log::Level::kError}});
}

void read_heartbeat(ConfigReader& reader, AgentConfig& config) {
    reader.read("heartbeat", config.heartbeat);
    const bool whole = config.heartbeat % std::chrono::seconds(1) == Duration::zero();
    if (!whole || config.heartbeat > std::chrono::hours(1)) {
        reader.refuse("heartbeat", "must be whole seconds, at most 1h; 0s: what the hub says");
    }
}

void read_log(ConfigReader reader, log::Options& options) {
    read_level(reader, options);
    reader.read(
        "format", options.format, {{"text", log::Format::kText}, {"json", log::Format::kJson}});
    reader.finish();
}

void read_connectors(ConfigReader reader, ConnectorSettings& connectors) {
    reader.read("directory", connectors.directory);
    reader.read("user", connectors.user);
    reader.finish();
}

}  // namespace

Result<AgentConfig> parse_agent_config(const std::string& text, const std::string& name) {
    const auto root = parse_config(text, name);
    if (!root) {
        return std::unexpected(root.error());
    }
    AgentConfig config;
    ConfigProblems problems(name);
    ConfigReader reader(*root, problems);
    reader.read("state_directory", config.state_directory);
    reader.read("runtime_directory", config.runtime_directory);
    reader.read("authorities_file", config.authorities_file);
    read_heartbeat(reader, config);
    if (auto proxy = reader.section("proxy")) {
        read_proxy(std::move(*proxy), config);
    }
    if (auto outbox = reader.section("outbox")) {
        read_outbox(std::move(*outbox), config);
    }
    if (auto node = reader.section("node")) {
        read_node(std::move(*node), config.node);
    }
    if (auto connectors = reader.section("connectors")) {
        read_connectors(std::move(*connectors), config.connectors);
    }
    if (auto logging = reader.section("log")) {
        read_log(std::move(*logging), config.log);
    }
    reader.finish();
    if (!problems.empty()) {
        return make_error(ErrorCode::kInvalidArgument, problems.text());
    }
    return config;
}

Result<AgentConfig> with_hub_settings(AgentConfig config, const std::string& section_json) {
    // JSON is YAML.
    const auto root = parse_config(section_json, "agent");
    if (!root) {
        return std::unexpected(root.error());
    }
    ConfigProblems problems("agent");
    ConfigReader reader(*root, problems);
    read_heartbeat(reader, config);
    if (auto node = reader.section("node")) {
        read_node_times(*node, config.node);
        node->finish();
    }
    if (auto logging = reader.section("log")) {
        read_level(*logging, config.log);
        logging->finish();
    }
    reader.finish();
    if (!problems.empty()) {
        return make_error(ErrorCode::kInvalidArgument, problems.text());
    }
    return config;
}

Result<AgentConfig> load_agent_config(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        return make_error(ErrorCode::kNotFound, "cannot read " + path);
    }
    return parse_agent_config({std::istreambuf_iterator<char>(file), {}}, path);
}

Result<http::ConnectConfig> connect_config(const AgentConfig& config) {
    http::ConnectConfig connect;
    connect.authorities_file = config.authorities_file;
    if (!config.proxy.empty()) {
        auto proxy = http::parse_proxy_url(config.proxy);
        if (!proxy) {
            return std::unexpected(proxy.error());
        }
        connect.proxy = std::move(*proxy);
        connect.proxy->basic_allowed = config.proxy_basic_allowed;
    }
    return connect;
}

}  // namespace isthmus::agent
