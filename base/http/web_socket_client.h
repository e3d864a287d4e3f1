// A WebSocket that a program opens itself, over TLS and through a proxy where it must.
//
// On one io_context's thread. Reconnecting is the caller's: connect() again.
// Leaves out: compression, subprotocols. Specification: RFC 6455.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/http/connect_config.h"
#include "base/http/message.h"
#include "base/http/web_socket.h"
#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::http {

struct WebSocketClientConfig {
    std::string url;  // "wss://host[:port]/path"
    Headers headers;
    // For connecting, TLS and the upgrade, each side's part of closing too; finding the address
    // takes what the machine's resolver takes.
    Duration time = std::chrono::seconds(10);
    ConnectConfig connect;
    WebSocketLimits limits;
};

class WebSocketClient {
  public:
    using Failed = std::move_only_function<void(const ConnectFault&)>;

    // kInvalidArgument for a URL that is none and a file of authorities that cannot be read.
    [[nodiscard]] static Result<std::unique_ptr<WebSocketClient>> make(
        boost::asio::io_context& io, const WebSocketClientConfig& config);
    // Closes what is open without a word; its user is destroyed and not told.
    ~WebSocketClient();
    WebSocketClient(const WebSocketClient&) = delete;
    WebSocketClient& operator=(const WebSocketClient&) = delete;

    // Either `failed` is called, or the user's on_open() and later its on_close(); never from
    // within the call. An attempt or connection of before is broken off like by the destructor.
    void connect(std::unique_ptr<WebSocketUser> user, Failed failed);
    // Back to where nothing is open.
    void disconnect();

  private:
    struct State;
    explicit WebSocketClient(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::http
