// One end of an open WebSocket, the server's or the client's. Internal to both: no other file
// includes this.
//
// A coroutine reads; writing goes on beside it, one message at a time, from a queue with bounds.
// Beast answers pings and sends them where nothing was heard for half of the idle time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/http/web_socket.h"
#include "base/time.h"

namespace isthmus::http {

// Lives in the coroutine of its connection, which ends only after the write that is under way.
template <typename Stream>
class WebSocketPeer : public WebSocketSink {
  public:
    using Code = boost::beast::error_code;

    // `handshake_time`: for the other side's part of opening and closing.
    WebSocketPeer(Stream& stream,
                  const WebSocketLimits& limits,
                  Duration handshake_time,
                  std::unique_ptr<WebSocketUser> user)
        : socket_(stream), wake_(stream.get_executor()), limits_(limits), user_(std::move(user)) {
        socket_.read_message_max(limits.message_bytes);
        socket_.set_option(
            boost::beast::websocket::stream_base::timeout{.handshake_timeout = handshake_time,
                                                          .idle_timeout = limits.idle_time,
                                                          .keep_alive_pings = true});
    }

    void send(bool binary, WebSocketPayload payload) override {
        if (!open_ || closing_) {
            return;
        }
        if (queue_.size() >= limits_.queue_messages ||
            queued_bytes_ + payload->size() > limits_.queue_bytes) {
            closing_ = true;
            on_cut_off();
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
        close_reason_ = boost::beast::websocket::close_reason(
            static_cast<boost::beast::websocket::close_code>(code),
            std::string(reason.substr(0, kReasonBytesMax)));
        pump();
    }

    // Tells the user, once; nothing is said to it afterwards.
    void finish() {
        if (std::exchange(open_, false)) {
            on_finished();
            user_->on_close();
        }
    }

  protected:
    // The other side's queue is full: whoever owns the connection closes it.
    virtual void on_cut_off() = 0;

    virtual void on_finished() {}

    virtual void on_received() {}

    virtual void on_sent() {}

    // False where the coroutine must end without touching what it belongs to.
    [[nodiscard]] virtual bool alive() const { return true; }

    [[nodiscard]] boost::beast::websocket::stream<Stream&>& socket() { return socket_; }

    // After the handshake.
    void open() {
        open_ = true;
        user_->on_open(*this);
    }

    boost::asio::awaitable<void> read_all() {
        boost::beast::flat_buffer buffer;
        while (true) {
            auto [error, bytes] = co_await socket_.async_read(buffer, kAwait);
            if (error || !alive() || !open_) {
                co_return;
            }
            on_received();
            if (!closing_) {
                const auto data = buffer.cdata();
                user_->on_message(socket_.got_binary(),
                                  {static_cast<const char*>(data.data()), data.size()});
            }
            buffer.consume(buffer.size());
        }
    }

    // Once the connection is closed.
    boost::asio::awaitable<void> wait_for_write() {
        while (writing_) {
            wake_.expires_at(boost::asio::steady_timer::time_point::max());
            co_await wake_.async_wait(kAwait);
        }
    }

    static constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

  private:
    // RFC 6455 section 5.5: 125 with the code.
    static constexpr std::size_t kReasonBytesMax = 100;

    struct Message {
        bool binary = true;
        WebSocketPayload payload;
    };

    void pump() {
        if (writing_ || !open_) {
            return;
        }
        if (!queue_.empty()) {
            writing_ = true;
            socket_.binary(queue_.front().binary);
            socket_.async_write(boost::asio::buffer(*queue_.front().payload),
                                [this](Code error, std::size_t) { on_written(error); });
        } else if (closing_) {
            writing_ = true;
            // Completes when the other side has answered, or after the handshake's time.
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
        on_sent();
        pump();
    }

    boost::beast::websocket::stream<Stream&> socket_;
    boost::asio::steady_timer wake_;  // cancelled when a write ends
    WebSocketLimits limits_;
    std::unique_ptr<WebSocketUser> user_;
    std::deque<Message> queue_;  // the first is being written while writing_
    std::size_t queued_bytes_ = 0;
    boost::beast::websocket::close_reason close_reason_;
    bool open_ = false;
    bool closing_ = false;
    bool writing_ = false;
};

}  // namespace isthmus::http
