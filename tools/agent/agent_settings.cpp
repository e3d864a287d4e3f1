// What the hub's configuration says of the agent itself: taken at once, and again after a restart.
#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "control-agent/channel/key_file.h"
#include "tools/agent/agent_parts.h"

namespace isthmus::agent {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

fs::path settings_path(const AgentConfig& config) {
    return fs::path(config.state_directory) / "configuration" / "agent.json";
}

}  // namespace

Result<void> Agent::Parts::take_settings(const std::string& section_json) {
    auto next = with_hub_settings(file_config, section_json);
    if (!next) {
        return std::unexpected(next.error());
    }
    config = std::move(*next);
    log::configure(config.log);
    if (node) {
        node->use(config.node);
    }
    return {};
}

Result<void> Agent::Parts::use_settings(const json::value* section) {
    const std::string text = section != nullptr ? json::serialize(*section) : "{}";
    if (auto taken = take_settings(text); !taken) {
        return taken;
    }
    std::error_code ignored;
    const fs::path path = settings_path(config);
    if (section == nullptr) {
        fs::remove(path, ignored);
        return {};
    }
    fs::create_directories(path.parent_path(), ignored);
    return channel::write_private_file(path, text);
}

// One that this agent does not understand (it is another release's, or damaged) leaves what the
// file on the machine says; the hub's next configuration makes up for it.
void Agent::Parts::load_settings() {
    const auto text = channel::read_private_file(settings_path(config));
    if (!text) {
        return;
    }
    if (const auto taken = take_settings(*text); !taken) {
        log::warning("configuration", "{}", taken.error().message);
    }
}

// A longer time than the hub wants would look like a node that is gone.
std::int64_t Agent::Parts::seconds_between_heartbeats() const {
    const std::int64_t wanted =
        std::chrono::duration_cast<std::chrono::seconds>(config.heartbeat).count();
    return wanted == 0 ? heartbeat_s : std::min(wanted, heartbeat_s);
}

}  // namespace isthmus::agent
