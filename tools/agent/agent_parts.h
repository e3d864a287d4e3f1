// The parts of a running agent and how they are tied together. Internal to the agent: no other file
// but its sources includes this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/random.h"
#include "control-agent/channel/command.h"
#include "control-agent/channel/hub_trust.h"
#include "control-agent/configuration/program_configuration.h"
#include "control-agent/connectors/connector_host.h"
#include "control-agent/outbox/outbox.h"
#include "control-agent/registration/node_identity.h"
#include "control-agent/registration/renewal.h"
#include "control-agent/supervisor/io/command.h"
#include "control-agent/supervisor/supervisor.h"
#include "tools/agent/agent.h"
#include "tools/agent/alarms.h"
#include "tools/agent/command_log.h"
#include "tools/agent/command_runner.h"
#include "tools/agent/connector_calls.h"
#include "tools/agent/event_pusher.h"
#include "tools/agent/heartbeat.h"
#include "tools/agent/hub_channel.h"
#include "tools/agent/node_api.h"
#include "tools/agent/node_program.h"
#include "tools/agent/services.h"
#include "tools/agent/usage_meter.h"

namespace isthmus::agent {

// A command of the hub's.
inline constexpr const char* kConfigurationApply = "configuration.apply";

[[nodiscard]] std::int64_t unix_ms();

struct Agent::Parts final : public HubChannelUser {
    Parts(boost::asio::io_context& io_in,
          AgentConfig config_in,
          registration::NodeIdentity identity_in);

    // Each in turn; the first error ends the start.
    [[nodiscard]] Result<void> open_state();
    [[nodiscard]] Result<void> make_supervisor();
    [[nodiscard]] Result<void> make_node();
    [[nodiscard]] Result<void> make_services();
    [[nodiscard]] Result<void> make_channel();
    void begin();

    // HubChannelUser
    void on_up(const channel::ChannelTerms& terms) override;
    void on_down(const std::string& why) override;
    void on_failed(const std::string& why, bool security) override;
    void on_renewal_wanted(const std::string& why) override;
    void on_request(channel::RpcRequest request) override;

    void tick();
    void wait_for_tick();
    void ask_node(std::move_only_function<void()> then);
    void measure_usage();
    void send_heartbeat();
    void check_alarms();
    void renew_on_channel();
    void save_identity();
    void write_status_file() const;
    [[nodiscard]] HeartbeatFacts facts() const;

    void on_program(const supervisor::ProgramEvent& event);
    void emit(std::string_view kind, const boost::json::object& body);

    // agent_commands.cpp
    void add_commands();
    void apply_configuration(const boost::json::value& params, CommandProgress progress);

    struct WantedNode {
        std::uint64_t version = 0;
        boost::json::value configuration;
        bool now = false;  // meetings are not waited for
    };

    void apply_node_configuration(const WantedNode& wanted,
                                  const std::shared_ptr<CommandProgress>& progress);
    // agent_settings.cpp: what the hub's configuration says of the agent itself; null: nothing.
    [[nodiscard]] Result<void> use_settings(const boost::json::value* section);
    void load_settings();
    [[nodiscard]] Result<void> take_settings(const std::string& section_json);
    [[nodiscard]] std::int64_t seconds_between_heartbeats() const;
    void configure_services(std::uint64_t version,
                            const boost::json::object& programs,
                            const std::shared_ptr<CommandProgress>& progress,
                            std::move_only_function<void()> then);
    void activate_service(const boost::json::value& params, CommandProgress progress);
    void deactivate_service(const boost::json::value& params, CommandProgress progress);
    [[nodiscard]] supervisor::Supervisor& supervisor_of(const std::string& program) const;
    void set_maintenance(const boost::json::value& params, CommandProgress progress);
    void restart_program(const boost::json::value& params, CommandProgress progress) const;
    void collect_logs(const boost::json::value& params, CommandProgress progress) const;
    [[nodiscard]] Result<std::string> agent_secret();
    void note_applied(std::uint64_t version);
    [[nodiscard]] std::filesystem::path applied_path() const;

    boost::asio::io_context* io;
    AgentConfig file_config;  // as the file on this machine has it
    AgentConfig config;       // with what the hub says over it
    registration::NodeIdentity identity;
    channel::HubTrust trust;
    SystemRandom random;
    int lock = -1;  // of the state directory
    outbox::Outbox outbox;
    Alarms alarms;
    std::optional<CommandLog> log;
    std::unique_ptr<channel::CommandGate> gate;
    EventPusher pusher;
    std::unique_ptr<CommandRunner> runner;
    supervisor::ProcessCommands processes;
    std::unique_ptr<supervisor::Supervisor> children;  // the agent's own
    std::unique_ptr<supervisor::Supervisor> units;     // systemd's, where that has the node
    supervisor::Supervisor* supervisor = nullptr;      // of the node: one of the two
    std::unique_ptr<NodeApi> node_api;
    std::unique_ptr<NodeProgram> node;
    std::unique_ptr<configuration::ProgramConfiguration> node_configuration;
    bool resuming = false;  // what an agent before had begun with the node
    std::move_only_function<void()> after_resume;
    std::unique_ptr<ConnectorCalls> calls;
    std::unique_ptr<Services> services;
    std::unique_ptr<HubChannel> channel;
    std::unique_ptr<registration::Renewal> renewal;

    NodeReport node_report;
    UsageMeter usage;
    std::uint64_t applied_version = 0;  // of the configuration of all programs, as the hub counts
    std::string down_because = "not connected yet";
    std::int64_t hub_clock_offset_s = 0;
    std::int64_t heartbeat_s = 10;
    int heartbeats_unanswered = 0;
    std::uint64_t ticks = 0;
    std::uint64_t up_since_tick = 0;
    boost::asio::steady_timer tick_timer;
    boost::asio::steady_timer renewal_timer;
    std::shared_ptr<int> alive = std::make_shared<int>();

    ~Parts() override;
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
};

}  // namespace isthmus::agent
