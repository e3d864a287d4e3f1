#include "tools/hub/hub.h"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/client.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "control-agent/channel/key_file.h"
#include "tools/hub/answers.h"
#include "tools/hub/api/api.h"
#include "tools/hub/api/enrollment_endpoints.h"
#include "tools/hub/api/login.h"
#include "tools/hub/api/oidc_endpoints.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/enrollments.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/fleet/leases.h"
#include "tools/hub/fleet/nodes.h"
#include "tools/hub/hub_metrics.h"
#include "tools/hub/identity/hash_thread.h"
#include "tools/hub/identity/password.h"
#include "tools/hub/instances/other_instances.h"
#include "tools/hub/oidc/accounts.h"
#include "tools/hub/store/database.h"
#include "tools/hub/store/turns.h"
#include "tools/hub/tenancy/organisations.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFirstName = "admin";
constexpr std::size_t kOneTimeCharacters = 20;
constexpr std::int64_t kHousekeepingLeaseMs = 150'000;
constexpr std::int64_t kServerRenewSeconds = std::int64_t{30} * 86'400;

std::int64_t machine_unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Result<void> make_folder(const fs::path& data) {
    std::error_code error;
    fs::create_directories(data, error);
    if (!error) {
        fs::permissions(data, fs::perms::owner_all, error);
    }
    return error ? make_error(
                       ErrorCode::kUnavailable,
                       fmt::format(
                           "cannot make the data directory {}: {}", data.string(), error.message()))
                 : Result<void>();
}

// Stays the same over restarts, so that this hub knows which nodes it had.
Result<std::string> instance_name(const fs::path& data, RandomSource& random) {
    constexpr std::size_t kCharacters = 12;
    const fs::path file = data / "instance";
    auto name = channel::read_private_file(file);
    if (name || name.error().code != ErrorCode::kNotFound) {
        return name;
    }
    std::string made = random.next_token(kCharacters);
    if (const auto written = channel::write_private_file(file, made); !written) {
        return std::unexpected(written.error());
    }
    return made;
}

// Nothing where there are people already.
Result<std::optional<FirstAdministrator>> make_first_administrator(const Context& context) {
    if (context.sql->find({"id"}, "from organisations limit 1")) {
        return std::nullopt;
    }
    FirstAdministrator first{.name = kFirstName,
                             .password = context.random->next_token(kOneTimeCharacters)};
    const auto organisation = add_organisation(context, "Default", {});
    if (!organisation) {
        return std::unexpected(organisation.error());
    }
    const auto person =
        add_person(context,
                   *organisation,
                   {.name = first.name,
                    .role = Role::kFull,
                    .is_operator = true,
                    .password_hash = hash_password(first.password, *context.random)});
    if (!person) {
        return std::unexpected(person.error());
    }
    return first;
}

std::string host_of(const http::ServerListener& listener) {
    const bool any = listener.address.ip == "0.0.0.0" || listener.address.ip == "::";
    if (!any) {
        return listener.address.to_string();
    }
    const auto names = http::local_names();
    return fmt::format("{}:{}", names.size() > 1 ? names[1] : names[0], listener.address.port);
}

}  // namespace

struct Hub::State {
    State(boost::asio::io_context& io_context, HubOptions hub_options)
        : io(&io_context),
          options(std::move(hub_options)),
          answers(std::make_shared<Answers>(io_context)),
          timer(io_context) {}

    ~State() {
        server.reset();
        metrics_server.reset();
        // It finishes the jobs that wait, and they use what is declared after it.
        database.reset();
        answers->close();
    }

    boost::asio::io_context* io;
    HubOptions options;
    SystemRandom random;
    std::optional<MasterKey> master;
    std::shared_ptr<Answers> answers;
    std::unique_ptr<Database> database;
    std::unique_ptr<Work> work;
    std::unique_ptr<HashThread> hashes;
    std::string instance;
    FirstAdministrator first;
    std::int64_t keys_seen = 0;
    std::unique_ptr<NodeChannels> channels;
    std::unique_ptr<OtherInstances> others;
    std::unique_ptr<Bus> bus;
    std::unique_ptr<Api> api;
    std::unique_ptr<LoginEndpoints> login;
    std::unique_ptr<EnrollmentEndpoints> enrollment;
    std::unique_ptr<OidcEndpoints> sign_ins;
    std::unique_ptr<http::Client> outbound;  // ends before whom it answers
    http::Router router;
    http::Router metrics_router;
    std::int64_t server_until_s = 0;  // of our own certificate; 0: the operator's
    std::unique_ptr<http::Server> server;
    std::unique_ptr<http::Server> metrics_server;
    boost::asio::steady_timer timer;
    std::int64_t ticks = 0;
    std::uint64_t events_dropped = 0;

    Result<void> open();
    Result<void> prepare();
    Result<void> open_way_out();
    Result<void> listen();
    Result<http::TlsIdentity> tls_identity();
    void add_routes();
    void tick();
    void keep_house();
    Result<void> join_other_instances();
    void reload_keys();

    [[nodiscard]] BusFigures bus_figures() const { return bus ? bus->figures() : BusFigures{}; }

    // Ready all the same without NATS: taking every instance out of service would make more of it
    // than a second.
    [[nodiscard]] std::string readiness() const {
        return bus && !bus->figures().connected
                   ? "ready, degraded: NATS is away, what other instances do takes effect here "
                     "within a second rather than at once\n"
                   : "ready\n";
    }

    [[nodiscard]] std::function<void(std::move_only_function<void()>)> post() const {
        return [held = answers](std::move_only_function<void()> answer) {
            held->push(std::move(answer));
        };
    }
};

Result<void> Hub::State::open() {
    if (auto made = make_folder(options.data); !made) {
        return made;
    }
    auto key = MasterKey::load_or_make(options.data / "master.key", random);
    if (!key) {
        return std::unexpected(key.error());
    }
    master = std::move(*key);
    auto name = instance_name(options.data, random);
    if (!name) {
        return std::unexpected(name.error());
    }
    instance = std::move(*name);
    const std::string address =
        options.database.empty() ? (options.data / "hub.db").string() : options.database;
    auto opened = Database::open(address, post());
    if (!opened) {
        return std::unexpected(opened.error());
    }
    database = std::move(*opened);
    work = std::make_unique<Work>(
        *database, *master, random, options.unix_ms ? options.unix_ms : WallClock(machine_unix_ms));
    return {};
}

Result<void> Hub::State::prepare() {
    std::shared_ptr<const Keyring> keyring;
    auto done = work->run_now([&](const Context& context) -> Result<void> {
        // Of instances that start at once, one makes keys and administrator, the others find them.
        take_turn(*context.sql);
        if (const auto claimed = claim_instance_name(*context.sql, instance); !claimed) {
            return claimed;
        }
        auto loaded = load_keyring(context);
        if (!loaded) {
            return std::unexpected(loaded.error());
        }
        keyring = std::move(*loaded);
        keys_seen = keyring_version(context);
        auto made = make_first_administrator(context);
        if (!made) {
            return std::unexpected(made.error());
        }
        if (std::optional<FirstAdministrator>& administrator = *made) {
            first = std::move(*administrator);
        }
        release_all_nodes(context, instance);
        set_event_limits(context, options.events);
        return {};
    });
    if (!done) {
        return done;
    }
    hashes = std::make_unique<HashThread>(post());
    channels = std::make_unique<NodeChannels>(
        *work,
        keyring,
        instance,
        ChannelLimits{.heartbeat_s = options.heartbeat_s, .protocols = options.protocols});
    add_routes();
    if (auto joined = join_other_instances(); !joined) {
        return joined;
    }
    return channel::write_private_file(options.data / "ca.crt", keyring->authorities_pem());
}

Result<void> Hub::State::open_way_out() {
    http::ClientConfig config{.answer_bytes_max = oidc::kAnswerBytesMax, .connect = {}};
    config.connect.authorities_file = options.outbound_authorities.string();
    if (!options.outbound_proxy.empty()) {
        auto proxy = http::parse_proxy_url(options.outbound_proxy);
        if (!proxy) {
            return std::unexpected(proxy.error());
        }
        config.connect.proxy = std::move(*proxy);
    }
    auto client = http::Client::make(*io, config);
    if (!client) {
        return std::unexpected(client.error());
    }
    outbound = std::move(*client);
    return {};
}

Result<void> Hub::State::join_other_instances() {
    others = std::make_unique<OtherInstances>(*work, *channels, instance);
    others->call_on_keyring_version([this](std::int64_t version) {
        if (version != keys_seen) {
            reload_keys();
        }
    });
    channels->call_when_claimed([this](const std::string& node) { others->tell_recheck(node); });
    if (!options.bus) {
        return {};
    }
    const BusUser user{.post = post(), .on_payload = [this](std::string_view payload) {
                           others->on_payload(payload);
                       }};
    auto made = options.bus(instance, user);
    if (!made) {
        return std::unexpected(made.error());
    }
    bus = std::move(*made);
    others->use_bus(*bus, post());
    return {};
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): std::function frees what it made
}

void Hub::State::add_routes() {
    api = std::make_unique<Api>(*work,
                                *hashes,
                                ApiEffects{.wake =
                                               [this](const std::string& node) {
                                                   channels->wake(node);
                                                   others->tell_wake(node);
                                               },
                                           .cut =
                                               [this](const std::string& node) {
                                                   channels->cut(node,
                                                                 "the node was revoked or removed");
                                                   others->tell_recheck(node);
                                               },
                                           .reload_keys =
                                               [this] {
                                                   reload_keys();
                                                   others->tell_keys();
                                               },
                                           .keyring = [this] { return channels->keyring(); }},
                                options.url);
    login = std::make_unique<LoginEndpoints>(*work, *hashes);
    enrollment =
        std::make_unique<EnrollmentEndpoints>(*work, [this] { return channels->keyring(); });
    sign_ins = std::make_unique<OidcEndpoints>(
        *work,
        [this](http::ClientRequest request, http::Client::Answer answer) {
            outbound->send(std::move(request), std::move(answer));
        },
        [this] { return api->url(); });
    channels->add_routes(router);
    login->add_routes(router);
    sign_ins->add_routes(router);
    enrollment->add_routes(router);
    api->add_routes(router);
    router.add("GET", "/healthz", [](const http::Request&, http::Responder respond) {
        respond(http::Response::text(200, "ok\n"));
    });
    router.add("GET", "/readyz", [this](const http::Request&, http::Responder respond) {
        work->run<bool>(
            std::nullopt,
            [](const Context& context) -> Result<bool> {
                return context.sql->find({"version"}, "from schema_version").has_value();
            },
            [this, respond = std::move(respond)](const Result<bool>& ready) mutable {
                respond(ready ? http::Response::text(200, readiness())
                              : http::Response::problem(ready.error()));
            });
    });
    metrics_router.add("GET", "/metrics", [this](const http::Request&, http::Responder respond) {
        respond(http::Response::text(200,
                                     hub_metrics({.channels = channels->counters(),
                                                  .api = api->counters(),
                                                  .oidc = sign_ins->counters(),
                                                  .database = database->counters(),
                                                  .server = server->counters(),
                                                  .bus = bus_figures(),
                                                  .bus_refused = others->refused(),
                                                  .events_dropped = events_dropped})));
    });
}

Result<http::TlsIdentity> Hub::State::tls_identity() {
    if (!options.tls_certificate.empty()) {
        return http::load_tls_identity(options.tls_certificate, options.tls_key);
    }
    std::vector<std::string> names = http::local_names();
    names.emplace_back("127.0.0.1");
    names.insert(names.end(), options.names.begin(), options.names.end());
    constexpr std::int64_t kDay = 86'400;
    server_until_s = work->now_ms() / 1000 + kServerCertificateDays * kDay;
    return channels->keyring()->server_authority.issue_server(names, random, work->now_ms() / 1000);
}

Result<void> Hub::State::listen() {
    auto identity = tls_identity();
    if (!identity) {
        return std::unexpected(identity.error());
    }
    http::ServerConfig config;
    config.tls_listen = options.listen;
    config.tls = std::move(*identity);
    config.limits.connections = options.connections;
    config.limits.connections_per_address = options.connections_per_address;
    config.limits.web_socket.connections = options.connections;
    config.limits.web_socket.header_bytes = config.limits.header_bytes;
    config.limits.web_socket.message_bytes = channel::kFrameBytesMax;
    // Heartbeats come every ten seconds; a ping of the WebSocket's own would only double them.
    config.limits.web_socket.idle_time = std::chrono::seconds(6 * options.heartbeat_s);
    auto started = http::Server::start(*io, std::move(config), router);
    if (!started) {
        return std::unexpected(started.error());
    }
    server = std::move(*started);
    if (options.url.empty()) {
        api->set_url("https://" + host_of(server->listeners().front()));
    }
    if (!options.metrics_listen.empty()) {
        http::ServerConfig plain;
        plain.listen = options.metrics_listen;
        auto metrics = http::Server::start(*io, std::move(plain), metrics_router);
        if (!metrics) {
            return std::unexpected(metrics.error());
        }
        metrics_server = std::move(*metrics);
    }
    return {};
}

void Hub::State::tick() {
    timer.expires_after(options.tick);
    timer.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        channels->tick();
        if (database->is_postgresql()) {
            others->look_around();
        }
        if (++ticks % options.housekeeping_s == 0) {
            keep_house();
        }
        tick();
    });
}

// What any one instance does for all.
void Hub::State::keep_house() {
    struct Kept {
        std::int64_t keys = 0;
        std::int64_t events_dropped = 0;
    };

    work->run<Kept>(
        std::nullopt,
        [holder = instance](const Context& context) -> Result<Kept> {
            Kept kept;
            const auto fence = take_lease(context, "housekeeping", holder, kHousekeepingLeaseMs);
            if (fence && holds_lease(context, "housekeeping", *fence)) {
                expire_commands(context);
                forget_expired_tokens(context);
                forget_codes(context);
                oidc::forget_sign_in_codes(context);
                kept.events_dropped = forget_events(context);
                drop_old_authorities(context);
            }
            kept.keys = keyring_version(context);
            return kept;
        },
        [this](const Result<Kept>& kept) {
            if (!kept) {
                log::error("hub", "housekeeping: {}", kept.error().message);
                return;
            }
            if (kept->events_dropped != 0) {
                log::warning("hub",
                             "{} events were dropped before their time (--events-max)",
                             kept->events_dropped);
                events_dropped += static_cast<std::uint64_t>(kept->events_dropped);
            }
            if (kept->keys != keys_seen) {
                reload_keys();  // an old authority counts no more
            }
        });
    if (server_until_s != 0 && server_until_s - work->now_ms() / 1000 < kServerRenewSeconds) {
        const auto identity = tls_identity();
        const auto used = identity ? server->use_identity(*identity)
                                   : Result<void>(std::unexpected(identity.error()));
        if (!used) {
            log::error("hub", "renewing the HTTPS certificate: {}", used.error().message);
        }
    }
}

void Hub::State::reload_keys() {
    using Loaded = std::pair<std::shared_ptr<const Keyring>, std::int64_t>;
    work->run<Loaded>(
        std::nullopt,
        [](const Context& context) -> Result<Loaded> {
            auto keyring = load_keyring(context);
            if (!keyring) {
                return std::unexpected(keyring.error());
            }
            return Loaded(std::move(*keyring), keyring_version(context));
        },
        [this](Result<Loaded> loaded) {
            if (!loaded) {
                log::error("hub", "loading the changed keys: {}", loaded.error().message);
                return;
            }
            keys_seen = loaded->second;
            channels->use_keyring(loaded->first);
            const auto written = channel::write_private_file(options.data / "ca.crt",
                                                             loaded->first->authorities_pem());
            const auto identity = tls_identity();
            const auto used = identity ? server->use_identity(*identity)
                                       : Result<void>(std::unexpected(identity.error()));
            if (!written || !used) {
                log::error("hub",
                           "using the changed keys: {}",
                           !written ? written.error().message : used.error().message);
            }
        });
}

Hub::Hub(std::unique_ptr<State> state) : state_(std::move(state)) {}

Hub::~Hub() = default;

Result<std::unique_ptr<Hub>> Hub::start(boost::asio::io_context& io, HubOptions options) {
    auto state = std::make_unique<State>(io, std::move(options));
    for (const auto& step : {&State::open, &State::open_way_out, &State::prepare, &State::listen}) {
        if (const auto done = (*state.*step)(); !done) {
            return std::unexpected(done.error());
        }
    }
    state->tick();
    // NOLINTNEXTLINE(*-owning-memory): private constructor
    return std::unique_ptr<Hub>(new Hub(std::move(state)));
}

const FirstAdministrator& Hub::first_administrator() const {
    return state_->first;
}

std::vector<http::ServerListener> Hub::listeners() const {
    return state_->server->listeners();
}

const std::string& Hub::url() const {
    return state_->api->url();
}

const ChannelCounters& Hub::channel_counters() const {
    return state_->channels->counters();
}

void Hub::stop(std::move_only_function<void()> done) {
    state_->timer.cancel();
    state_->server->stop(std::move(done));
}

}  // namespace isthmus::hub
