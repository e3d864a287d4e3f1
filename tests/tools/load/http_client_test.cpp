// Against the node's own HTTP server, on a port of the kernel's choice.
#include "tools/load/http_client.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "media/transport/io/clock.h"
#include "tests/signaling/http/server_fixture.h"

namespace isthmus::load {
namespace {

using media::transport::FileDescriptor;
using media::transport::IpAddress;
using media::transport::read_clock;
using signaling::http::Request;
using signaling::http::Responder;
using signaling::http::Response;
using signaling::http::RunningServer;

class Client {
  public:
    Client(std::uint16_t port, std::size_t connections)
        : http_({.authority = {.host = "127.0.0.1",
                               .port = port,
                               .text = "127.0.0.1:" + std::to_string(port)},
                 .address = {.ip = IpAddress::v4({127, 0, 0, 1}), .port = port},
                 .connections = connections},
                epoll_.get(),
                kFirstTag) {}

    void post(const std::string& body) {
        http_.request(
            {.method = "POST", .target = "/echo", .headers = {}, .body = body},
            [this](Instant) { ++started; },
            [this](Instant, Result<Response> response) {
                response ? answers.push_back(response->body)
                         : errors.push_back(response.error().message);
            });
    }

    void run_until_done() {
        http_.work(read_clock());
        std::array<epoll_event, 8> events{};
        while (http_.pending() > 0) {
            const int count = ::epoll_wait(epoll_.get(), events.data(), 8, 5000);
            ASSERT_GT(count, 0);
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                ASSERT_TRUE(http_.owns(event.data.u64));
                http_.handle_event(read_clock(), event.data.u64, event.events);
            }
        }
    }

    // What comes on its own, such as the end of a kept connection.
    void handle_next_event() {
        epoll_event event{};
        ASSERT_EQ(::epoll_wait(epoll_.get(), &event, 1, 5000), 1);
        http_.handle_event(read_clock(), event.data.u64, event.events);
    }

    int started = 0;
    std::vector<std::string> answers;
    std::vector<std::string> errors;

  private:
    static constexpr std::uint64_t kFirstTag = 5;

    FileDescriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    HttpClient http_;
};

void add_echo(signaling::http::Router& router) {
    router.add("POST", "/echo", [](const Request& request, Responder respond) {
        respond(Response::text(200, request.body));
    });
}

TEST(HttpClient, SendsManyRequestsOverFewConnections) {
    RunningServer server(signaling::http::loopback_config(), add_echo);
    Client client(server.port(), 3);
    for (int i = 0; i < 50; ++i) {
        client.post("request " + std::to_string(i));
    }
    client.run_until_done();
    EXPECT_EQ(client.started, 50);
    ASSERT_EQ(client.answers.size(), 50U);
    EXPECT_TRUE(client.errors.empty());
    EXPECT_LE(server.counters().connections_accepted, 3U);
}

TEST(HttpClient, SendsAndReceivesLargeBodies) {
    RunningServer server(signaling::http::loopback_config(), add_echo);
    Client client(server.port(), 1);
    const std::string large(60'000, 'x');
    client.post(large);
    client.run_until_done();
    ASSERT_EQ(client.answers.size(), 1U);
    EXPECT_EQ(client.answers[0], large);
}

// It read the end of the connection over and over.
TEST(HttpClient, LetsGoOfAKeptConnectionThatTheServerCloses) {
    auto server = std::make_unique<RunningServer>(signaling::http::loopback_config(), add_echo);
    Client client(server->port(), 1);
    client.post("hello");
    client.run_until_done();
    ASSERT_EQ(client.answers.size(), 1U);
    server.reset();
    client.handle_next_event();
    client.post("hello again");
    client.run_until_done();
    ASSERT_EQ(client.errors.size(), 1U);
    EXPECT_TRUE(client.errors[0].contains("does not answer")) << client.errors[0];
}

TEST(HttpClient, SaysThatNobodyListens) {
    std::uint16_t port = 0;
    {
        const RunningServer server(signaling::http::loopback_config(), add_echo);
        port = server.port();
    }
    Client client(port, 1);
    client.post("hello");
    client.run_until_done();
    ASSERT_EQ(client.errors.size(), 1U);
    EXPECT_TRUE(client.errors[0].contains("does not answer")) << client.errors[0];
}

}  // namespace
}  // namespace isthmus::load
