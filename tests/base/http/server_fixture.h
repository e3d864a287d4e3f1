// A Server on a port of the kernel's choice, in a thread of its own, and a client made of plain
// blocking sockets, so that what goes over the wire is exactly what the test says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "base/http/message.h"
#include "base/http/server.h"

namespace isthmus::http {

class RunningServer {
  public:
    // `add_routes` fills the router before the server starts.
    RunningServer(ServerConfig config, const std::function<void(Router&)>& add_routes);
    ~RunningServer();
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    [[nodiscard]] std::uint16_t port(bool secure = false) const;
    // Runs `work` on the server's thread and waits for it.
    void on_server(std::move_only_function<void()> work);
    [[nodiscard]] ServerCounters counters();

    // A client sees the end of a connection a few steps before the server has put it away.
    void wait_until_empty();

    [[nodiscard]] Server& server() { return *server_; }

    // Destroys the server on its thread, connections and all.
    void destroy_server();

  private:
    boost::asio::io_context io_{1};
    // Runs on without a server too.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    Router router_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

// Only on loopback and with kernel-chosen ports.
[[nodiscard]] ServerConfig loopback_config();

struct WireResponse {
    unsigned status = 0;
    std::string head;  // status line and headers
    std::string body;

    [[nodiscard]] bool has(std::string_view text) const { return head.contains(text); }
};

class WireClient {
  public:
    explicit WireClient(std::uint16_t port);
    ~WireClient();
    WireClient(const WireClient&) = delete;
    WireClient& operator=(const WireClient&) = delete;

    // False where the server has closed; most callers hear that from what they receive.
    // NOLINTNEXTLINE(modernize-use-nodiscard)
    bool send(std::string_view bytes) const;
    // One response; status 0 where the connection ended first. `bodiless`: answers HEAD.
    [[nodiscard]] WireResponse receive(bool bodiless = false);
    // Waits until the server closes; true where it did so without sending anything more.
    [[nodiscard]] bool receive_end();
    void close();

    [[nodiscard]] int fd() const { return fd_; }

  private:
    bool fill();

    int fd_ = -1;
    std::string buffer_;
};

}  // namespace isthmus::http
