// One client's WebSocket as signal messages.
//
// The HTTP connection owns it. It knows its participant by id only, so that neither must outlive
// the other: a session that ends lets go of its socket, a socket that closes is told to the hub.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/http/web_socket.h"
#include "signaling/access/token.h"
#include "signaling/livekit/signal_codec.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

// A message that several clients may be sent: each form is made once.
class OutgoingSignal {
  public:
    explicit OutgoingSignal(const proto::SignalResponse& response) : response_(&response) {}

    // See encode_join().
    OutgoingSignal(const proto::SignalResponse& join, std::string_view others)
        : response_(&join), others_(others) {}

    [[nodiscard]] http::WebSocketPayload in(SignalForm form) const;

  private:
    const proto::SignalResponse* response_;
    std::string_view others_;
    mutable std::array<http::WebSocketPayload, 2> made_;
};

class SignalSocket;

// Whom the sockets tell.
class SignalHub {
  public:
    virtual ~SignalHub() = default;
    virtual void on_socket_open(SignalSocket& socket) = 0;
    virtual void on_socket_request(SignalSocket& socket, const proto::SignalRequest& request) = 0;
    // It sent something that is no message.
    virtual void on_socket_garbage(SignalSocket& socket) = 0;
    virtual void on_socket_closed(SignalSocket& socket) = 0;
};

// What the client came with.
struct Admission {
    access::AccessToken token;
    proto::JoinRequest join;
    bool dual = false;  // one connection to publish, one to subscribe (/rtc)
};

class SignalSocket final : public http::WebSocketUser {
  public:
    SignalSocket(SignalHub& hub, Admission came_with)
        : admission(std::move(came_with)), hub_(&hub) {}

    void send(const OutgoingSignal& message);

    void send(const proto::SignalResponse& response) { send(OutgoingSignal(response)); }

    void close();

    void on_open(http::WebSocketSink& sink) override;
    void on_message(bool binary, std::string_view payload) override;
    void on_close() override;

    Admission admission;
    std::string participant_sid;  // empty: of nobody any more

  private:
    SignalHub* hub_;
    http::WebSocketSink* sink_ = nullptr;
    SignalForm form_ = SignalForm::kBinary;  // as the client spoke last
};

}  // namespace isthmus::signaling::livekit
