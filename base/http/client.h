// The HTTP/1.1 client: one request, one connection, one answer. For the few calls that a program
// makes itself, such as webhooks.
//
// On one io_context's thread. Certificates are checked against the machine's authorities and the
// host's name. Through a proxy nothing is looked up here but the proxy.
// Leaves out: redirects (an answer like any other), keep-alive, proxies that are spoken to by TLS.
// Specification: RFC 9110, RFC 9112.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/http/connect_config.h"
#include "base/http/message.h"
#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::http {

struct ClientRequest {
    std::string method = "POST";
    std::string url;  // "http://host[:port]/path" or "https://..."
    Headers headers;
    std::string body;
};

struct ClientConfig {
    // For connecting, TLS, sending and the answer; finding the address takes what the machine's
    // resolver takes.
    Duration time = std::chrono::seconds(10);
    std::size_t answer_bytes_max = 64UL * 1024;
    ConnectConfig connect;
};

// Is it a URL that a Client can ask? What is wrong as a sentence, else empty.
[[nodiscard]] std::string fault_of_url(const std::string& url);

class Client {
  public:
    using Answer = std::move_only_function<void(Result<Response>)>;

    // kInvalidArgument where the file of authorities cannot be read.
    [[nodiscard]] static Result<std::unique_ptr<Client>> make(boost::asio::io_context& io,
                                                              const ClientConfig& config);
    // Breaks off what is under way; its answers are not called any more.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Whatever status the server answers is an answer; where there was none: kUnauthenticated where
    // the server's certificate is at fault, else kUnavailable.
    // `answer` is never called from within the call.
    void send(ClientRequest request, Answer answer);

    // Of the answer that is being given, or the last one given: what was in the way. Nothing where
    // there was an answer.
    [[nodiscard]] const std::optional<ConnectFault>& fault() const;

  private:
    struct State;
    explicit Client(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::http
