// A Unix socket with a session behind it: moves bytes and wakes the session. Who may speak was
// decided before.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "control-agent/connectors/connector_session.h"

namespace isthmus::connectors {

class ConnectorConnection : public std::enable_shared_from_this<ConnectorConnection> {
  public:
    using Socket = boost::asio::local::stream_protocol::socket;
    using OnEvent = std::function<void(SessionEvent)>;

    // `manifest` and `limits` outlive it. `on_event` hears what the session tells, and a Violation
    // last where the connection ended by itself; nothing after close().
    ConnectorConnection(Socket socket,
                        const ConnectorManifest& manifest,
                        const ConnectorLimits& limits,
                        std::string token,
                        OnEvent on_event);

    void begin();
    void close();

    [[nodiscard]] ConnectorSession& session() { return session_; }

    // Sends and tells what the session has; call after each use of it.
    void pump();

    [[nodiscard]] static Instant now();

  private:
    void read();
    void write();
    void arm();
    void fail(std::string sentence);

    Socket socket_;
    boost::asio::steady_timer timer_;
    const ConnectorLimits* limits_;
    ConnectorSession session_;
    OnEvent on_event_;
    std::array<char, 16UL * 1024> buffer_{};
    std::deque<std::string> unsent_;
    std::size_t unsent_bytes_ = 0;
    bool writing_ = false;
    bool closed_ = false;
};

}  // namespace isthmus::connectors
