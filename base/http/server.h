// The HTTP/1.1 server: plain and TLS listeners, keep-alive, limits, and a Router behind them.
//
// Lives on one io_context, which is the signaling thread; every handler runs there and answers
// there, at once or later. What a client can make it hold is bounded: connections in all and per
// address, header and body sizes, and the time for each step, so that slow senders and readers are
// cut off. One request of a connection is in work at a time; pipelined ones wait in the socket.
//
// The Router outlives the Server, the Server's destructor closes what is open, and whoever holds a
// Responder lets go of it before the io_context ends.
//
// A WebSocket branches off after the header of its upgrade is read (web_socket.h).
//
// Leaves out: HTTP/2, compression, of WebSockets too. Specification: RFC 9110, RFC 9112, RFC 6455.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/message.h"
#include "base/http/server_address.h"
#include "base/http/tls_identity.h"
#include "base/http/web_socket.h"
#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::http {

struct ServerLimits {
    std::size_t header_bytes = 16UL * 1024;  // 431 above
    std::size_t body_bytes = 256UL * 1024;   // 413 above; an SDP of 500 sections has 200 KiB
    Duration header_time = std::chrono::seconds(10);  // TLS handshake too
    Duration body_time = std::chrono::seconds(20);
    Duration write_time = std::chrono::seconds(30);
    Duration idle_time = std::chrono::seconds(60);  // between requests
    // How long what a refused client still sends is read and thrown away, so that the answer is not
    // lost in the reset that unread data causes (RFC 9112 section 9.6).
    Duration linger_time = std::chrono::seconds(2);
    std::size_t connections = 1024;
    std::size_t connections_per_address = 128;  // IPv6: per /64
    WebSocketLimits web_socket;                 // these count no more among `connections`
};

struct ServerConfig {
    std::vector<ListenAddress> listen;
    std::vector<ListenAddress> tls_listen;
    std::optional<TlsIdentity> tls;  // there must be one where tls_listen is not empty
    // Addresses of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed.
    std::vector<std::string> trusted_proxies;
    // Where a handler allows all origins (Access-Control-Allow-Origin: *), these are let through
    // only, unless one of them is "*".
    std::vector<std::string> allowed_origins = {"*"};
    ServerLimits limits;
};

struct ServerListener {
    ListenAddress address;  // with the port that was bound
    bool secure = false;
};

// Counters since start, and gauges at the end.
struct ServerCounters {
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  // over a limit
    std::uint64_t tls_handshakes_failed = 0;
    std::uint64_t requests = 0;
    std::uint64_t requests_refused = 0;    // malformed or over a limit; no handler saw them
    std::uint64_t requests_timed_out = 0;  // begun, and not complete in time
    std::uint64_t responses_2xx = 0;
    std::uint64_t responses_3xx = 0;
    std::uint64_t responses_4xx = 0;
    std::uint64_t responses_5xx = 0;

    std::uint64_t web_sockets_opened = 0;
    std::uint64_t web_sockets_refused = 0;
    std::uint64_t web_sockets_cut_off = 0;  // their clients did not read
    std::uint64_t web_socket_messages_received = 0;
    std::uint64_t web_socket_messages_sent = 0;

    std::uint64_t connections_open = 0;  // WebSockets too
    std::uint64_t web_sockets_open = 0;
};

class Server {
  public:
    // Binds all listeners. A "::" on a machine without IPv6 is left out with a warning.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(boost::asio::io_context& io,
                                                               ServerConfig config,
                                                               const Router& router);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    [[nodiscard]] std::vector<ServerListener> listeners() const;
    [[nodiscard]] ServerCounters counters() const;

    // New connections get the new certificate; those that are open keep theirs.
    [[nodiscard]] Result<void> use_identity(const TlsIdentity& identity);

    // Closes listeners and idle connections; requests that are in work are answered first. Calls
    // `stopped` when the last connection is gone, never from within the call.
    void stop(std::move_only_function<void()> stopped);

  private:
    struct State;
    explicit Server(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::http
