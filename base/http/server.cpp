#include "base/http/server.h"

#include <chrono>
#include <exception>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/ssl.h>

#include "base/http/server_connection.h"
#include "base/log.h"

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// How long accepting rests when the process has no file descriptor left.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// Owned by its coroutine; `core` is null once the Server is gone.
struct Listener {
    ServerCore* core = nullptr;
    tcp::acceptor acceptor;
    bool secure = false;
};

Result<asio::ssl::context> make_tls_context(const TlsIdentity& identity) {
    try {
        asio::ssl::context context(asio::ssl::context::tls_server);
        SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
        SSL_CTX_set_options(
            context.native_handle(),
            SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
        // Forward secrecy and AEAD only, for TLS 1.2 (RFC 9325 section 4.2); 1.3 has nothing else.
        SSL_CTX_set_cipher_list(context.native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20");
        context.use_certificate_chain(asio::buffer(identity.certificate_pem));
        context.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
        return context;
    } catch (const std::exception& e) {
        return make_error(
            ErrorCode::kInvalidArgument,
            fmt::format("the HTTPS certificate or its key is unusable: {}", e.what()));
    }
}

Result<tcp::acceptor> bind(asio::io_context& io, const ListenAddress& address) {
    Code error;
    const auto ip = asio::ip::make_address(address.ip, error);
    const tcp::endpoint endpoint(ip, address.port);
    tcp::acceptor acceptor(io);
    const auto failed = [&] {
        const std::string hint = error == asio::error::address_in_use
                                     ? "; stop the program that has it, or listen elsewhere"
                                     : "";
        return make_error(
            error == asio::error::address_family_not_supported ? ErrorCode::kNotFound
                                                               : ErrorCode::kUnavailable,
            fmt::format("cannot listen on {}: {}{}", address.to_string(), error.message(), hint));
    };
    if (error || acceptor.open(endpoint.protocol(), error)) {
        return failed();
    }
    if (acceptor.set_option(asio::socket_base::reuse_address(true), error)) {
        return failed();
    }
    // 0.0.0.0 has a listener of its own.
    if (ip.is_v6() && acceptor.set_option(asio::ip::v6_only(true), error)) {
        return failed();
    }
    if (acceptor.bind(endpoint, error) ||
        acceptor.listen(asio::socket_base::max_listen_connections, error)) {
        return failed();
    }
    return acceptor;
}

bool has_room(const ServerCore& core, const asio::ip::address& remote) {
    if (core.stopping || core.connections_counted >= core.limits.connections) {
        return false;
    }
    const auto of_address = core.connections_by_address.find(Connection::limit_key(remote));
    return of_address == core.connections_by_address.end() ||
           of_address->second < core.limits.connections_per_address;
}

void handle_accepted(Listener& listener, tcp::socket socket) {
    ServerCore& core = *listener.core;
    Code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) {
        return;  // gone already
    }
    if (!has_room(core, remote.address())) {
        ++core.counters.connections_refused;
        return;
    }
    auto connection = std::make_unique<Connection>(core, std::move(socket), listener.secure);
    asio::co_spawn(
        listener.acceptor.get_executor(), run_connection(std::move(connection)), asio::detached);
}

asio::awaitable<void> accept_all(std::unique_ptr<Listener> listener) {
    asio::steady_timer pause(listener->acceptor.get_executor());
    while (listener->core != nullptr && listener->acceptor.is_open()) {
        auto [error, socket] = co_await listener->acceptor.async_accept(kAwait);
        if (listener->core == nullptr || !listener->acceptor.is_open()) {
            co_return;
        }
        if (error) {
            log::warning("http", "cannot accept a connection: {}", error.message());
            pause.expires_after(kAcceptPause);
            co_await pause.async_wait(kAwait);
            continue;
        }
        handle_accepted(*listener, std::move(socket));
    }
}

}  // namespace

struct Server::State {
    asio::io_context* io = nullptr;
    ServerCore core;
    std::vector<ServerListener> addresses;
    std::vector<Listener*> listeners;  // their coroutines own them until core is null

    Result<void> listen(const ListenAddress& address, bool secure) {
        auto acceptor = bind(*io, address);
        if (!acceptor) {
            if (address.ip == "::" && acceptor.error().code == ErrorCode::kNotFound) {
                log::warning("http", "{}; this machine has no IPv6", acceptor.error().message);
                return {};
            }
            return std::unexpected(acceptor.error());
        }
        addresses.push_back(
            {.address = {.ip = address.ip, .port = acceptor->local_endpoint().port()},
             .secure = secure});
        auto listener = std::make_unique<Listener>(
            Listener{.core = &core, .acceptor = std::move(*acceptor), .secure = secure});
        listeners.push_back(listener.get());
        asio::co_spawn(*io, accept_all(std::move(listener)), asio::detached);
        return {};
    }

    Result<void> listen_all(const ServerConfig& config) {
        if (config.listen.empty() && config.tls_listen.empty()) {
            return make_error(ErrorCode::kInvalidArgument, "there is no address to listen on");
        }
        if (!config.tls_listen.empty()) {
            if (!config.tls) {
                return make_error(ErrorCode::kInvalidArgument, "HTTPS needs a certificate");
            }
            auto context = make_tls_context(*config.tls);
            if (!context) {
                return std::unexpected(context.error());
            }
            core.tls.emplace(std::move(*context));
        }
        for (const bool secure : {false, true}) {
            for (const ListenAddress& address : secure ? config.tls_listen : config.listen) {
                if (auto listening = listen(address, secure); !listening) {
                    return listening;
                }
            }
        }
        return {};
    }

    void close_listeners() {
        for (Listener* listener : std::exchange(listeners, {})) {
            listener->core = nullptr;
            Code ignored;
            std::ignore = listener->acceptor.close(ignored);
        }
    }
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
    state_->close_listeners();
    for (Connection* connection : state_->core.connections) {
        connection->detach();
    }
}

Result<std::unique_ptr<Server>> Server::start(asio::io_context& io,
                                              ServerConfig config,
                                              const Router& router) {
    auto state = std::make_unique<State>();
    state->io = &io;
    state->core.limits = config.limits;
    state->core.router = &router;
    state->core.trusted_proxies.insert(config.trusted_proxies.begin(),
                                       config.trusted_proxies.end());
    state->core.allowed_origins.insert(config.allowed_origins.begin(),
                                       config.allowed_origins.end());
    std::unique_ptr<Server> server(
        new Server(std::move(state)));  // NOLINT(*-owning-memory): private
    if (auto listening = server->state_->listen_all(config); !listening) {
        return std::unexpected(listening.error());
    }
    return server;
}

std::vector<ServerListener> Server::listeners() const {
    return state_->addresses;
}

ServerCounters Server::counters() const {
    return state_->core.counters;
}

Result<void> Server::use_identity(const TlsIdentity& identity) {
    auto context = make_tls_context(identity);
    if (!context) {
        return std::unexpected(context.error());
    }
    state_->core.tls.emplace(std::move(*context));
    return {};
}

void Server::stop(std::move_only_function<void()> stopped) {
    ServerCore& core = state_->core;
    state_->close_listeners();
    core.stopping = true;
    core.stopped = std::move(stopped);
    for (Connection* connection : core.connections) {
        if (connection->web_socket != nullptr) {
            connection->web_socket->go_away();
        } else if (connection->idle) {
            connection->close();
        }
    }
    core.report_when_stopped(state_->io->get_executor());
}

}  // namespace isthmus::http
