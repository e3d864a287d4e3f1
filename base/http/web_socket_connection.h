// A connection that became a WebSocket. Internal to the server: no other file includes this.
//
// The coroutine of the connection reads; writing goes on beside it, one message at a time, from a
// queue with bounds. Beast answers pings and sends them where nothing was heard for half of
// WebSocketLimits::idle_time.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/http/server_connection.h"
#include "base/http/web_socket.h"

namespace isthmus::http {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Until the client, a limit, the user or the Server ends it.
boost::asio::awaitable<void> run_web_socket(Connection* connection,
                                            boost::beast::tcp_stream* stream,
                                            UpgradeRequest request,
                                            std::unique_ptr<WebSocketUser> user);
boost::asio::awaitable<void> run_web_socket(
    Connection* connection,
    boost::asio::ssl::stream<boost::beast::tcp_stream&>* stream,
    UpgradeRequest request,
    std::unique_ptr<WebSocketUser> user);

}  // namespace isthmus::http
