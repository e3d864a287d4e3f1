// WebSockets against Beast's own client and, where it is about the wire, plain bytes.
#include "base/http/web_socket.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <gtest/gtest.h>

#include "tests/base/http/server_fixture.h"

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

// What the server's side of one connection saw; touched on the server's thread only.
struct Seen {
    WebSocketSink* sink = nullptr;
    std::string messages;
    int closed = 0;
    std::promise<void> gone;
};

class Echo final : public WebSocketUser {
  public:
    explicit Echo(Seen& seen) : seen_(&seen) {}

    void on_open(WebSocketSink& sink) override { seen_->sink = &sink; }

    void on_message(bool binary, std::string_view payload) override {
        seen_->messages += payload;
        if (payload == "bye") {
            seen_->sink->close(kCloseNormal, "as you wish");
        } else if (payload == "flood") {
            flood();
        } else {
            seen_->sink->send(binary, std::make_shared<const std::string>(payload));
        }
    }

    void on_close() override {
        seen_->sink = nullptr;
        if (++seen_->closed == 1) {
            seen_->gone.set_value();
        }
    }

  private:
    void flood() {
        const auto big = std::make_shared<const std::string>(100'000, 'x');
        for (int i = 0; i < 1000 && seen_->sink != nullptr; ++i) {
            seen_->sink->send(true, big);
        }
    }

    Seen* seen_;
};

class WebSocketTest : public testing::Test {
  protected:
    void start(ServerConfig config = loopback_config()) {
        server_ = std::make_unique<RunningServer>(std::move(config), [this](Router& router) {
            router.add_web_socket("/echo/{room}",
                                  [this](const Request& request)
                                      -> std::expected<std::unique_ptr<WebSocketUser>, Response> {
                                      if (request.query.contains("no")) {
                                          return std::unexpected(Response::text(401, "no"));
                                      }
                                      room_ = request.parameters.at("room");
                                      return std::make_unique<Echo>(seen_);
                                  });
        });
    }

    void connect(const std::string& target = "/echo/demo") {
        const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), server_->port());
        client_.next_layer().connect(endpoint);
        client_.handshake("127.0.0.1", target);
    }

    [[nodiscard]] std::string receive() {
        beast::flat_buffer buffer;
        client_.read(buffer);
        return beast::buffers_to_string(buffer.data());
    }

    // The server's side has heard of the end.
    [[nodiscard]] bool ends() {
        return gone_.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    }

    Seen seen_;
    std::future<void> gone_ = seen_.gone.get_future();
    std::string room_;
    asio::io_context io_;
    websocket::stream<asio::ip::tcp::socket> client_{io_};
    std::unique_ptr<RunningServer> server_;
};

TEST_F(WebSocketTest, CarriesMessagesBothWays) {
    start();
    connect();
    client_.binary(true);
    client_.write(asio::buffer(std::string("one")));
    EXPECT_EQ(receive(), "one");
    EXPECT_TRUE(client_.got_binary());
    client_.text(true);
    client_.write(asio::buffer(std::string("two")));
    EXPECT_EQ(receive(), "two");
    EXPECT_TRUE(client_.got_text());
    EXPECT_EQ(room_, "demo");
    const ServerCounters counters = server_->counters();
    EXPECT_EQ(counters.web_sockets_open, 1U);
    EXPECT_EQ(counters.web_socket_messages_received, 2U);
    client_.close(websocket::close_code::normal);
    EXPECT_TRUE(ends());
    server_->wait_until_empty();
    EXPECT_EQ(server_->counters().web_sockets_open, 0U);
    EXPECT_EQ(seen_.closed, 1);
}

TEST_F(WebSocketTest, ClosesWithTheCodeThatTheUserGives) {
    start();
    connect();
    client_.write(asio::buffer(std::string("bye")));
    beast::flat_buffer buffer;
    beast::error_code error;
    client_.read(buffer, error);
    EXPECT_EQ(error, websocket::error::closed);
    EXPECT_EQ(client_.reason().code, kCloseNormal);
    EXPECT_EQ(client_.reason().reason, "as you wish");
    EXPECT_TRUE(ends());
}

TEST_F(WebSocketTest, AnswersARefusalAsHttp) {
    start();
    const WireClient client(server_->port());
    WireClient other(server_->port());
    other.send(
        "GET /echo/demo?no=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(other.receive().status, 401U);
    // Without an upgrade there is nothing.
    other.send("GET /echo/demo HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(other.receive().status, 404U);
    // And elsewhere an upgrade is a request like another.
    other.send(
        "GET /else HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(other.receive().status, 404U);
}

TEST_F(WebSocketTest, TakesALongTargetForAnUpgradeOnly) {
    start();
    const std::string target = "/echo/demo?offer=" + std::string(40'000, 'x');
    connect(target);
    client_.write(asio::buffer(std::string("one")));
    EXPECT_EQ(receive(), "one");
    WireClient plain(server_->port());
    plain.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(plain.receive().status, 431U);
}

TEST_F(WebSocketTest, CutsOffAClientThatDoesNotRead) {
    ServerConfig config = loopback_config();
    config.limits.web_socket.queue_bytes = 1'000'000;
    start(std::move(config));
    connect();
    client_.write(asio::buffer(std::string("flood")));
    EXPECT_TRUE(ends());
    EXPECT_EQ(server_->counters().web_sockets_cut_off, 1U);
}

TEST_F(WebSocketTest, RefusesAMessageThatIsTooLong) {
    ServerConfig config = loopback_config();
    config.limits.web_socket.message_bytes = 1000;
    start(std::move(config));
    connect();
    client_.write(asio::buffer(std::string(1001, 'x')));
    beast::flat_buffer buffer;
    beast::error_code error;
    client_.read(buffer, error);
    EXPECT_EQ(client_.reason().code, websocket::close_code::too_big);
    EXPECT_TRUE(ends());
    EXPECT_EQ(seen_.messages, "");
}

TEST_F(WebSocketTest, DoesNotCountAmongPlainConnections) {
    ServerConfig config = loopback_config();
    config.limits.connections = 1;
    config.limits.web_socket.connections = 1;
    start(std::move(config));
    connect();
    WireClient second(server_->port());
    second.send(
        "GET /echo/demo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(second.receive().status, 503U);
    EXPECT_EQ(server_->counters().web_sockets_refused, 1U);
}

TEST_F(WebSocketTest, IsToldWhenTheServerStops) {
    start();
    connect();
    server_->on_server([this] { server_->server().stop([] {}); });
    beast::flat_buffer buffer;
    beast::error_code error;
    client_.read(buffer, error);
    EXPECT_EQ(client_.reason().code, kCloseGoingAway);
    EXPECT_TRUE(ends());
}

TEST_F(WebSocketTest, TellsItsUserWhenTheServerIsDestroyed) {
    start();
    connect();
    client_.write(asio::buffer(std::string("one")));
    EXPECT_EQ(receive(), "one");
    server_->destroy_server();
    EXPECT_TRUE(ends());
    EXPECT_EQ(seen_.sink, nullptr);
}

}  // namespace
}  // namespace isthmus::http
