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
    for (const auto& [name, active] : std::map(active_)) {
        run(name, active, [name](const Result<void>& running) {
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
    connectors::ConnectorConfiguration configuration{.version = wanted.version,
                                                     .value = std::move(*opened)};
    const auto running = active_.find(name);
    wanted.connector = manifest->name;
    const bool runs = running != active_.end() && running->second.connector == manifest->name &&
                      running->second.package == wanted.package;
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
    if (runs) {
        host_->configure(manifest->name, std::move(configuration), std::move(stored));
    } else {
        host_->activate(directory, std::move(configuration), std::move(stored));
    }
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
    if (auto saved = save(); !saved || connector.empty()) {
        answer(std::move(saved));
        return;
    }
    host_->deactivate(connector, std::move(answer));
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
