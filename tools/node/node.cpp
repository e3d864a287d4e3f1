#include "tools/node/node.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/http/static_files.h"
#include "base/http/tls_identity.h"
#include "base/log.h"
#include "base/random.h"
#include "signaling/api/operations_api.h"
#include "signaling/livekit/rooms.h"
#include "signaling/whip/whip_endpoint.h"
#include "tools/node/ice_servers.h"
#include "tools/node/join_endpoint.h"
#include "tools/node/maintenance_service.h"
#include "tools/node/rooms_service.h"

namespace isthmus::node {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

std::int64_t now_unix_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Result<http::TlsIdentity> tls_identity_of(const NodeConfig& config) {
    if (!config.http.certificate.empty()) {
        return http::load_tls_identity(config.http.certificate, config.http.key);
    }
    auto identity =
        http::load_or_make_self_signed(config.state_directory, http::local_names(), now_unix_s());
    if (identity) {
        log::info("node",
                  "HTTPS shows a self-signed certificate, SHA-256 {}",
                  http::certificate_fingerprint(*identity));
    }
    return identity;
}

// bin/isthmus-node beside share/isthmus/meet, installed as well as in build/<preset>.
std::string default_pages_directory() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
    const fs::path pages = (program / "../share/isthmus/meet").lexically_normal();
    return fs::exists(pages / "index.html", error) ? pages.string() : std::string();
}

// The pages are no reason not to carry media.
http::StaticFiles load_pages(const HttpConfig& config) {
    const std::string directory =
        config.pages_directory.empty() ? default_pages_directory() : config.pages_directory;
    if (directory.empty()) {
        log::warning("node", "no web pages found; http.pages_directory can name their folder");
        return {};
    }
    auto files = http::StaticFiles::load(directory, "/assets/");
    if (!files) {
        log::warning("node", "{}", files.error().message);
        return {};
    }
    log::info("node", "serving {} files of {}", files->size(), directory);
    return std::move(*files);
}

http::ServerConfig server_config_of(const HttpConfig& config) {
    http::ServerConfig server;
    server.listen = config.listen;
    server.tls_listen = config.tls_listen;
    server.trusted_proxies = config.trusted_proxies;
    server.allowed_origins = config.allowed_origins;
    server.limits.connections = config.connections;
    server.limits.connections_per_address = config.connections_per_address;
    return server;
}

signaling::whip::WhipConfig whip_config_of(const NodeConfig& config) {
    signaling::whip::WhipConfig whip;
    whip.keys = config.keys;
    whip.ice_servers = ice_servers_of(config);
    return whip;
}

signaling::api::SignalingStats stats_of(const signaling::whip::WhipStats& whip,
                                        const signaling::livekit::RoomsStats& rooms,
                                        const MaintenanceService& maintenance) {
    return {.sessions_created = whip.created,
            .sessions_refused = whip.refused,
            .ice_restarts = whip.ice_restarts,
            .livekit_joins = rooms.joins,
            .livekit_resumes = rooms.resumes,
            .livekit_refused = rooms.refused,
            .livekit_malformed = rooms.malformed,
            .maintenance_conferences_ended = maintenance.conferences_ended(),
            .publishers = whip.publishers,
            .viewers = whip.viewers,
            .rooms = rooms.rooms,
            .room_participants = rooms.participants,
            .livekit_sessions = rooms.sessions,
            .maintenance_mode = static_cast<std::uint64_t>(maintenance.mode())};
}

}  // namespace

std::string_view version() {
    return ISTHMUS_VERSION;
}

// Destroyed from the bottom up: the server lets go of its clients, then the switchboard of the
// answers that it owes, while routes and router are still there.
struct Node::State {
    State(asio::io_context& context, NodeOptions options_in)
        : io(&context), options(std::move(options_in)), grace(context) {}

    asio::io_context* io;
    NodeOptions options;
    http::Router router;
    http::StaticFiles pages;
    SystemRandom random;
    MediaPlane media;
    std::unique_ptr<signaling::whip::WhipEndpoint> whip;
    std::unique_ptr<RoomsService> rooms;
    std::unique_ptr<MaintenanceService> maintenance;
    std::unique_ptr<signaling::api::OperationsApi> api;
    std::unique_ptr<http::Server> server;
    asio::steady_timer grace;
    std::move_only_function<void()> done;
    int waiting_for = 0;  // parts that have yet to say goodbye

    void add_routes() {
        whip = std::make_unique<signaling::whip::WhipEndpoint>(
            whip_config_of(options.config), *media.switchboard, random, now_unix_s);
        rooms = std::make_unique<RoomsService>(*io, options.config, *media.switchboard, random);
        maintenance = std::make_unique<MaintenanceService>(
            *io, options.config.state_directory, *media.switchboard, rooms->rooms());
        media.switchboard->on_connection_gone([this](const media::ConnectionGone& gone) {
            whip->handle_gone(gone);
            rooms->rooms().on_connection_gone(gone);
            maintenance->on_connection_gone();
        });
        api = std::make_unique<signaling::api::OperationsApi>(
            signaling::api::OperationsApiConfig{
                .keys = options.config.keys,
                .metrics_require_key = options.config.metrics_require_key,
                .version = std::string(version())},
            signaling::api::OperationsApiSources{
                .now_unix_s = now_unix_s,
                .http_counters = [this] { return server->counters(); },
                .signaling_stats =
                    [this] {
                        return stats_of(whip->stats(), rooms->rooms().stats(), *maintenance);
                    },
                .data_stats = media.data_stats,
                .process_stats = signaling::api::read_process_stats,
                .in_maintenance =
                    [this] { return maintenance->mode() != signaling::maintenance::Mode::kOff; }},
            *media.switchboard);
        // Before WHEP's: /whep/{conference}/participants would be a session there.
        api->add_routes(router);
        maintenance->add_routes(router, options.config.keys);
        whip->add_routes(router);
        rooms->add_routes(router);
        if (const std::string& key = options.config.join_key; !key.empty()) {
            add_join_route(
                router, {.key = key, .secret = options.config.keys.at(key)}, now_unix_s, [this] {
                    return random.next_token(6);
                });
        }
        pages = load_pages(options.config.http);
        pages.add_page(router, "/meet/{conference}");
        pages.add_routes(router);
    }

    Result<void> start_server() {
        http::ServerConfig config = server_config_of(options.config.http);
        if (!config.tls_listen.empty()) {
            auto identity = tls_identity_of(options.config);
            if (!identity) {
                return std::unexpected(identity.error());
            }
            config.tls = std::move(*identity);
        }
        auto started = http::Server::start(*io, std::move(config), router);
        if (!started) {
            return std::unexpected(started.error());
        }
        server = std::move(*started);
        return {};
    }

    void part_finished() {
        if (--waiting_for == 0) {
            finish();
        }
    }

    void finish() {
        grace.cancel();
        if (done) {
            std::exchange(done, nullptr)();
        }
    }
};

Node::Node(std::unique_ptr<State> state) : state_(std::move(state)) {}

Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::start(asio::io_context& io,
                                          NodeOptions options,
                                          const MediaFactory& make_media) {
    if (options.config.state_directory.empty()) {
        options.config.state_directory = default_state_directory();
    }
    auto state = std::make_unique<State>(io, std::move(options));
    auto media = make_media(state->options.config, [&io](std::move_only_function<void()> task) {
        asio::post(io, std::move(task));
    });
    if (!media) {
        return std::unexpected(media.error());
    }
    state->media = std::move(*media);
    for (const std::string& warning : state->media.warnings) {
        log::warning("node", "{}", warning);
    }
    state->add_routes();
    if (auto started = state->start_server(); !started) {
        return std::unexpected(started.error());
    }
    state->api->set_ready(true);
    return std::unique_ptr<Node>(new Node(std::move(state)));  // NOLINT(*-owning-memory): private
}

std::vector<http::ServerListener> Node::listeners() const {
    return state_->server->listeners();
}

const std::vector<std::uint16_t>& Node::media_ports() const {
    return state_->media.ports;
}

std::vector<std::string> Node::routes() const {
    return state_->router.routes();
}

void Node::reload() {
    if (state_->options.config.http.tls_listen.empty()) {
        return;
    }
    auto identity = tls_identity_of(state_->options.config);
    const Result<void> used =
        identity ? state_->server->use_identity(*identity) : std::unexpected(identity.error());
    if (used) {
        log::info("node", "new connections get the certificate that was read just now");
    } else {
        log::error("node", "the HTTPS certificate stays as it was: {}", used.error().message);
    }
}

void Node::shut_down(std::move_only_function<void()> done) {
    State& state = *state_;
    state.api->set_ready(false);
    state.whip->set_accepting(false);
    state.rooms->rooms().shut_down();
    state.done = std::move(done);
    state.waiting_for = 2;
    state.grace.expires_after(state.options.config.shutdown_grace);
    state.grace.async_wait([&state](const boost::system::error_code& error) {
        if (!error) {
            log::warning("node", "not everybody could be said goodbye to within the grace");
            state.finish();
        }
    });
    state.media.shut_down([&state] { state.part_finished(); });
    state.server->stop([&state] { state.part_finished(); });
}

}  // namespace isthmus::node
