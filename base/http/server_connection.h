// One client's connection, and what connections share with their Server. Internal to the server:
// no other file includes this.
//
// A connection is a coroutine that owns its Connection. The Server knows it by pointer, to count it
// and to close it; `core` is null once the Server is gone, and the coroutine then ends at its next
// step without touching anything else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "base/http/server.h"

namespace isthmus::http {

class Connection;

// A WebSocket as the server ends it.
class WebSocketEnd {
  public:
    virtual ~WebSocketEnd() = default;
    virtual void go_away() = 0;  // tells the client, and closes when it has been told
    virtual void end() = 0;      // tells the user; nothing is said to it afterwards
};

struct ServerCore {
    ServerLimits limits;
    const Router* router = nullptr;
    std::set<std::string, std::less<>> trusted_proxies;
    std::set<std::string, std::less<>> allowed_origins;
    std::optional<boost::asio::ssl::context> tls;
    ServerCounters counters;
    std::set<Connection*> connections;
    std::size_t connections_counted = 0;  // without WebSockets, which have a limit of their own
    std::map<std::string, std::size_t, std::less<>> connections_by_address;
    bool stopping = false;
    std::move_only_function<void()>
        stopped;  // called once, when stopping and no connection is left

    void report_when_stopped(const boost::asio::any_io_executor& executor);
};

class Connection {
  public:
    Connection(ServerCore& server, boost::asio::ip::tcp::socket socket, bool secure);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Whom the limit per address counts this client as.
    [[nodiscard]] static std::string limit_key(const boost::asio::ip::address& address);

    void close();
    // The Server goes away.
    void detach();

    ServerCore* core;
    boost::beast::tcp_stream tcp;
    std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls;
    boost::beast::flat_buffer buffer;
    boost::asio::ip::address remote;
    std::string authority;  // of our side, for clients that do not say a Host
    std::string key;
    bool idle = true;                    // between requests: may be closed at once
    WebSocketEnd* web_socket = nullptr;  // while it is one
    bool counted = true;                 // among the server's plain connections

    // A WebSocket counts among those, and no more against the limits of plain connections.
    void leave_limits();
};

// Serves requests until the client, a limit or the Server ends it.
boost::asio::awaitable<void> run_connection(std::unique_ptr<Connection> connection);

}  // namespace isthmus::http
