// Against the node's own HTTP server, on a port of the kernel's choice.
#include "tools/load/http_client.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "base/http/tls_identity.h"
#include "media/transport/io/clock.h"
#include "tests/base/http/server_fixture.h"
#include "tests/temporary_folder.h"

namespace isthmus::load {
namespace {

using http::Request;
using http::Responder;
using http::Response;
using http::RunningServer;
using media::transport::FileDescriptor;
using media::transport::IpAddress;
using media::transport::read_clock;

class Client {
  public:
    // `trust`: for HTTPS.
    Client(std::uint16_t port, std::size_t connections, const TlsTrust* trust = nullptr)
        : http_({.authority = {.host = "127.0.0.1",
                               .port = port,
                               .text = "127.0.0.1:" + std::to_string(port),
                               .secure = trust != nullptr},
                 .address = {.ip = IpAddress::v4({127, 0, 0, 1}), .port = port},
                 .connections = connections,
                 .trust = trust},
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

void add_echo(http::Router& router) {
    router.add("POST", "/echo", [](const Request& request, Responder respond) {
        respond(Response::text(200, request.body));
    });
}

TEST(HttpClient, SendsManyRequestsOverFewConnections) {
    RunningServer server(http::loopback_config(), add_echo);
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
    RunningServer server(http::loopback_config(), add_echo);
    Client client(server.port(), 1);
    const std::string large(60'000, 'x');
    client.post(large);
    client.run_until_done();
    ASSERT_EQ(client.answers.size(), 1U);
    EXPECT_EQ(client.answers[0], large);
}

// It read the end of the connection over and over.
TEST(HttpClient, LetsGoOfAKeptConnectionThatTheServerCloses) {
    auto server = std::make_unique<RunningServer>(http::loopback_config(), add_echo);
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

// A server with a certificate that it signed itself, as a node makes one.
class SecureServer {
  public:
    explicit SecureServer(const std::string& name) {
        const auto identity = http::make_self_signed({name}, ::time(nullptr));
        EXPECT_TRUE(identity);
        std::ofstream(certificate) << identity->certificate_pem;
        auto config = http::loopback_config();
        config.tls_listen = config.listen;
        config.tls = *identity;
        server.emplace(std::move(config), add_echo);
    }

    const isthmus::TemporaryFolder folder;
    const std::string certificate = folder.path() / "node.crt";
    std::optional<RunningServer> server;
};

TEST(HttpClient, SpeaksHttpsToWhomItIsToldToTrust) {
    const SecureServer secure("127.0.0.1");
    const auto trust = TlsTrust::make({.certificate_file = secure.certificate});
    ASSERT_TRUE(trust);
    Client client(secure.server->port(true), 2, &*trust);
    const std::string large(200'000, 'x');
    client.post(large);
    for (int i = 0; i < 20; ++i) {
        client.post("request " + std::to_string(i));
    }
    client.run_until_done();
    EXPECT_TRUE(client.errors.empty()) << client.errors.front();
    EXPECT_EQ(client.started, 21);
    ASSERT_EQ(client.answers.size(), 21U);
    EXPECT_NE(std::ranges::find(client.answers, large), client.answers.end());
}

void expect_distrust(const SecureServer& secure, const TlsTrust& trust) {
    Client client(secure.server->port(true), 1, &trust);
    client.post("secret");
    client.run_until_done();
    ASSERT_EQ(client.errors.size(), 1U);
    EXPECT_TRUE(client.errors[0].starts_with("the node at https://")) << client.errors[0];
    EXPECT_TRUE(client.errors[0].contains("not trusted")) << client.errors[0];
}

TEST(HttpClient, TrustsNobodyByItself) {
    const SecureServer secure("127.0.0.1");
    const auto trust = TlsTrust::make({});
    ASSERT_TRUE(trust);
    expect_distrust(secure, *trust);
}

TEST(HttpClient, WantsACertificateOfTheNodesName) {
    const SecureServer secure("node.example");
    const auto trust = TlsTrust::make({.certificate_file = secure.certificate});
    ASSERT_TRUE(trust);
    expect_distrust(secure, *trust);
}

TEST(HttpClient, TakesAnyCertificateWhereItIsTold) {
    const SecureServer secure("node.example");
    const auto trust = TlsTrust::make({.certificate_file = {}, .anybody = true});
    ASSERT_TRUE(trust);
    Client client(secure.server->port(true), 1, &*trust);
    client.post("hello");
    client.run_until_done();
    EXPECT_EQ(client.answers.size(), 1U);
}

TEST(HttpClient, SaysThatAFileHoldsNoCertificate) {
    const auto trust = TlsTrust::make({.certificate_file = "/dev/null"});
    ASSERT_FALSE(trust);
    EXPECT_TRUE(trust.error().message.contains("/dev/null"));
}

// The far end speaks plain HTTP.
TEST(HttpClient, SaysThatThereIsNoTls) {
    RunningServer server(http::loopback_config(), add_echo);
    const auto trust = TlsTrust::make({.certificate_file = {}, .anybody = true});
    ASSERT_TRUE(trust);
    Client client(server.port(), 1, &*trust);
    client.post("hello");
    client.run_until_done();
    ASSERT_EQ(client.errors.size(), 1U);
    EXPECT_TRUE(client.errors[0].contains("does not answer")) << client.errors[0];
}

TEST(HttpClient, SaysThatNobodyListens) {
    std::uint16_t port = 0;
    {
        const RunningServer server(http::loopback_config(), add_echo);
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
