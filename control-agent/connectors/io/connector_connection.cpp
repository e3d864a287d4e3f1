#include "control-agent/connectors/io/connector_connection.h"

#include <chrono>
#include <string_view>
#include <tuple>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace isthmus::connectors {

namespace asio = boost::asio;

ConnectorConnection::ConnectorConnection(Socket socket,
                                         const ConnectorManifest& manifest,
                                         const ConnectorLimits& limits,
                                         std::string token,
                                         OnEvent on_event)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      limits_(&limits),
      session_(manifest, limits, std::move(token), now()),
      on_event_(std::move(on_event)) {}

Instant ConnectorConnection::now() {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

void ConnectorConnection::begin() {
    read();
    arm();
}

void ConnectorConnection::close() {
    closed_ = true;
    timer_.cancel();
    boost::system::error_code ignored;
    std::ignore = socket_.close(ignored);
}

void ConnectorConnection::fail(std::string sentence) {
    if (!closed_) {
        on_event_(Violation{.sentence = std::move(sentence)});
    }
}

void ConnectorConnection::pump() {
    while (auto line = session_.poll_output()) {
        unsent_bytes_ += line->size();
        unsent_.push_back(std::move(*line));
    }
    if (unsent_bytes_ > limits_->unsent_bytes) {
        fail("it does not read what it is sent");
        return;
    }
    write();
    // The host may close this in between.
    const auto self = shared_from_this();
    while (!closed_) {
        auto event = session_.poll_event();
        if (!event) {
            break;
        }
        on_event_(std::move(*event));
    }
    arm();
}

void ConnectorConnection::read() {
    socket_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
            if (self->closed_) {
                return;
            }
            if (error) {
                self->fail("it closed its connection");
                return;
            }
            self->session_.handle_bytes(now(), std::string_view(self->buffer_.data(), size));
            self->pump();
            if (!self->closed_) {
                self->read();
            }
        });
}

void ConnectorConnection::write() {
    if (writing_ || unsent_.empty() || closed_) {
        return;
    }
    writing_ = true;
    asio::async_write(
        socket_,
        asio::buffer(unsent_.front()),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t /*size*/) {
            self->writing_ = false;
            if (error) {
                return;  // the read tells
            }
            self->unsent_bytes_ -= self->unsent_.front().size();
            self->unsent_.pop_front();
            self->write();
        });
}

void ConnectorConnection::arm() {
    timer_.cancel();
    const Instant next = session_.next_timeout();
    if (closed_ || next == kNever) {
        return;
    }
    timer_.expires_after(next - now());
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !self->closed_) {
            self->session_.on_timeout(now());
            self->pump();
        }
    });
}

}  // namespace isthmus::connectors
