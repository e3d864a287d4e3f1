// Requests to one node over a few connections that stay open. Non-blocking, driven by the epoll
// loop of its owner.
//
// Requests wait in order for a free connection; each connection carries one at a time. A request
// that a connection lost before any answer came is sent once more on a new one: servers close
// connections that were idle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "media/transport/address.h"
#include "tools/load/http_message.h"
#include "tools/load/http_stream.h"

namespace isthmus::load {

struct HttpClientConfig {
    HttpAuthority authority;
    media::transport::SocketAddress address;
    std::size_t connections = 8;
    const TlsTrust* trust = nullptr;              // for HTTPS; outlives the client
    Duration timeout = std::chrono::seconds(10);  // of one request, from its first byte
};

class HttpClient {
  public:
    using Done = std::move_only_function<void(Instant, Result<http::Response>)>;

    // Events of connection i carry the tag first_tag + i. `epoll` outlives the client.
    HttpClient(HttpClientConfig config, int epoll, std::uint64_t first_tag);

    // `started` is called when the request goes to a connection, `done` once.
    void request(HttpRequest request, std::move_only_function<void(Instant)> started, Done done);

    // Starts what waits.
    void work(Instant now);
    void handle_event(Instant now, std::uint64_t tag, std::uint32_t events);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] bool owns(std::uint64_t tag) const {
        return tag >= first_tag_ && tag < first_tag_ + connections_.size();
    }

    // Waiting and under way.
    [[nodiscard]] std::size_t pending() const;

  private:
    struct Job {
        HttpRequest request;
        std::move_only_function<void(Instant)> started;
        Done done;
        bool again = false;  // sent once already
    };

    struct Connection {
        HttpStream stream;
        HttpResponseReader reader;
        std::unique_ptr<Job> job;
        std::string out;  // not written yet
        Instant deadline = kNever;
        bool used = false;  // has carried a request before
    };

    [[nodiscard]] bool connect(std::size_t index);
    void begin(Instant now, std::size_t index, std::unique_ptr<Job> job);
    void write(Instant now, std::size_t index);
    void read(Instant now, std::size_t index);
    void finish(Instant now, std::size_t index);
    void fail(Instant now, std::size_t index, const std::string& why);
    void watch(std::size_t index, std::uint32_t events, int operation);
    [[nodiscard]] Error error(const std::string& why) const;

    HttpClientConfig config_;
    int epoll_;
    std::uint64_t first_tag_;
    std::vector<Connection> connections_;
    std::deque<std::unique_ptr<Job>> waiting_;
};

}  // namespace isthmus::load
