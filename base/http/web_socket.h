// WebSocket connections as their users see them. No socket here.
//
// Everything runs on the signaling thread. A sink is good from on_open() until on_close(), which is
// the last call; neither call comes from within one of the sink's. RFC 6455.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/http/message.h"

namespace isthmus::http {

// RFC 6455 section 7.4.1.
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;

// A message that several clients may be sent.
using WebSocketPayload = std::shared_ptr<const std::string>;

// The way to one client.
class WebSocketSink {
  public:
    virtual ~WebSocketSink() = default;

    // Queues a message. A client that leaves too much of its queue unread is cut off
    // (WebSocketLimits).
    virtual void send(bool binary, WebSocketPayload payload) = 0;
    // After what is queued. on_close() follows; later calls do nothing.
    virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

// What one client's connection is told; the connection owns it.
class WebSocketUser {
  public:
    virtual ~WebSocketUser() = default;

    virtual void on_open(WebSocketSink& sink) = 0;
    virtual void on_message(bool binary, std::string_view payload) = 0;
    virtual void on_close() = 0;
};

// An Upgrader (message.h) takes a client in, or says why not.

}  // namespace isthmus::http
