#include "tests/base/http/server_fixture.h"

#include <array>
#include <charconv>
#include <future>
#include <utility>

#include <arpa/inet.h>
#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace isthmus::http {

ServerConfig loopback_config() {
    ServerConfig config;
    config.listen = {{.ip = "127.0.0.1", .port = 0}};
    return config;
}

RunningServer::RunningServer(ServerConfig config, const std::function<void(Router&)>& add_routes) {
    add_routes(router_);
    auto started = Server::start(io_, std::move(config), router_);
    CHECK(started.has_value());
    server_ = std::move(*started);
    thread_ = std::thread([this] { io_.run(); });
}

// A thread that cannot be waited for ends the test program.
RunningServer::~RunningServer() {  // NOLINT(bugprone-exception-escape)
    destroy_server();
    io_.stop();
    thread_.join();
}

std::uint16_t RunningServer::port(bool secure) const {
    for (const ServerListener& listener : server_->listeners()) {
        if (listener.secure == secure) {
            return listener.address.port;
        }
    }
    return 0;
}

void RunningServer::on_server(std::move_only_function<void()> work) {
    std::promise<void> done;
    auto waiting = done.get_future();
    boost::asio::post(io_, [&] {
        work();
        done.set_value();
    });
    waiting.wait();
}

ServerCounters RunningServer::counters() {
    ServerCounters counters;
    on_server([&] { counters = server_->counters(); });
    return counters;
}

void RunningServer::wait_until_empty() {
    while (counters().connections_open != 0) {
        std::this_thread::yield();
    }
}

void RunningServer::destroy_server() {
    if (server_) {
        on_server([this] { server_.reset(); });
    }
}

WireClient::WireClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    // So that a test that fails ends.
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

WireClient::~WireClient() {
    close();
}

void WireClient::close() {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

bool WireClient::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool WireClient::fill() {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (got <= 0) {
        return false;
    }
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
}

WireResponse WireClient::receive(bool bodiless) {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (!fill()) {
            return {};
        }
    }
    WireResponse response;
    response.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    std::from_chars(response.head.data() + 9, response.head.data() + 12, response.status);
    std::size_t length = 0;
    constexpr std::string_view kLength = "Content-Length: ";
    if (const std::size_t at = response.head.find(kLength); at != std::string::npos && !bodiless) {
        std::from_chars(response.head.data() + at + kLength.size(),
                        response.head.data() + response.head.size(),
                        length);
    }
    while (buffer_.size() < length) {
        if (!fill()) {
            return {};
        }
    }
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return response;
}

bool WireClient::receive_end() {
    const bool more = fill();
    return !more && buffer_.empty();
}

}  // namespace isthmus::http
