// How this node is: asked of the node, told in heartbeats, events and the status file.
#include <cstdlib>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "control-agent/channel/json_fields.h"
#include "tools/agent/agent_parts.h"
#include "tools/agent/status_file.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kTicksBetweenVersionChecks = 60;
constexpr std::int64_t kClockFaultSeconds = 60;

double load_of_a_core() {
    double average = 0;
    if (::getloadavg(&average, 1) != 1) {
        return 0;
    }
    const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? average / static_cast<double>(cores) : average;
}

}  // namespace

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
        measure_usage();
        then();
    });
}

void Agent::Parts::measure_usage() {
    const bool any = channel::integer_field(node_report.maintenance, "conferences").value_or(0) > 0;
    if (!any && usage.open() == 0) {
        return;
    }
    node_api->ask_conferences([this](const Result<json::value>& answer) {
        if (!answer) {
            return;
        }
        for (const json::object& record : usage.look(unix_ms(), *answer)) {
            emit("usage", record);
        }
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
    const auto program = node ? supervisor->status(kNodeName)
                              : Result<supervisor::ProgramStatus>(supervisor::ProgramStatus{});
    alarms.set(now,
               "node.problem",
               program && !program->problem.empty(),
               {.severity = Severity::kWarning,
                .title = "The node does not run as it should",
                .description = program ? program->problem : "",
                .solution = "Look at node.limits and node.user in the agent's file"});
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

void Agent::Parts::write_status_file() const {
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

}  // namespace isthmus::agent
