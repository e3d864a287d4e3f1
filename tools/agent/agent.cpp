#include "tools/agent/agent.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/http/base64url.h"
#include "base/log.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"
#include "control-agent/supervisor/io/cgroups.h"
#include "control-agent/supervisor/io/process_supervisor.h"
#include "control-agent/supervisor/io/systemd_supervisor.h"
#include "tools/agent/agent_parts.h"
#include "tools/agent/resident_memory.h"
#include "tools/agent/status_file.h"

namespace isthmus::agent {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::int64_t kTickWithoutHub_s = 10;
// Two heartbeats without an answer: the connection looks whole, and is not.
constexpr int kUnansweredMax = 2;
constexpr std::uint64_t kTicksBetweenRenewalChecks = 360;  // an hour
constexpr std::uint64_t kTicksBetweenVersionChecks = 60;
constexpr std::uint64_t kTicksUntilRest = 2;
constexpr std::int64_t kClockFaultSeconds = 60;
constexpr std::chrono::seconds kRenewalPause{60};

double load_of_a_core() {
    double average = 0;
    if (::getloadavg(&average, 1) != 1) {
        return 0;
    }
    const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? average / static_cast<double>(cores) : average;
}

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
      config(std::move(config_in)),
      identity(std::move(identity_in)),
      trust(identity.trust()),
      outbox({.path = fs::path(config.state_directory) / "outbox.db",
              .bytes_max = config.outbox_bytes_max,
              .entries_max = config.outbox_entries_max},
             unix_ms()),
      alarms([this](std::string_view kind, json::object body) { emit(kind, std::move(body)); }),
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
    gate.emplace(trust, identity.node, log->last_sequence());
    runner.emplace(*gate,
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
    node = std::make_unique<NodeProgram>(*io, config.node, *supervisor, processes, *node_api);
    const fs::path directory = fs::path(config.state_directory) / "configuration";
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
    const auto start = [&] {
        return Services::start(
            *io,
            settings,
            identity.sealing_key,
            *children,
            random,
            *this,
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

void Agent::Parts::call(const std::string& connector,
                        const std::string& method,
                        json::value params,
                        connectors::HubCalls::Answer answer) {
    channel->call(
        "connector.call",
        json::object{{"connector", connector}, {"method", method}, {"params", std::move(params)}},
        [answer = std::move(answer)](std::expected<json::value, channel::RpcError> result) mutable {
            if (result) {
                answer(std::move(*result));
                return;
            }
            const bool unavailable = result.error().code == channel::kRpcUnavailable;
            answer(make_error(unavailable ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument,
                              result.error().message));
        });
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
    if (config.node.enabled && fs::exists(config.node.configuration)) {
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

void Agent::Parts::emit(std::string_view kind, json::object body) {
    const auto appended = outbox.append(unix_ms(), std::string(kind), json::serialize(body));
    if (!appended) {
        log::error("events", "{}", appended.error().message);
    }
    pusher.pump();
}

void Agent::Parts::on_up(const channel::ChannelTerms& terms) {
    down_because.clear();
    heartbeats_unanswered = 0;
    up_since_tick = ticks;
    heartbeat_s = std::clamp<std::int64_t>(terms.heartbeat_s, 1, 3600);
    hub_clock_offset_s = terms.hub_unix_s - unix_ms() / 1000;
    gate->set_clock_offset(hub_clock_offset_s);
    if (terms.learnt_keys) {
        save_identity();
    }
    log::info("channel", "connected to {} as node {}", identity.hub_url, identity.node);
    alarms.clear(unix_ms(), "hub.untrusted");
    send_heartbeat();
    runner->on_up();
    pusher.on_up();
    renew_on_channel();
    write_status_file();
}

void Agent::Parts::on_down(const std::string& why) {
    down_because = why;
    pusher.on_down();
    log::warning("channel", "the connection to the hub is lost: {}", why);
    write_status_file();
}

void Agent::Parts::on_failed(const std::string& why, bool security) {
    if (why != down_because) {
        log::warning("channel", "no connection to the hub: {}", why);
    }
    down_because = why;
    if (security) {
        alarms.raise(
            unix_ms(),
            "hub.untrusted",
            {.severity = Severity::kCritical,
             .title = "Something answers in the hub's place",
             .description = why,
             .solution = "Look at what is between this machine and the hub; if the hub was "
                         "replaced, enrol this node again"});
    }
    write_status_file();
}

void Agent::Parts::on_renewal_wanted(const std::string& why) {
    log::warning("channel", "the certificate must be renewed: {}", why);
    down_because = why;
    const auto again = [this] {
        renewal_timer.expires_after(kRenewalPause);
        renewal_timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                channel->start();
            }
        });
    };
    const auto connect = connect_config(config);
    auto begun =
        connect ? registration::Renewal::make(*io, random, identity, *connect)
                : Result<std::unique_ptr<registration::Renewal>>(std::unexpected(connect.error()));
    if (!begun) {
        log::error("channel", "{}", begun.error().message);
        again();
        return;
    }
    renewal = std::move(*begun);
    renewal->start(
        [this, again](std::expected<registration::NodeIdentity, registration::HubFault> renewed) {
            if (!renewed) {
                log::error("channel", "no new certificate: {}", renewed.error().why);
                down_because = renewed.error().why;
                again();
                return;
            }
            identity = std::move(*renewed);
            trust = identity.trust();
            save_identity();
            channel->start();
        });
}

void Agent::Parts::on_request(channel::RpcRequest request) {
    if (!request.id) {
        return;
    }
    if (request.method != "command") {
        channel->respond(*request.id,
                         std::unexpected(channel::RpcError{
                             .code = channel::kRpcMethodNotFound,
                             .message = "this agent does not know " + request.method,
                             .data = nullptr}));
        return;
    }
    const auto answer = runner->take(unix_ms() / 1000, request.params);
    // Not noted, so not done: the hub sends it again.
    alarms.set(unix_ms(),
               "state.disk",
               !answer && answer.error().code == channel::kRpcUnavailable,
               {.severity = Severity::kError,
                .title = "Commands cannot be noted",
                .description = answer ? "" : answer.error().message,
                .solution = "Make room on the disk of " + config.state_directory});
    channel->respond(*request.id, answer);
}

void Agent::Parts::renew_on_channel() {
    if (!channel->up() ||
        !registration::renewal_due(identity.certificate, unix_ms() / 1000 + hub_clock_offset_s)) {
        return;
    }
    channel->call("certificate.renew",
                  json::object{{"key", http::encode_base64url(identity.key.public_key().bytes())}},
                  [this](const std::expected<json::value, channel::RpcError>& answer) {
                      if (!answer) {
                          log::warning("channel", "no new certificate: {}", answer.error().message);
                          return;
                      }
                      const auto taken = registration::take_certificate(
                          identity, channel::text_field(*answer, "certificate").value_or(""));
                      if (!taken) {
                          log::error("channel", "{}", taken.error().message);
                          return;
                      }
                      save_identity();
                      log::info("channel", "the certificate is renewed");
                  });
}

void Agent::Parts::save_identity() {
    identity.take(trust);
    const auto saved =
        registration::save_identity(registration::identity_path(config.state_directory), identity);
    if (!saved) {
        log::error("registration", "{}", saved.error().message);
    }
}

void Agent::Parts::wait_for_tick() {
    tick_timer.expires_after(std::chrono::seconds(channel->up() ? heartbeat_s : kTickWithoutHub_s));
    tick_timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            tick();
        }
    });
}

void Agent::Parts::tick() {
    ++ticks;
    if (channel->up() && heartbeats_unanswered >= kUnansweredMax) {
        channel->drop("the hub does not answer heartbeats");
    }
    if (channel->up() && ticks == up_since_tick + kTicksUntilRest) {
        release_unused_memory();
    }
    if (ticks % kTicksBetweenRenewalChecks == 0) {
        renew_on_channel();
    }
    ask_node([this] {
        check_alarms();
        pusher.pump();
        send_heartbeat();
        write_status_file();
    });
    wait_for_tick();
}

void Agent::Parts::ask_node(std::move_only_function<void()> then) {
    if (!node_api) {
        then();
        return;
    }
    if (node_report.version.empty() || ticks % kTicksBetweenVersionChecks == 0) {
        node_api->ask_version([this](const Result<json::value>& answer) {
            if (answer) {
                node_report.version = channel::text_field(*answer, "version").value_or("");
            }
        });
    }
    node_api->ask_maintenance([this, then = std::move(then)](Result<json::value> answer) mutable {
        node_report.serves = answer.has_value();
        node_report.fault = answer ? std::string() : answer.error().message;
        node_report.maintenance = answer ? std::move(*answer) : json::value(nullptr);
        if (!node_report.serves) {
            node_report.version.clear();
        }
        then();
    });
}

void Agent::Parts::check_alarms() {
    const std::int64_t now = unix_ms();
    const outbox::OutboxState state = outbox.state();
    alarms.set(now,
               "outbox.near_full",
               state.near_full || state.dropped > 0,
               {.severity = state.dropped > 0 ? Severity::kError : Severity::kWarning,
                .title = "Events wait for the hub, and room for them runs out",
                .description = std::to_string(state.entries) + " wait; " +
                               std::to_string(state.dropped) + " were dropped",
                .solution = "Let this node reach its hub, or give outbox more room"});
    alarms.set(now,
               "outbox.disk",
               !state.fault.empty(),
               {.severity = Severity::kError,
                .title = "Events cannot be stored",
                .description = state.fault,
                .solution = "Make room on the disk of " + config.state_directory});
    alarms.set(now,
               "outbox.set_aside",
               !state.set_aside.empty(),
               {.severity = Severity::kWarning,
                .title = "The file of waiting events was damaged",
                .description = "It is at " + state.set_aside.string() +
                               " now; what waited in it has not reached the hub",
                .solution = "Check the disk; keep the file for support, and restart the agent"});
    const bool unreachable = node_report.expected && !node_report.serves &&
                             (node_configuration == nullptr || !node_configuration->busy());
    alarms.set(now,
               "node.down",
               unreachable,
               {.severity = Severity::kCritical,
                .title = "The node does not answer",
                .description = node_report.fault,
                .solution = "Look into its log (isthmusctl hub node logs)"});
    const std::int64_t offset = std::abs(hub_clock_offset_s);
    alarms.set(now,
               "clock",
               offset > kClockFaultSeconds,
               {.severity = Severity::kWarning,
                .title = "The machine's clock differs from the hub's",
                .description = "by " + std::to_string(offset) + " s",
                .solution = "Let it be set by NTP"});
}

HeartbeatFacts Agent::Parts::facts() const {
    HeartbeatFacts facts{.agent_version = ISTHMUS_VERSION,
                         .node = node_report,
                         .configuration_version = applied_version,
                         .outbox = outbox.state(),
                         .alarms = alarms.list(),
                         .services = services->describe(),
                         .load_of_a_core = load_of_a_core()};
    if (node_configuration) {
        facts.configuration = node_configuration->record();
        facts.configuring = node_configuration->busy();
    }
    return facts;
}

void Agent::Parts::send_heartbeat() {
    if (!channel->up()) {
        return;
    }
    ++heartbeats_unanswered;
    channel->call("heartbeat",
                  heartbeat(facts()),
                  [this](const std::expected<json::value, channel::RpcError>& answer) {
                      if (answer || answer.error().code != channel::kRpcUnavailable) {
                          heartbeats_unanswered = 0;
                      }
                  });
}

void Agent::Parts::write_status_file() {
    json::object status = heartbeat(facts());
    status["updated_s"] = unix_ms() / 1000;
    status["node"] = identity.node;
    status["hub"] = identity.hub_url;
    status["cluster"] = identity.cluster_name;
    status["connected"] = channel->up();
    status["fault"] = down_because;
    status["certificate_note"] = channel->certificate_note();
    const auto written = write_status(config.runtime_directory, status);
    if (!written) {
        log::debug("status", "{}", written.error().message);
    }
}

void Agent::Parts::on_program(const supervisor::ProgramEvent& event) {
    using Kind = supervisor::ProgramEvent::Kind;
    log::info(
        "supervisor", "{} {}: {}", event.name, supervisor::to_string(event.kind), event.detail);
    emit("program." + std::string(supervisor::to_string(event.kind)),
         {{"program", event.name}, {"detail", event.detail}});
    const std::string id = "program.crash_loop." + event.name;
    if (event.kind == Kind::kCrashLoop) {
        alarms.raise(unix_ms(),
                     id,
                     {.severity = Severity::kCritical,
                      .title = event.name + " ends again and again",
                      .description = event.detail,
                      .solution = "Look into its log (isthmusctl hub node logs)"});
    } else if (event.kind == Kind::kCrashLoopOver) {
        alarms.clear(unix_ms(), id);
    }
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::start(boost::asio::io_context& io,
                                            AgentConfig config,
                                            registration::NodeIdentity identity) {
    auto parts = std::make_unique<Parts>(io, std::move(config), std::move(identity));
    for (const auto step : {&Parts::open_state,
                            &Parts::make_supervisor,
                            &Parts::make_node,
                            &Parts::make_services,
                            &Parts::make_channel}) {
        if (const auto done = ((*parts).*step)(); !done) {
            return std::unexpected(done.error());
        }
    }
    parts->begin();
    return std::unique_ptr<Agent>(new Agent(std::move(parts)));  // NOLINT(*-owning-memory): private
}

void Agent::stop(std::move_only_function<void()> done) {
    parts_->tick_timer.cancel();
    parts_->children->detach([done = std::move(done)](const Result<void>&) mutable { done(); });
}

}  // namespace isthmus::agent
