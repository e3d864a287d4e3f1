// WebSocket connections as their users see them, at the server's end and at the client's. No socket
// here.
//
// Everything runs on one thread, that of the io_context. A sink is good from on_open() until
// on_close(), which is the last call; neither call comes from within one of the sink's. RFC 6455.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/http/message.h"
#include "base/time.h"

namespace isthmus::http {

// RFC 6455 section 7.4.1.
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;

struct WebSocketLimits {
    // Of a server. LiveKit's clients put an offer, compressed, into the URL: 2.4 KiB are common, an
    // SDP of many sections has 20.
    std::size_t header_bytes = 64UL * 1024;
    std::size_t message_bytes = 2UL * 1024 * 1024;  // what the other side sends at once
    // What the other side may leave unread before it is cut off; beyond what the kernel holds.
    std::size_t queue_bytes = 8UL * 1024 * 1024;
    std::size_t queue_messages = 4096;
    // Who was silent for half of it is sent a ping, and is closed where that goes unanswered.
    Duration idle_time = std::chrono::seconds(20);
    std::size_t connections = 10'000;  // of a server
};

// A message that several may be sent.
using WebSocketPayload = std::shared_ptr<const std::string>;

// The way to the other side.
class WebSocketSink {
  public:
    virtual ~WebSocketSink() = default;

    // Queues a message. Who leaves too much of its queue unread is cut off
    // (WebSocketLimits).
    virtual void send(bool binary, WebSocketPayload payload) = 0;
    // After what is queued. on_close() follows; later calls do nothing.
    virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

// What one connection is told; the connection owns it.
class WebSocketUser {
  public:
    virtual ~WebSocketUser() = default;

    virtual void on_open(WebSocketSink& sink) = 0;
    virtual void on_message(bool binary, std::string_view payload) = 0;
    virtual void on_close() = 0;
};

// An Upgrader (message.h) takes a client in, or says why not.

}  // namespace isthmus::http
