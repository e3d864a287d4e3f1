// Opens what an agent before left, and ties the parts together.
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "control-agent/channel/key_file.h"
#include "control-agent/supervisor/io/cgroups.h"
#include "control-agent/supervisor/io/process_supervisor.h"
#include "control-agent/supervisor/io/systemd_supervisor.h"
#include "tools/agent/agent_parts.h"

namespace isthmus::agent {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// A state file that cannot be read goes aside, so that the agent lives on and somebody can look.
void set_aside(const fs::path& path) {
    std::error_code ignored;
    fs::rename(path, path.string() + ".damaged", ignored);
}

}  // namespace

std::int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Agent::Parts::Parts(boost::asio::io_context& io_in,
                    AgentConfig config_in,
                    registration::NodeIdentity identity_in)
    : io(&io_in),
      file_config(config_in),
      config(std::move(config_in)),
      identity(std::move(identity_in)),
      trust(identity.trust()),
      outbox({.path = fs::path(config.state_directory) / "outbox.db",
              .bytes_max = config.outbox_bytes_max,
              .entries_max = config.outbox_entries_max},
             unix_ms()),
      alarms([this](std::string_view kind, const json::object& body) { emit(kind, body); }),
      pusher(outbox,
             unix_ms,
             [this](const json::value& params, EventPusher::Answer answer) {
                 channel->call("events.push", params, std::move(answer));
             }),
      processes(io_in),
      tick_timer(io_in),
      renewal_timer(io_in) {}

Agent::Parts::~Parts() {
    if (lock >= 0) {
        ::close(lock);
    }
}

Result<void> Agent::Parts::open_state() {
    const fs::path directory = config.state_directory;
    lock = ::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return make_error(ErrorCode::kUnavailable,
                          "cannot write in " + config.state_directory + ": " +
                              std::error_code(errno, std::generic_category()).message());
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return make_error(ErrorCode::kConflict,
                          "another agent runs with " + config.state_directory);
    }
    load_settings();
    const fs::path commands = directory / "commands.json";
    auto opened = CommandLog::open(commands);
    if (!opened && opened.error().code == ErrorCode::kInvalidArgument) {
        // Commands live for two minutes: what could be let in twice is little, and the hub's alone.
        set_aside(commands);
        alarms.raise(unix_ms(),
                     "state.damaged",
                     {.severity = Severity::kWarning,
                      .title = "A state file was damaged",
                      .description = opened.error().message + " and was set aside",
                      .solution = "Check the disk of the machine"});
        opened = CommandLog::open(commands);
    }
    if (!opened) {
        return std::unexpected(opened.error());
    }
    log = std::move(*opened);
    if (const auto applied = channel::read_private_file(applied_path())) {
        std::from_chars(applied->data(), applied->data() + applied->size(), applied_version);
    }
    gate = std::make_unique<channel::CommandGate>(trust, identity.node, log->last_sequence());
    runner = std::make_unique<CommandRunner>(
        *gate,
        *log,
        CommandRunner::Hooks{
            .report =
                [this](const json::value& params, CommandRunner::Answer answer) {
                    channel->call("command.progress", params, std::move(answer));
                },
            .refused =
                [this](channel::CommandFault fault) {
                    log::warning("commands", "refused: {}", channel::to_string(fault));
                    emit("audit.command_refused", {{"why", channel::to_string(fault)}});
                },
            .ended =
                [this](const std::string& method, const CommandRecord& record) {
                    emit("audit.command",
                         {{"command", record.id},
                          {"method", method},
                          {"state", to_string(record.state)},
                          {"message", record.message}});
                },
            .waits =
                [this](const std::string& method) {
                    if (method == kConfigurationApply && node_configuration) {
                        node_configuration->give_up_waiting(
                            "a newer configuration came before the meetings had ended");
                    }
                }});
    return {};
}

// Connectors are always the agent's children; the node may be systemd's.
Result<void> Agent::Parts::make_supervisor() {
    auto made = supervisor::ProcessSupervisor::make(
        *io,
        {.directory = fs::path(config.state_directory) / "programs",
         .log = {},
         .cgroup = supervisor::Cgroups::own_group()},
        random);
    if (!made) {
        return std::unexpected(made.error());
    }
    children = std::move(*made);
    const auto hear = [this](const supervisor::ProgramEvent& event) { on_program(event); };
    children->on_event(hear);
    supervisor = children.get();
    if (config.node.enabled && config.node.supervision == SupervisionKind::kSystemd) {
        units = std::make_unique<supervisor::SystemdSupervisor>(*io, processes);
        units->on_event(hear);
        supervisor = units.get();
    }
    return {};
}

Result<void> Agent::Parts::make_node() {
    node_report.expected = config.node.enabled;
    if (!config.node.enabled) {
        return {};
    }
    auto api = NodeApi::make(*io, config.node.url, config.node.configuration);
    if (!api) {
        return std::unexpected(api.error());
    }
    node_api = std::move(*api);
    if (config.node.supervision == SupervisionKind::kNobody) {
        return {};
    }
    const fs::path directory = fs::path(config.state_directory) / "configuration";
    node = std::make_unique<NodeProgram>(
        *io, config.node, directory / "node.drained", *supervisor, processes, *node_api);
    const configuration::ConfigurationFiles files(config.node.configuration, directory, kNodeName);
    auto made = configuration::ProgramConfiguration::make(files, *node);
    if (!made && made.error().code == ErrorCode::kInvalidArgument) {
        set_aside(directory / "node.json");
        made = configuration::ProgramConfiguration::make(files, *node);
    }
    if (!made) {
        return std::unexpected(made.error());
    }
    node_configuration = std::move(*made);
    return {};
}

Result<void> Agent::Parts::make_services() {
    std::error_code error;
    fs::create_directories(config.runtime_directory, error);
    const ServicesConfig settings{.state_file = fs::path(config.state_directory) / "services.json",
                                  .socket_path = config.runtime_directory + "/connectors.sock",
                                  .packages_directory = config.connectors.directory,
                                  .user = config.connectors.user};
    calls = std::make_unique<ConnectorCalls>(
        [this](const json::value& params, ConnectorCalls::Reply reply) {
            channel->call("connector.call", params, std::move(reply));
        },
        [this](const std::string& connector) {
            return services ? services->service_of(connector) : std::string();
        });
    const auto start = [&] {
        return Services::start(
            *io,
            settings,
            identity.sealing_key,
            *children,
            random,
            *calls,
            [this](connectors::ConnectorEvent event) {
                emit(event.kind, {{"connector", event.connector}, {"body", std::move(event.body)}});
            });
    };
    auto made = start();
    if (!made && made.error().code == ErrorCode::kInvalidArgument) {
        set_aside(settings.state_file);
        made = start();
    }
    if (!made) {
        return std::unexpected(made.error());
    }
    services = std::move(*made);
    return {};
}

Result<void> Agent::Parts::make_channel() {
    auto connect = connect_config(config);
    if (!connect) {
        return std::unexpected(connect.error());
    }
    auto made = HubChannel::make(*io, random, identity, trust, {.connect = *connect}, *this);
    if (!made) {
        return std::unexpected(made.error());
    }
    channel = std::move(*made);
    return {};
}

void Agent::Parts::begin() {
    add_commands();
    emit("agent.started", {{"version", ISTHMUS_VERSION}});
    if (node && fs::exists(config.node.configuration)) {
        supervisor->start(node_spec(config.node), [](const Result<void>& started) {
            if (!started) {
                log::error("node", "{}", started.error().message);
            }
        });
    }
    if (node_configuration) {
        resuming = true;
        node_configuration->resume([this](const Result<void>& resumed) {
            if (!resumed) {
                log::warning("configuration", "{}", resumed.error().message);
            }
            resuming = false;
            if (auto next = std::exchange(after_resume, nullptr)) {
                next();
            }
        });
    }
    services->resume();
    channel->start();
    tick();
}

}  // namespace isthmus::agent
