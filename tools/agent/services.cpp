#include "tools/agent/services.h"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"
#include "control-agent/connectors/manifest.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kStateBytesMax = 8UL * 1024 * 1024;
constexpr std::size_t kPackageBytesMax = 64;

// It names a folder.
bool good_package(std::string_view package) {
    return !package.empty() && package.size() <= kPackageBytesMax && package.front() != '.' &&
           std::ranges::all_of(package, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

}  // namespace

// Each of them is another part of the agent.
// NOLINTNEXTLINE(readability-function-size): seven parameters
Result<std::unique_ptr<Services>> Services::start(boost::asio::io_context& io,
                                                  const ServicesConfig& config,
                                                  const channel::ExchangeKey& sealing_key,
                                                  supervisor::Supervisor& supervisor,
                                                  RandomSource& random,
                                                  connectors::HubCalls& calls,
                                                  connectors::EventSink events) {
    std::unique_ptr<Services> made(
        new Services(config, sealing_key));  // NOLINT(*-owning-memory): private
    if (auto loaded = made->load(); !loaded) {
        return std::unexpected(loaded.error());
    }
    auto host = connectors::ConnectorHost::start(
        io,
        {.socket_path = config.socket_path, .user = config.user, .limits = {}, .restart = {}},
        supervisor,
        random,
        calls,
        std::move(events));
    if (!host) {
        return std::unexpected(host.error());
    }
    made->host_ = std::move(*host);
    return made;
}

Result<void> Services::load() {
    const auto text = channel::read_private_file(config_.state_file, kStateBytesMax);
    if (!text) {
        return text.error().code == ErrorCode::kNotFound
                   ? Result<void>()
                   : Result<void>(std::unexpected(text.error()));
    }
    const auto value = channel::parse_json(*text, kStateBytesMax);
    const json::object* const services =
        value ? channel::object_field(*value, "services") : nullptr;
    if (services == nullptr) {
        return make_error(ErrorCode::kInvalidArgument, config_.state_file.string() + " is damaged");
    }
    for (const auto& [name, described] : *services) {
        const json::value* const configuration = channel::find_field(described, "configuration");
        active_.emplace(
            name,
            Active{.package = channel::text_field(described, "package").value_or(""),
                   .connector = {},
                   .version = static_cast<std::uint64_t>(
                       channel::integer_field(described, "version").value_or(0)),
                   .configuration =
                       configuration != nullptr ? *configuration : json::value(json::object{})});
    }
    return {};
}

Result<void> Services::save() const {
    json::object services;
    for (const auto& [name, active] : active_) {
        services[name] = {{"package", active.package},
                          {"version", active.version},
                          {"configuration", active.configuration}};
    }
    return channel::write_private_file(
        config_.state_file, json::serialize(json::object{{"services", std::move(services)}}));
}

void Services::resume() {
    const auto wanted = active_;
    for (const auto& service : wanted) {
        run(service.first, service.second, [name = service.first](const Result<void>& running) {
            if (!running) {
                // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): it has an error
                log::error("services", "{}: {}", name, running.error().message);
            }
        });
    }
}

// Starts the connector, or gives the one that runs its configuration.
void Services::run(const std::string& name, Active wanted, Answer answer) {
    if (!good_package(wanted.package)) {
        answer(make_error(ErrorCode::kInvalidArgument, "package is no name of a package"));
        return;
    }
    const std::string directory = config_.packages_directory + "/" + wanted.package;
    const auto manifest = connectors::load_manifest(directory);
    auto opened = channel::open_secrets(*sealing_key_, wanted.configuration);
    if (!manifest || !opened) {
        answer(std::unexpected(manifest ? opened.error() : manifest.error()));
        return;
    }
    const std::string connector = manifest->name;
    if (const std::string other = service_of(connector); !other.empty() && other != name) {
        answer(make_error(ErrorCode::kConflict,
                          "connector " + connector + " runs for the service " + other +
                              " already; a node runs each once"));
        return;
    }
    service_of_[connector] = name;  // before its first call
    connectors::ConnectorConfiguration configuration{.version = wanted.version,
                                                     .value = std::move(*opened)};
    const auto before = active_.find(name);
    const std::string running = before != active_.end() ? before->second.connector : std::string();
    const bool same = running == connector && before->second.package == wanted.package;
    wanted.connector = connector;
    Answer stored = [this,
                     alive = std::weak_ptr(alive_),
                     name,
                     wanted = std::move(wanted),
                     answer = std::move(answer)](Result<void> result) mutable {
        if (result && alive.lock()) {
            active_.insert_or_assign(name, std::move(wanted));
            result = save();
        }
        answer(std::move(result));
    };
    if (same) {
        host_->configure(connector, std::move(configuration), std::move(stored));
    } else if (!running.empty()) {
        replace(name,
                {.connector = connector,
                 .directory = directory,
                 .configuration = std::move(configuration)},
                std::move(stored));
    } else {
        // One that was wanted before goes on trying; a new one that fails is not left behind.
        start_connector({.connector = connector,
                         .directory = directory,
                         .configuration = std::move(configuration)},
                        before == active_.end(),
                        std::move(stored));
    }
}

void Services::start_connector(Start start, bool is_new, Answer answer) {
    host_->activate(start.directory,
                    std::move(start.configuration),
                    [this,
                     alive = std::weak_ptr(alive_),
                     connector = start.connector,
                     is_new,
                     answer = std::move(answer)](Result<void> result) mutable {
                        if (result || !is_new || !alive.lock()) {
                            answer(std::move(result));
                            return;
                        }
                        service_of_.erase(connector);
                        host_->deactivate(connector,
                                          [answer = std::move(answer), result = std::move(result)](
                                              const Result<void>& /*gone*/) mutable {
                                              answer(std::move(result));
                                          });
                    });
}

// Another package for a service that runs: the connector of before ends first, and comes back where
// the new one does not start.
void Services::replace(const std::string& name, Start start, Answer answer) {
    const std::string before = active_.at(name).connector;
    host_->deactivate(
        before,
        [this,
         alive = std::weak_ptr(alive_),
         name,
         before,
         start = std::move(start),
         answer = std::move(answer)](const Result<void>& gone) mutable {
            if (!alive.lock()) {
                return;
            }
            if (!gone) {
                answer(std::unexpected(gone.error()));
                return;
            }
            if (before != start.connector) {
                service_of_.erase(before);
            }
            active_.at(name).connector.clear();
            start_connector(
                std::move(start),
                true,
                [this, alive, name, answer = std::move(answer)](Result<void> started) mutable {
                    if (started || !alive.lock()) {
                        answer(std::move(started));
                        return;
                    }
                    run(name,
                        active_.at(name),
                        [answer = std::move(answer),
                         why = started.error()](const Result<void>& back) mutable {
                            why.message += back ? "; the one of before runs again"
                                                : "; and the one of before does not start: " +
                                                      back.error().message;
                            answer(std::unexpected(std::move(why)));
                        });
                });
        });
}

void Services::activate(const std::string& name,
                        const std::string& package,
                        const json::value& configuration,
                        Answer answer) {
    const auto before = active_.find(name);
    const std::uint64_t version = before != active_.end() ? before->second.version : 0;
    run(name,
        {.package = package, .connector = {}, .version = version, .configuration = configuration},
        std::move(answer));
}

void Services::configure(const std::string& name,
                         std::uint64_t version,
                         const json::value& configuration,
                         Answer answer) {
    const auto active = active_.find(name);
    if (active == active_.end()) {
        answer(make_error(ErrorCode::kNotFound, "this node does not host " + name));
        return;
    }
    run(name,
        {.package = active->second.package,
         .connector = {},
         .version = version,
         .configuration = configuration},
        std::move(answer));
}

void Services::deactivate(const std::string& name, Answer answer) {
    const auto active = active_.find(name);
    if (active == active_.end()) {
        answer({});  // as it should be
        return;
    }
    const std::string connector = active->second.connector;
    active_.erase(active);
    service_of_.erase(connector);
    if (auto saved = save(); !saved || connector.empty()) {
        answer(std::move(saved));
        return;
    }
    host_->deactivate(connector, std::move(answer));
}

std::string Services::service_of(std::string_view connector) const {
    const auto found = service_of_.find(connector);
    return found == service_of_.end() ? std::string() : found->second;
}

std::string Services::program_of(const std::string& name) const {
    const auto active = active_.find(name);
    const std::string connector = active != active_.end() ? active->second.connector : name;
    return service_of_.contains(connector) ? connectors::program_name(connector) : name;
}

json::array Services::describe() const {
    json::array items;
    const auto states = host_->status();
    for (const auto& [name, active] : active_) {
        json::object item{{"name", name},
                          {"package", active.package},
                          {"version", ""},
                          {"state", "outage"},
                          {"detail", "it was not started"},
                          {"configuration", active.version}};
        const auto state =
            std::ranges::find(states, active.connector, &connectors::ConnectorStatus::name);
        if (!active.connector.empty() && state != states.end()) {
            item["version"] = state->version;
            // The hub's word for one that does something.
            item["state"] = state->health == connectors::ConnectorHealth::kOutage
                                ? connectors::to_string(state->health)
                                : "running";
            item["health"] = connectors::to_string(state->health);
            item["detail"] = state->detail;
        }
        items.push_back(std::move(item));
    }
    return items;
}

}  // namespace isthmus::agent
