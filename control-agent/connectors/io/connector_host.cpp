#include "control-agent/connectors/connector_host.h"

#include <bit>
#include <cerrno>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control-agent/connectors/io/hosted_connector.h"

namespace isthmus::connectors {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

using Local = asio::local::stream_protocol;

// Who connected, as the kernel noted it when it did: unix(7), SO_PEERCRED. 0 where it cannot say.
pid_t peer_of(Local::socket& socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    const int failed = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return failed == 0 ? peer.pid : 0;
}

Result<void> make_room(asio::io_context& io, const std::string& path) {
    Local::socket probe(io);
    boost::system::error_code nobody;
    std::ignore = probe.connect(Local::endpoint(path), nobody);
    if (!nobody) {
        return make_error(ErrorCode::kConflict, fmt::format("another agent listens on {}", path));
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return make_error(
            ErrorCode::kUnavailable,
            fmt::format("{} cannot be removed: {}", path, std::generic_category().message(errno)));
    }
    return {};
}

}  // namespace

std::string program_name(std::string_view connector) {
    return "connector-" + std::string(connector);
}

struct ConnectorHost::State : std::enable_shared_from_this<ConnectorHost::State> {
    State(asio::io_context& io,
          ConnectorHostConfig host_config,
          supervisor::Supervisor& supervisor,
          RandomSource& random,
          HubCalls& calls,
          EventSink events)
        : config(std::move(host_config)),
          around{.io = &io,
                 .config = &config,
                 .supervisor = &supervisor,
                 .random = &random,
                 .calls = &calls,
                 .emit = std::move(events)},
          acceptor(io) {}

    ~State() { ::unlink(config.socket_path.c_str()); }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Result<void> listen() {
        constexpr mode_t kForItself = S_IRUSR | S_IWUSR;
        constexpr mode_t kForConnectors = kForItself | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
        if (config.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
            return make_error(ErrorCode::kInvalidArgument,
                              fmt::format("{} is too long for a Unix socket", config.socket_path));
        }
        if (const Result<void> room = make_room(*around.io, config.socket_path); !room) {
            return room;
        }
        boost::system::error_code failure;
        std::ignore = acceptor.open(Local(), failure);
        const mode_t before = ::umask(S_IRWXG | S_IRWXO);
        if (!failure) {
            std::ignore = acceptor.bind(Local::endpoint(config.socket_path), failure);
        }
        ::umask(before);
        if (!failure) {
            std::ignore = acceptor.listen(asio::socket_base::max_listen_connections, failure);
        }
        if (failure || ::chmod(config.socket_path.c_str(),
                               config.user.empty() ? kForItself : kForConnectors) != 0) {
            return make_error(
                ErrorCode::kUnavailable,
                fmt::format("the agent cannot listen on {}: {}",
                            config.socket_path,
                            failure ? failure.message() : std::generic_category().message(errno)));
        }
        around.supervisor->on_event(
            [weak = weak_from_this()](const supervisor::ProgramEvent& event) {
                if (const auto state = weak.lock()) {
                    state->on_program_event(event);
                }
            });
        accept();
        return {};
    }

    void accept() {
        acceptor.async_accept([weak = weak_from_this()](const boost::system::error_code& error,
                                                        Local::socket socket) {
            const auto state = weak.lock();
            if (!state || error == asio::error::operation_aborted) {
                return;
            }
            if (!error) {
                state->admit(std::move(socket));
            }
            state->accept();
        });
    }

    void admit(Local::socket socket) {
        const pid_t peer = peer_of(socket);
        for (const auto& [name, connector] : connectors) {
            if (peer != 0 && connector->pid() == peer) {
                connector->accept(std::move(socket));
                return;
            }
        }
        // The socket closes with this.
        ++strangers;
        // The first, the second, the fourth, ...: whoever tries on fills no log.
        if (std::has_single_bit(strangers)) {
            log::warning("connector",
                         "process {} is no connector of this agent: refused ({} so far)",
                         peer,
                         strangers);
        }
        if (strangers == 1) {
            around.emit({.connector = {},
                         .kind = "connector.stranger",
                         .body = json::object{{"pid", peer}}});
        }
    }

    void on_program_event(const supervisor::ProgramEvent& event) {
        for (const auto& [name, connector] : connectors) {
            if (connector->program_name() == event.name) {
                connector->on_program_event(event);
                return;
            }
        }
    }

    void answer_later(Answer answer, Result<void> result) const {
        asio::post(*around.io, [answer = std::move(answer), result = std::move(result)]() mutable {
            answer(std::move(result));
        });
    }

    ConnectorHostConfig config;
    ConnectorSurroundings around;
    Local::acceptor acceptor;
    std::map<std::string, std::shared_ptr<HostedConnector>, std::less<>> connectors;
    std::uint64_t strangers = 0;
};

// Each of them is another part of the agent.
// NOLINTNEXTLINE(readability-function-size): six parameters
Result<std::unique_ptr<ConnectorHost>> ConnectorHost::start(asio::io_context& io,
                                                            ConnectorHostConfig config,
                                                            supervisor::Supervisor& supervisor,
                                                            RandomSource& random,
                                                            HubCalls& calls,
                                                            EventSink events) {
    auto state = std::make_shared<State>(
        io, std::move(config), supervisor, random, calls, std::move(events));
    if (const Result<void> listening = state->listen(); !listening) {
        return std::unexpected(listening.error());
    }
    // NOLINTNEXTLINE(*-owning-memory): private constructor
    return std::unique_ptr<ConnectorHost>(new ConnectorHost(std::move(state)));
}

ConnectorHost::ConnectorHost(std::shared_ptr<State> state) : state_(std::move(state)) {}

ConnectorHost::~ConnectorHost() = default;

void ConnectorHost::activate(const std::string& directory,
                             ConnectorConfiguration configuration,
                             Answer answer) {
    auto manifest = load_manifest(directory);
    if (!manifest) {
        state_->answer_later(std::move(answer), std::unexpected(manifest.error()));
        return;
    }
    auto schema = schema::Schema::make(manifest->configuration_schema);
    Result<void> fits =
        schema ? schema->check(configuration.value) : std::unexpected(schema.error());
    if (fits && state_->connectors.contains(manifest->name)) {
        fits = make_error(
            ErrorCode::kConflict,
            fmt::format("connector {} is active already: deactivate it first", manifest->name));
    }
    if (!fits) {
        state_->answer_later(std::move(answer), std::move(fits));
        return;
    }
    const std::string name = manifest->name;
    const auto connector = std::make_shared<HostedConnector>(state_->around,
                                                             directory,
                                                             std::move(*manifest),
                                                             std::move(*schema),
                                                             std::move(configuration));
    state_->connectors.emplace(name, connector);
    connector->start(std::move(answer));
}

void ConnectorHost::deactivate(std::string_view name, Answer answer) {
    const auto found = state_->connectors.find(name);
    if (found == state_->connectors.end()) {
        state_->answer_later(
            std::move(answer),
            make_error(ErrorCode::kNotFound, fmt::format("there is no connector \"{}\"", name)));
        return;
    }
    found->second->stop([weak = std::weak_ptr(state_),
                         name = std::string(name),
                         answer = std::move(answer)](Result<void> result) mutable {
        if (const auto state = weak.lock(); state && result) {
            state->connectors.erase(name);
        }
        answer(std::move(result));
    });
}

void ConnectorHost::configure(std::string_view name,
                              ConnectorConfiguration configuration,
                              Answer answer) {
    const auto found = state_->connectors.find(name);
    if (found == state_->connectors.end()) {
        state_->answer_later(
            std::move(answer),
            make_error(ErrorCode::kNotFound, fmt::format("there is no connector \"{}\"", name)));
        return;
    }
    found->second->configure(std::move(configuration), std::move(answer));
}

void ConnectorHost::expect_end() {
    state_->around.ending = true;
}

std::vector<ConnectorStatus> ConnectorHost::status() const {
    std::vector<ConnectorStatus> all;
    for (const auto& [name, connector] : state_->connectors) {
        all.push_back(connector->status());
    }
    return all;
}

Result<ConnectorManifest> ConnectorHost::manifest(std::string_view name) const {
    const auto found = state_->connectors.find(name);
    if (found == state_->connectors.end()) {
        return make_error(ErrorCode::kNotFound, fmt::format("there is no connector \"{}\"", name));
    }
    return found->second->manifest();
}

}  // namespace isthmus::connectors
