// Connects to a server as ConnectConfig says. Internal to the clients: no other file includes this.
//
// A coroutine of whoever dials; it may outlive the client that started it, so it owns what it
// needs.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "base/http/client_target.h"
#include "base/http/connect_config.h"
#include "base/random.h"

namespace isthmus::http {

using Connected = std::expected<void, ConnectFault>;
using TcpStream = boost::beast::tcp_stream;
using TlsStream = boost::asio::ssl::stream<TcpStream&>;

// What one attempt needs, at one place that stays.
struct Line {
    explicit Line(const boost::asio::any_io_executor& executor)
        : stream(executor), resolver(executor) {}

    TcpStream stream;
    boost::asio::ip::tcp::resolver resolver;

    // What is under way ends with an error.
    void cancel() {
        resolver.cancel();
        stream.close();
    }
};

class Dialer {
  public:
    // kInvalidArgument where the file of authorities cannot be read.
    [[nodiscard]] static Result<std::shared_ptr<Dialer>> make(const ConnectConfig& config);

    explicit Dialer(ConnectConfig config);

    [[nodiscard]] boost::asio::ssl::context& tls() { return tls_; }

    // The line to `target` or the proxy's way to it, before TLS. The line's clock runs.
    // Both outlive the coroutine.
    boost::asio::awaitable<Connected> connect(Line* line, const ClientTarget* target);
    // TLS over it; `stream` is made with tls().
    boost::asio::awaitable<Connected> secure(TlsStream* stream, const ClientTarget* target);

    // The client goes: what it gave to be asked and told is not called any more.
    void detach();

  private:
    boost::asio::awaitable<Connected> connect_to(Line* line,
                                                 const std::string* host,
                                                 const std::string* port);
    void tell(ConnectStep step, const std::string& what) const;

    ConnectConfig config_;
    boost::asio::ssl::context tls_;
    SystemRandom random_;
};

// "no answer from hub.example: end of stream".
[[nodiscard]] ConnectFault fault_at(ConnectStep step,
                                    std::string_view what,
                                    const ClientTarget& target,
                                    const boost::system::error_code& code);

}  // namespace isthmus::http
