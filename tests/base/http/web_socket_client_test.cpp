// The client's WebSockets against a real Server on loopback.
#include "base/http/web_socket_client.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/tls_identity.h"
#include "tests/base/http/scripted_proxy.h"
#include "tests/base/http/server_fixture.h"

namespace isthmus::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The server's side: sends everything back, closes on "bye".
class Echo final : public WebSocketUser {
  public:
    void on_open(WebSocketSink& sink) override { sink_ = &sink; }

    void on_message(bool binary, std::string_view payload) override {
        if (payload == "bye") {
            sink_->close(kCloseNormal, "as you wish");
        } else {
            sink_->send(binary, std::make_shared<const std::string>(payload));
        }
    }

    void on_close() override {}

  private:
    WebSocketSink* sink_ = nullptr;
};

struct Seen {
    WebSocketSink* sink = nullptr;
    std::vector<std::string> messages;
    int opened = 0;
    int closed = 0;
    std::optional<ConnectFault> fault;
};

class Talker final : public WebSocketUser {
  public:
    Talker(Seen& seen, std::function<void(WebSocketSink&)> begin)
        : seen_(&seen), begin_(std::move(begin)) {}

    void on_open(WebSocketSink& sink) override {
        ++seen_->opened;
        seen_->sink = &sink;
        begin_(sink);
    }

    void on_message(bool /*binary*/, std::string_view payload) override {
        seen_->messages.emplace_back(payload);
        seen_->sink->send(false, std::make_shared<const std::string>("bye"));
    }

    void on_close() override { ++seen_->closed; }

  private:
    Seen* seen_;
    std::function<void(WebSocketSink&)> begin_;
};

void say(WebSocketSink& sink, const std::string& what) {
    sink.send(false, std::make_shared<const std::string>(what));
}

class WebSocketClientTest : public testing::Test {
  protected:
    WebSocketClientTest() {
        ServerConfig config = loopback_config();
        config.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
        config.tls = make_self_signed({"localhost"}, 1'800'000'000).value();
        server_.emplace(std::move(config), [this](Router& router) {
            router.add_web_socket("/channel",
                                  [this](const Request& request)
                                      -> std::expected<std::unique_ptr<WebSocketUser>, Response> {
                                      host_ = request.header("Host");
                                      agent_ = request.header("User-Agent");
                                      return std::make_unique<Echo>();
                                  });
            router.add_web_socket("/refused",
                                  [](const Request& /*request*/)
                                      -> std::expected<std::unique_ptr<WebSocketUser>, Response> {
                                      return std::unexpected(Response::text(401, "no"));
                                  });
        });
    }

    [[nodiscard]] std::string url(std::string_view path = "/channel", bool secure = false) const {
        return (secure ? "wss://127.0.0.1:" : "ws://127.0.0.1:") +
               std::to_string(server_->port(secure)) + std::string(path);
    }

    // Connects, says `begin`'s words and runs until everything is over.
    Seen talk(const WebSocketClientConfig& config, std::function<void(WebSocketSink&)> begin) {
        boost::asio::io_context io(1);
        Seen seen;
        auto client = WebSocketClient::make(io, config);
        EXPECT_TRUE(client);
        (*client)->connect(std::make_unique<Talker>(seen, std::move(begin)),
                           [&](const ConnectFault& fault) { seen.fault = fault; });
        EXPECT_EQ(seen.opened, 0);
        io.run();
        return seen;
    }

    std::optional<RunningServer> server_;
    std::string host_;
    std::string agent_;
};

TEST_F(WebSocketClientTest, CarriesMessagesBothWays) {
    const Seen seen = talk({.url = url(), .headers = {{"User-Agent", "isthmus-agent"}}},
                           [](WebSocketSink& sink) { say(sink, "hello"); });
    EXPECT_FALSE(seen.fault);
    EXPECT_THAT(seen.messages, ElementsAre("hello"));
    EXPECT_EQ(seen.closed, 1);
    EXPECT_EQ(host_, url().substr(5, url().find('/', 5) - 5));
    EXPECT_EQ(agent_, "isthmus-agent");
}

TEST_F(WebSocketClientTest, SpeaksTlsAndChecksTheCertificate) {
    const Seen refused = talk({.url = url("/channel", true)}, [](WebSocketSink&) {});
    ASSERT_TRUE(refused.fault);
    EXPECT_EQ(refused.fault->step, ConnectStep::kCertificate);
    EXPECT_EQ(refused.opened, 0);
    const Seen seen =
        talk({.url = url("/channel", true),
              .connect = {.accept_certificate = [](const std::string&) { return true; }}},
             [](WebSocketSink& sink) { say(sink, "hello"); });
    EXPECT_FALSE(seen.fault);
    EXPECT_THAT(seen.messages, ElementsAre("hello"));
}

TEST_F(WebSocketClientTest, GoesThroughAProxy) {
    ScriptedProxy proxy(server_->port(),
                        [](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n\r\n"); });
    const Seen seen = talk({.url = "ws://hub.invalid/channel",
                            .connect = {.proxy = parse_proxy_url(proxy.url()).value()}},
                           [](WebSocketSink& sink) { say(sink, "hello"); });
    EXPECT_FALSE(seen.fault);
    EXPECT_THAT(seen.messages, ElementsAre("hello"));
    EXPECT_EQ(host_, "hub.invalid");
}

TEST_F(WebSocketClientTest, SaysWhyThereIsNoConnection) {
    const Seen refused = talk({.url = url("/refused")}, [](WebSocketSink&) {});
    ASSERT_TRUE(refused.fault);
    EXPECT_EQ(refused.fault->step, ConnectStep::kAnswer);
    EXPECT_THAT(refused.fault->message, HasSubstr("401"));
    EXPECT_EQ(refused.closed, 0);

    const std::string nobody = url();
    server_.reset();
    const Seen gone = talk({.url = nobody}, [](WebSocketSink&) {});
    ASSERT_TRUE(gone.fault);
    EXPECT_EQ(gone.fault->step, ConnectStep::kConnection);

    boost::asio::io_context io(1);
    EXPECT_FALSE(WebSocketClient::make(io, {.url = "http://a/"}));
    EXPECT_FALSE(WebSocketClient::make(
        io, {.url = "ws://a/", .connect = {.authorities_file = "/nonexistent/ca.pem"}}));
}

TEST_F(WebSocketClientTest, CutsOffAServerThatDoesNotRead) {
    WebSocketClientConfig config{.url = url()};
    config.limits.queue_bytes = 1'000'000;
    const Seen seen = talk(config, [](WebSocketSink& sink) {
        say(sink, "hello");
        say(sink, std::string(1'000'001, 'x'));
    });
    EXPECT_EQ(seen.closed, 1);
}

TEST_F(WebSocketClientTest, HearsOfAServerThatGoes) {
    boost::asio::io_context io(1);
    Seen seen;
    auto client = WebSocketClient::make(io, {.url = url()});
    (*client)->connect(std::make_unique<Talker>(seen, [](WebSocketSink&) {}),
                       [&](const ConnectFault& fault) { seen.fault = fault; });
    while (seen.opened == 0) {
        io.run_one();
    }
    server_->destroy_server();
    io.run();
    EXPECT_EQ(seen.closed, 1);
}

TEST_F(WebSocketClientTest, CanGoAwayAtAnyTime) {
    for (int steps = 0; steps < 16; ++steps) {
        boost::asio::io_context io(1);
        Seen seen;
        auto client = WebSocketClient::make(io, {.url = url()});
        (*client)->connect(
            std::make_unique<Talker>(seen, [](WebSocketSink& sink) { say(sink, "hello"); }),
            [&](const ConnectFault& fault) { seen.fault = fault; });
        for (int i = 0; i < steps && seen.closed == 0; ++i) {
            io.run_one();
        }
        const Seen before = seen;
        client->reset();
        io.run();
        EXPECT_EQ(seen.opened, before.opened);
        EXPECT_EQ(seen.closed, before.closed);
        EXPECT_EQ(seen.messages, before.messages);
        EXPECT_EQ(seen.fault.has_value(), before.fault.has_value());
    }
}

TEST_F(WebSocketClientTest, ConnectsAgain) {
    boost::asio::io_context io(1);
    Seen seen;
    auto client = WebSocketClient::make(io, {.url = url()});
    const auto begin = [](WebSocketSink& sink) { say(sink, "hello"); };
    for (int i = 0; i < 3; ++i) {
        (*client)->connect(std::make_unique<Talker>(seen, begin), [](const ConnectFault&) {});
    }
    io.run();
    io.restart();
    EXPECT_EQ(seen.opened, 1);
    EXPECT_EQ(seen.closed, 1);
    (*client)->connect(std::make_unique<Talker>(seen, begin), [](const ConnectFault&) {});
    io.run();
    EXPECT_EQ(seen.opened, 2);
    EXPECT_EQ(seen.closed, 2);
}

}  // namespace
}  // namespace isthmus::http
