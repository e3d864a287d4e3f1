// What the hub may tell this node to do.
#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>

#include "base/log.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"
#include "tools/agent/agent_parts.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLogLinesDefault = 200;
constexpr std::int64_t kLogLinesMax = 2000;
constexpr std::size_t kLogBytesMax = 128UL * 1024;
constexpr std::size_t kSecretLength = 43;  // 256 bits

// The newest that fit.
json::array last_lines(const std::vector<std::string>& lines) {
    std::size_t bytes = 0;
    auto first = lines.end();
    while (first != lines.begin() && bytes + std::prev(first)->size() <= kLogBytesMax) {
        bytes += (--first)->size();
    }
    return json::array(first, lines.end());
}

}  // namespace

void Agent::Parts::add_commands() {
    const auto add = [this](const char* method, auto handler, const char* lane = "") {
        runner->add(
            method,
            [this, handler](const json::value& params, CommandProgress progress) {
                (this->*handler)(params, std::move(progress));
            },
            lane);
    };
    add(kConfigurationApply, &Parts::apply_configuration);
    add("maintenance.set", &Parts::set_maintenance);
    add("service.activate", &Parts::activate_service, "service");
    add("service.deactivate", &Parts::deactivate_service, "service");
    add("program.restart", &Parts::restart_program);
    add("logs.collect", &Parts::collect_logs);
    runner->add("ping", [](const json::value& params, CommandProgress progress) {
        progress.succeed(params);
    });
}

// The node's API wants a key; this one is the agent's, made here and never told the hub.
Result<std::string> Agent::Parts::agent_secret() {
    const std::filesystem::path path =
        std::filesystem::path(config.state_directory) / "node_secret";
    auto secret = channel::read_private_file(path);
    if (secret || secret.error().code != ErrorCode::kNotFound) {
        return secret;
    }
    std::string made = random.next_token(kSecretLength);
    if (const auto written = channel::write_private_file(path, made); !written) {
        return std::unexpected(written.error());
    }
    return made;
}

std::filesystem::path Agent::Parts::applied_path() const {
    return std::filesystem::path(config.state_directory) / "configuration" / "applied";
}

void Agent::Parts::note_applied(std::uint64_t version) {
    applied_version = version;
    std::error_code ignored;
    std::filesystem::create_directories(applied_path().parent_path(), ignored);
    const auto written =
        channel::write_private_file(applied_path(), std::to_string(version) + "\n");
    if (!written) {
        log::error("configuration", "{}", written.error().message);
    }
}

void Agent::Parts::apply_configuration(const json::value& params, CommandProgress progress) {
    const auto version = channel::integer_field(params, "version");
    const json::object* const programs = channel::object_field(params, "programs");
    if (!version || *version < 0 || programs == nullptr) {
        progress.fail("configuration.apply needs version and programs");
        return;
    }
    if (const auto used = use_settings(programs->if_contains("agent")); !used) {
        progress.fail(used.error().message);
        return;
    }
    const auto number = static_cast<std::uint64_t>(*version);
    const bool now = channel::bool_field(params, "now").value_or(false);
    const auto shared = std::make_shared<CommandProgress>(std::move(progress));
    configure_services(
        number, *programs, shared, [this, number, now, shared, programs = *programs] {
            // A cluster's configuration reaches machines without a node too: nothing to do there.
            const json::value* const configuration = programs.if_contains(kNodeName);
            if (configuration != nullptr && node_api && !node_configuration) {
                shared->fail(
                    "the agent does not look after this machine's node "
                    "(node.supervision is nobody): whoever starts it configures it");
                return;
            }
            if (configuration == nullptr || !node_configuration) {
                note_applied(number);
                shared->succeed({{"version", number}});
                return;
            }
            WantedNode wanted{.version = number, .configuration = *configuration, .now = now};
            if (resuming) {
                after_resume = [this, wanted = std::move(wanted), shared] {
                    apply_node_configuration(wanted, shared);
                };
            } else {
                apply_node_configuration(wanted, shared);
            }
        });
}

// One after the other; the first that refuses ends the command. What is for services that this
// machine does not host is for others of the cluster.
void Agent::Parts::configure_services(std::uint64_t version,
                                      const json::object& programs,
                                      const std::shared_ptr<CommandProgress>& progress,
                                      std::move_only_function<void()> then) {
    const auto hosted = std::ranges::find_if(programs, [&](const json::key_value_pair& program) {
        return services->has(program.key());
    });
    if (hosted == programs.end()) {
        then();
        return;
    }
    const std::string name = hosted->key();
    json::object rest = programs;
    rest.erase(name);
    services->configure(
        name,
        version,
        hosted->value(),
        [this, version, name, rest = std::move(rest), progress, then = std::move(then)](
            const Result<void>& taken) mutable {
            if (taken) {
                configure_services(version, rest, progress, std::move(then));
            } else {
                progress->fail(name + ": " + taken.error().message);
            }
        });
}

supervisor::Supervisor& Agent::Parts::supervisor_of(const std::string& program) const {
    return program == kNodeName ? *supervisor : *children;
}

void Agent::Parts::activate_service(const json::value& params, CommandProgress progress) {
    const auto name = channel::text_field(params, "name");
    if (!name) {
        progress.fail("service.activate needs a name");
        return;
    }
    const json::value* const configuration = channel::find_field(params, "configuration");
    services->activate(
        *name,
        channel::text_field(params, "package").value_or(*name),
        configuration != nullptr ? *configuration : json::value(json::object{}),
        [this, name = *name, progress = std::move(progress)](const Result<void>& active) mutable {
            if (active) {
                progress.succeed();
            } else {
                progress.fail(active.error().message,
                              json::object{{"hosted", services->has(name)}});
            }
            send_heartbeat();
        });
}

void Agent::Parts::deactivate_service(const json::value& params, CommandProgress progress) {
    const auto name = channel::text_field(params, "name");
    if (!name) {
        progress.fail("service.deactivate needs a name");
        return;
    }
    services->deactivate(*name,
                         [this, progress = std::move(progress)](const Result<void>& gone) mutable {
                             if (gone) {
                                 progress.succeed();
                             } else {
                                 progress.fail(gone.error().message);
                             }
                             send_heartbeat();
                         });
}

void Agent::Parts::apply_node_configuration(const WantedNode& wanted,
                                            const std::shared_ptr<CommandProgress>& progress) {
    const auto opened = channel::open_secrets(identity.sealing_key, wanted.configuration);
    if (!opened) {
        progress->fail("a sealed secret cannot be opened: " + opened.error().message);
        return;
    }
    const auto secret = agent_secret();
    if (!secret) {
        progress->fail(secret.error().message);
        return;
    }
    auto text = node_configuration_text(*opened, *secret);
    if (!text) {
        progress->fail(text.error().message);
        return;
    }
    node_configuration->apply(
        wanted.version,
        std::move(*text),
        wanted.now,
        [progress](int percent, const std::string& what) { progress->running(percent, what); },
        [this, progress, version = wanted.version](const Result<void>& applied) {
            if (applied) {
                note_applied(version);
                progress->succeed({{"version", version}});
            } else {
                progress->fail(applied.error().message);
            }
            node_report.version.clear();
            ask_node([this] {
                check_alarms();
                send_heartbeat();
            });
        });
}

void Agent::Parts::set_maintenance(const json::value& params, CommandProgress progress) {
    if (!node_api) {
        progress.fail("this machine has no media node");
        return;
    }
    json::object request;
    for (const std::string_view name : {"mode", "deadline_s"}) {
        if (const json::value* const field = channel::find_field(params, name)) {
            request[name] = *field;
        }
    }
    node_api->set_maintenance(
        request, [this, progress = std::move(progress)](Result<json::value> answer) mutable {
            if (!answer) {
                progress.fail(answer.error().message);
                return;
            }
            node_report.maintenance = *answer;
            if (node) {
                node->disown_maintenance();
            }
            progress.succeed(std::move(*answer));
            send_heartbeat();
        });
}

void Agent::Parts::restart_program(const json::value& params, CommandProgress progress) const {
    const auto name = channel::text_field(params, "name");
    if (!name) {
        progress.fail("program.restart needs a name");
        return;
    }
    supervisor_of(*name).restart(
        services->program_of(*name),
        [progress = std::move(progress)](const Result<void>& restarted) mutable {
            if (restarted) {
                progress.succeed();
            } else {
                progress.fail(restarted.error().message);
            }
        });
}

void Agent::Parts::collect_logs(const json::value& params, CommandProgress progress) const {
    const auto program = channel::text_field(params, "program");
    const std::int64_t lines = std::clamp<std::int64_t>(
        channel::integer_field(params, "lines").value_or(kLogLinesDefault), 1, kLogLinesMax);
    if (!program) {
        progress.fail("logs.collect needs a program");
        return;
    }
    supervisor_of(*program).read_log(
        services->program_of(*program),
        static_cast<std::size_t>(lines),
        [progress = std::move(progress)](const Result<std::vector<std::string>>& written) mutable {
            if (written) {
                progress.succeed({{"lines", last_lines(*written)}});
            } else {
                progress.fail(written.error().message);
            }
        });
}

}  // namespace isthmus::agent
