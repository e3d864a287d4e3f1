#include "base/http/web_socket_connection.h"

#include <chrono>
#include <deque>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using Code = beast::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// RFC 6455 section 5.5: 125 with the code.
constexpr std::size_t kReasonBytesMax = 100;

struct Message {
    bool binary = true;
    WebSocketPayload payload;
};

// Lives in the coroutine of its connection, which ends only after the write that is under way.
template <typename Stream>
class Peer final : public WebSocketSink, public WebSocketEnd {
  public:
    Peer(Connection& connection, Stream& stream, std::unique_ptr<WebSocketUser> user)
        : connection_(&connection),
          socket_(stream),
          wake_(connection.tcp.get_executor()),
          user_(std::move(user)) {
        const WebSocketLimits& limits = connection.core->limits.web_socket;
        socket_.read_message_max(limits.message_bytes);
        socket_.set_option(
            websocket::stream_base::timeout{.handshake_timeout = connection.core->limits.write_time,
                                            .idle_timeout = limits.idle_time,
                                            .keep_alive_pings = true});
    }

    asio::awaitable<void> run(UpgradeRequest request) {
        auto [error] = co_await socket_.async_accept(request, kAwait);
        if (error || connection_->core == nullptr) {
            co_return;
        }
        connection_->web_socket = this;
        ++counters().web_sockets_opened;
        ++counters().web_sockets_open;
        open_ = true;
        user_->on_open(*this);
        if (connection_->core->stopping) {
            go_away();  // the server could not tell while the handshake was under way
        }
        co_await read_all();
        connection_->web_socket = nullptr;
        end();
        connection_->close();
        while (writing_) {
            wake_.expires_at(asio::steady_timer::time_point::max());
            co_await wake_.async_wait(kAwait);
        }
    }

    void send(bool binary, WebSocketPayload payload) override {
        if (!open_ || closing_) {
            return;
        }
        const WebSocketLimits& limits = connection_->core->limits.web_socket;
        if (queue_.size() >= limits.queue_messages ||
            queued_bytes_ + payload->size() > limits.queue_bytes) {
            ++counters().web_sockets_cut_off;
            closing_ = true;
            connection_->close();
            return;
        }
        queued_bytes_ += payload->size();
        queue_.push_back({.binary = binary, .payload = std::move(payload)});
        pump();
    }

    void close(std::uint16_t code, std::string_view reason) override {
        if (!open_ || closing_) {
            return;
        }
        closing_ = true;
        close_reason_ = websocket::close_reason(static_cast<websocket::close_code>(code),
                                                std::string(reason.substr(0, kReasonBytesMax)));
        pump();
    }

    void go_away() override { close(kCloseGoingAway, "the server stops"); }

    void end() override {
        if (std::exchange(open_, false)) {
            --counters().web_sockets_open;
            user_->on_close();
        }
    }

  private:
    [[nodiscard]] ServerCounters& counters() { return connection_->core->counters; }

    asio::awaitable<void> read_all() {
        beast::flat_buffer buffer;
        while (true) {
            auto [error, bytes] = co_await socket_.async_read(buffer, kAwait);
            if (error || connection_->core == nullptr || !open_) {
                co_return;
            }
            ++counters().web_socket_messages_received;
            if (!closing_) {
                const auto data = buffer.cdata();
                user_->on_message(socket_.got_binary(),
                                  {static_cast<const char*>(data.data()), data.size()});
            }
            buffer.consume(buffer.size());
        }
    }

    void pump() {
        if (writing_ || !open_) {
            return;
        }
        if (!queue_.empty()) {
            writing_ = true;
            socket_.binary(queue_.front().binary);
            socket_.async_write(asio::buffer(*queue_.front().payload),
                                [this](Code error, std::size_t) { on_written(error); });
        } else if (closing_) {
            writing_ = true;
            // Completes when the client has answered, or after the handshake's time.
            socket_.async_close(close_reason_, [this](Code) {
                writing_ = false;
                wake_.cancel();
            });
        }
    }

    void on_written(Code error) {
        writing_ = false;
        queued_bytes_ -= queue_.front().payload->size();
        queue_.pop_front();
        if (error || !open_) {
            wake_.cancel();
            return;
        }
        ++counters().web_socket_messages_sent;
        pump();
    }

    Connection* connection_;
    websocket::stream<Stream&> socket_;
    asio::steady_timer wake_;  // cancelled when a write ends
    std::unique_ptr<WebSocketUser> user_;
    std::deque<Message> queue_;  // the first is being written while writing_
    std::size_t queued_bytes_ = 0;
    websocket::close_reason close_reason_;
    bool open_ = false;
    bool closing_ = false;
    bool writing_ = false;
};

template <typename Stream>
asio::awaitable<void> run(Connection* connection,
                          Stream* stream,
                          UpgradeRequest request,
                          std::unique_ptr<WebSocketUser> user) {
    connection->tcp.expires_never();  // the WebSocket has clocks of its own
    Peer<Stream> peer(*connection, *stream, std::move(user));
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
