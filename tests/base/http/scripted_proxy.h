// A proxy on a port of the kernel's choice, in a thread of its own: says what the test says to each
// CONNECT, and carries bytes where it let through.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace isthmus::http {

class ScriptedProxy {
  public:
    // Given a request's head, what is answered. After a 200 it connects to 127.0.0.1 and `port`.
    using Script = std::function<std::string(const std::string& head)>;

    ScriptedProxy(std::uint16_t port, Script script);
    ~ScriptedProxy();
    ScriptedProxy(const ScriptedProxy&) = delete;
    ScriptedProxy& operator=(const ScriptedProxy&) = delete;

    [[nodiscard]] std::string url(const std::string& user = {}) const;
    // Of every connection so far.
    [[nodiscard]] std::vector<std::string> heads();

  private:
    boost::asio::io_context io_{1};
    boost::asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_;
    Script script_;
    std::mutex mutex_;
    std::vector<std::string> heads_;
    std::thread thread_;
};

}  // namespace isthmus::http
