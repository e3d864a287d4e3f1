// The WebSockets of one thread's participants that join by the LiveKit protocol: one connection
// each, driven by the thread's epoll loop.
//
// Carries bytes between HttpStream, WebSocketClient and LivekitSession. What its owner must know
// comes to a SignalUser, from within handle_event() and handle_timeout(), never join(). One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/transport/address.h"
#include "tools/load/client_sockets.h"
#include "tools/load/http_message.h"
#include "tools/load/http_stream.h"
#include "tools/load/livekit_session.h"
#include "tools/load/web_socket.h"

namespace isthmus::load {

class SignalUser {
  public:
    virtual ~SignalUser() = default;

    // An answer may have changed when the participant is to be woken.
    virtual void on_signaled(std::size_t client) = 0;
    virtual void on_signaling_failed(std::size_t client, const std::string& why) = 0;
};

struct SignalClientsConfig {
    HttpAuthority authority;
    media::transport::SocketAddress address;
    const TlsTrust* trust = nullptr;              // for HTTPS; outlives the clients
    Duration timeout = std::chrono::seconds(10);  // from connecting to the upgrade
};

// Who joins; the options and the participant outlive the client.
struct SignalJoin {
    const LoadOptions& options;
    Participant& participant;
    const ClientSockets::Client& place;
    std::string_view token;
};

class SignalClients {
  public:
    // Events of client i carry the tag first_tag + i. `user`, `random` and `epoll` outlive it.
    SignalClients(SignalClientsConfig config,
                  SignalUser& user,
                  RandomSource& random,
                  int epoll,
                  std::uint64_t first_tag);

    // Client numbers only grow.
    void join(Instant now, std::size_t client, const SignalJoin& join);

    void handle_event(Instant now, std::uint64_t tag, std::uint32_t events);
    // Looks at every connection: for a tick, not for each turn.
    void handle_timeout(Instant now);

    // Says goodbye for all, as far as the sockets take it at once.
    void leave();

    [[nodiscard]] bool owns(std::uint64_t tag) const {
        return tag >= first_tag_ && tag - first_tag_ < connections_.size();
    }

    // Tracks that the node says it sends, over all clients.
    [[nodiscard]] std::size_t tracks_named() const;

  private:
    struct Connection {
        HttpStream stream;
        WebSocketClient socket;
        LivekitSession session;
        std::string out = {};  // not written yet
        Instant deadline = kNever;
        bool waits_for_room = true;  // what epoll was asked for
    };

    [[nodiscard]] HttpStream connect() const;
    void watch(std::size_t client, bool room, int operation);
    [[nodiscard]] bool read(Instant now, std::size_t client);
    // What the session has to say goes out.
    [[nodiscard]] bool flush(std::size_t client);
    void fail(std::size_t client, const std::string& why);

    SignalClientsConfig config_;
    SignalUser* user_;
    RandomSource* random_;
    int epoll_;
    std::uint64_t first_tag_;
    std::vector<std::unique_ptr<Connection>> connections_;  // by client; null: none, or over
};

}  // namespace isthmus::load
