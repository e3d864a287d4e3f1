#include "base/http/web_socket_connection.h"

#include <utility>

#include "base/http/web_socket_peer.h"

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

template <typename Stream>
class ServerPeer final : public WebSocketPeer<Stream>, public WebSocketEnd {
  public:
    ServerPeer(Connection& connection, Stream& stream, std::unique_ptr<WebSocketUser> user)
        : WebSocketPeer<Stream>(stream,
                                connection.core->limits.web_socket,
                                connection.core->limits.write_time,
                                std::move(user)),
          connection_(&connection) {}

    asio::awaitable<void> run(UpgradeRequest request) {
        auto [error] = co_await this->socket().async_accept(request, this->kAwait);
        if (error || connection_->core == nullptr) {
            co_return;
        }
        connection_->web_socket = this;
        ++counters().web_sockets_opened;
        ++counters().web_sockets_open;
        this->open();
        if (connection_->core->stopping) {
            go_away();  // the server could not tell while the handshake was under way
        }
        co_await this->read_all();
        connection_->web_socket = nullptr;
        end();
        connection_->close();
        co_await this->wait_for_write();
    }

    void go_away() override { this->close(kCloseGoingAway, "the server stops"); }

    void end() override { this->finish(); }

  private:
    [[nodiscard]] ServerCounters& counters() { return connection_->core->counters; }

    void on_cut_off() override {
        ++counters().web_sockets_cut_off;
        connection_->close();
    }

    void on_finished() override { --counters().web_sockets_open; }

    void on_received() override { ++counters().web_socket_messages_received; }

    void on_sent() override { ++counters().web_socket_messages_sent; }

    [[nodiscard]] bool alive() const override { return connection_->core != nullptr; }

    Connection* connection_;
};

template <typename Stream>
asio::awaitable<void> run(Connection* connection,
                          Stream* stream,
                          UpgradeRequest request,
                          std::unique_ptr<WebSocketUser> user) {
    connection->tcp.expires_never();  // the WebSocket has clocks of its own
    ServerPeer<Stream> peer(*connection, *stream, std::move(user));
    co_await peer.run(std::move(request));
}

}  // namespace

asio::awaitable<void> run_web_socket(Connection* connection,
                                     beast::tcp_stream* stream,
                                     UpgradeRequest request,
                                     std::unique_ptr<WebSocketUser> user) {
    return run(connection, stream, std::move(request), std::move(user));
}

asio::awaitable<void> run_web_socket(Connection* connection,
                                     asio::ssl::stream<beast::tcp_stream&>* stream,
                                     UpgradeRequest request,
                                     std::unique_ptr<WebSocketUser> user) {
    return run(connection, stream, std::move(request), std::move(user));
}

}  // namespace isthmus::http
