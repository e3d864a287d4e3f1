#include "base/http/server.h"

#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/base/http/server_fixture.h"

namespace isthmus::http {
namespace {

using std::chrono::milliseconds;

void add_echo(Router& router) {
    router.add("GET", "/hello", [](const Request& request, Responder respond) {
        respond(Response::text(200, request.base_url + " " + request.remote_address));
    });
    router.add("POST", "/echo", [](const Request& request, Responder respond) {
        respond(Response::text(201, request.body));
    });
}

std::string post(std::string_view body) {
    return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: node.example:81\r\n\r\n";

TEST(Server, AnswersSeveralRequestsOnOneConnection) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    for (int i = 0; i < 3; ++i) {
        client.send(kGet);
        const WireResponse response = client.receive();
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(response.body, "http://node.example:81 127.0.0.1");
        EXPECT_TRUE(response.has("Date: "));
        EXPECT_TRUE(response.has("X-Content-Type-Options: nosniff"));
    }
    EXPECT_EQ(running.counters().connections_accepted, 1U);
    EXPECT_EQ(running.counters().responses_2xx, 3U);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    client.send(post("one") + post("two") + post("three"));
    EXPECT_EQ(client.receive().body, "one");
    EXPECT_EQ(client.receive().body, "two");
    EXPECT_EQ(client.receive().body, "three");
}

TEST(Server, ClosesWhenTheClientAsksForIt) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.receive().status, 200U);
    EXPECT_TRUE(client.receive_end());
}

TEST(Server, LeavesTheBodyOutForHead) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const WireResponse response = client.receive(true);
    EXPECT_EQ(response.status, 200U);
    EXPECT_TRUE(response.has("Content-Length: 18"));
    client.send(kGet);
    EXPECT_EQ(client.receive().status, 200U);
}

TEST(Server, TakesABodyOfExactlyTheLimit) {
    ServerConfig config = loopback_config();
    config.limits.body_bytes = 1000;
    RunningServer running(std::move(config), add_echo);
    WireClient client(running.port());
    const std::string body(1000, 'x');
    client.send(post(body));
    EXPECT_EQ(client.receive().body, body);
    client.send(post(body + "x"));
    EXPECT_EQ(client.receive().status, 413U);
}

TEST(Server, Refuses10MegabytesAndTheClientStillReadsWhy) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    // Everything is written before anything is read, as simple clients do.
    EXPECT_TRUE(client.send(post(std::string().append(10'000'000, 'x'))));
    const WireResponse response = client.receive();
    EXPECT_EQ(response.status, 413U);
    EXPECT_TRUE(response.has("Content-Type: application/problem+json"));
    EXPECT_TRUE(response.has("Connection: close"));
    client.close();
    running.wait_until_empty();
    EXPECT_EQ(running.counters().requests, 0U);
    EXPECT_EQ(running.counters().requests_refused, 1U);
}

TEST(Server, RefusesAChunkedBodyThatGrowsTooLong) {
    ServerConfig config = loopback_config();
    config.limits.body_bytes = 100;
    RunningServer running(std::move(config), add_echo);
    WireClient client(running.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "40\r\n" + std::string(64, 'x') + "\r\n";
    client.send(chunk + chunk + "0\r\n\r\n");
    EXPECT_EQ(client.receive().status, 413U);
    EXPECT_TRUE(client.receive_end());
}

TEST(Server, TakesAChunkedBody) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_EQ(client.receive().body, "abcde");
}

TEST(Server, SaysContinueToAClientThatAsksFirst) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.receive().status, 100U);
    client.send("ok");
    EXPECT_EQ(client.receive().body, "ok");
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n"
        "Expect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.receive().status, 413U);
}

TEST(Server, RefusesALongHeader) {
    RunningServer running(loopback_config(), add_echo);
    WireClient client(running.port());
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(20'000, 'x') +
                "\r\n\r\n");
    EXPECT_EQ(client.receive().status, 431U);
    EXPECT_TRUE(client.receive_end());
}

TEST(Server, RefusesMalformedRequestsAndCloses) {
    RunningServer running(loopback_config(), add_echo);
    const std::string smuggling =
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    const std::vector<std::string> malformed = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost a\r\n\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",                        // no Host
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",  // two
        "GET /hello HTTP/1.1\r\nHost: a/../b\r\n\r\n",        // not a host
        "GET hello HTTP/1.1\r\nHost: a\r\n\r\n",              // no path
        "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",               // broken escape
        "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",               // control character
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        smuggling,
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03",  // TLS to the plain port
    };
    for (const std::string& request : malformed) {
        WireClient client(running.port());
        client.send(request);
        EXPECT_EQ(client.receive().status, 400U) << request;
        EXPECT_TRUE(client.receive_end()) << request;
    }
    EXPECT_EQ(running.counters().requests, 0U);
    EXPECT_EQ(running.counters().requests_refused, malformed.size());
}

TEST(Server, CutsOffWhoeverSendsAHeaderSlowly) {
    ServerConfig config = loopback_config();
    config.limits.header_time = milliseconds(30);
    RunningServer running(std::move(config), add_echo);
    WireClient client(running.port());
    client.send("GET /hello HTTP/1.1\r\nHo");
    EXPECT_TRUE(client.receive_end());
    running.wait_until_empty();
    EXPECT_EQ(running.counters().requests_timed_out, 1U);
}

TEST(Server, CutsOffWhoeverSendsABodySlowly) {
    ServerConfig config = loopback_config();
    config.limits.body_time = milliseconds(30);
    RunningServer running(std::move(config), add_echo);
    WireClient client(running.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    EXPECT_TRUE(client.receive_end());
    running.wait_until_empty();
    EXPECT_EQ(running.counters().requests_timed_out, 1U);
}

TEST(Server, ClosesIdleConnections) {
    ServerConfig config = loopback_config();
    config.limits.idle_time = milliseconds(30);
    RunningServer running(std::move(config), add_echo);
    WireClient silent(running.port());
    EXPECT_TRUE(silent.receive_end());
    WireClient client(running.port());
    client.send(kGet);
    EXPECT_EQ(client.receive().status, 200U);
    EXPECT_TRUE(client.receive_end());
    running.wait_until_empty();
    EXPECT_EQ(running.counters().requests_timed_out, 0U);
}

TEST(Server, BoundsConnectionsOfOneAddress) {
    ServerConfig config = loopback_config();
    config.limits.connections_per_address = 2;
    RunningServer running(std::move(config), add_echo);
    WireClient first(running.port());
    WireClient second(running.port());
    WireClient third(running.port());
    EXPECT_TRUE(third.receive_end());
    first.send(kGet);
    EXPECT_EQ(first.receive().status, 200U);
    EXPECT_EQ(running.counters().connections_refused, 1U);
    EXPECT_EQ(running.counters().connections_open, 2U);
}

TEST(Server, BoundsConnectionsInAllAndTakesNewOnesWhenOldOnesGo) {
    ServerConfig config = loopback_config();
    config.limits.connections = 1;
    RunningServer running(std::move(config), add_echo);
    {
        WireClient first(running.port());
        WireClient second(running.port());
        EXPECT_TRUE(second.receive_end());
        first.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(first.receive().status, 200U);
        EXPECT_TRUE(first.receive_end());
    }
    running.wait_until_empty();
    WireClient third(running.port());
    third.send(kGet);
    EXPECT_EQ(third.receive().status, 200U);
}

TEST(Server, ServesManyClientsAtATime) {
    ServerConfig config = loopback_config();
    config.limits.connections_per_address = 200;
    RunningServer running(std::move(config), add_echo);
    std::vector<std::unique_ptr<WireClient>> clients;
    for (int i = 0; i < 150; ++i) {
        clients.push_back(std::make_unique<WireClient>(running.port()));
        clients.back()->send(post(std::to_string(i)));
    }
    for (int i = 0; i < 150; ++i) {
        EXPECT_EQ(clients[static_cast<std::size_t>(i)]->receive().body, std::to_string(i));
    }
}

// Keeps the first request's responder until the test wants the answer.
struct Later {
    std::promise<void> asked;
    std::optional<Responder> respond;

    void operator()(Router& router) {
        add_echo(router);
        router.add("GET", "/later", [this](const Request& /*request*/, Responder responder) {
            respond.emplace(std::move(responder));
            asked.set_value();
        });
    }

    void wait() { asked.get_future().wait(); }
};

constexpr std::string_view kLater = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Server, SendsAnAnswerThatComesLater) {
    Later later;
    RunningServer running(loopback_config(), [&](Router& router) { later(router); });
    WireClient client(running.port());
    client.send(kLater);
    later.wait();
    running.on_server([&] { (*later.respond)(Response::text(200, "at last")); });
    EXPECT_EQ(client.receive().body, "at last");
    // The second answer to one request goes nowhere.
    running.on_server([&] { (*later.respond)(Response::text(200, "again")); });
    client.send(kGet);
    EXPECT_EQ(client.receive().status, 200U);
    running.on_server([&] { later.respond.reset(); });
}

TEST(Server, AnswersForAHandlerThatDropsTheRequest) {
    RunningServer running(loopback_config(), [](Router& router) {
        router.add("GET", "/drop", [](const Request& /*request*/, const Responder& /*respond*/) {});
        router.add("GET", "/throw", [](const Request& /*request*/, const Responder& /*respond*/) {
            throw std::runtime_error("a third party's");
        });
    });
    for (const std::string path : {"/drop", "/throw"}) {
        WireClient client(running.port());
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const WireResponse response = client.receive();
        EXPECT_EQ(response.status, 500U);
        EXPECT_TRUE(response.has("problem+json"));
    }
    EXPECT_EQ(running.counters().responses_5xx, 2U);
}

TEST(Server, SurvivesAClientThatLeavesBeforeTheAnswer) {
    Later later;
    RunningServer running(loopback_config(), [&](Router& router) { later(router); });
    {
        WireClient client(running.port());
        client.send(kLater);
        later.wait();
    }
    running.on_server([&] {
        (*later.respond)(Response::text(200, std::string(1'000'000, 'x')));
        later.respond.reset();
    });
    WireClient other(running.port());
    other.send(kGet);
    EXPECT_EQ(other.receive().status, 200U);
}

TEST(Server, FinishesAnswersBeforeItStops) {
    Later later;
    RunningServer running(loopback_config(), [&](Router& router) { later(router); });
    WireClient idle(running.port());
    idle.send(kGet);
    EXPECT_EQ(idle.receive().status, 200U);
    WireClient busy(running.port());
    busy.send(kLater);
    later.wait();
    std::promise<void> stopped;
    auto waiting = stopped.get_future();
    running.on_server([&] { running.server().stop([&] { stopped.set_value(); }); });
    EXPECT_TRUE(idle.receive_end());
    EXPECT_EQ(waiting.wait_for(milliseconds(0)), std::future_status::timeout);
    running.on_server([&] {
        (*later.respond)(Response::text(200, "finished"));
        later.respond.reset();
    });
    const WireResponse response = busy.receive();
    EXPECT_EQ(response.body, "finished");
    EXPECT_TRUE(response.has("Connection: close"));
    EXPECT_TRUE(busy.receive_end());
    waiting.wait();
    EXPECT_EQ(running.counters().connections_open, 0U);
}

TEST(Server, MayBeDestroyedWithConnectionsAndAnswersOutstanding) {
    Later later;
    RunningServer running(loopback_config(), [&](Router& router) { later(router); });
    WireClient busy(running.port());
    busy.send(kLater);
    later.wait();
    WireClient idle(running.port());
    idle.send(kGet);
    EXPECT_EQ(idle.receive().status, 200U);
    running.destroy_server();
    EXPECT_TRUE(idle.receive_end());
    EXPECT_TRUE(busy.receive_end());
    running.on_server([&] {
        (*later.respond)(Response::text(200, "nobody is there any more"));
        later.respond.reset();
    });
}

TEST(Server, BelievesOnlyTrustedProxies) {
    const std::string forwarded =
        "GET /hello HTTP/1.1\r\nHost: inner:8080\r\nX-Forwarded-For: 10.0.0.1, 203.0.113.9\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: meet.example.org\r\n\r\n";
    RunningServer plain(loopback_config(), add_echo);
    WireClient client(plain.port());
    client.send(forwarded);
    EXPECT_EQ(client.receive().body, "http://inner:8080 127.0.0.1");
    ServerConfig config = loopback_config();
    config.trusted_proxies = {"127.0.0.1"};
    RunningServer behind_proxy(std::move(config), add_echo);
    WireClient proxy(behind_proxy.port());
    proxy.send(forwarded);
    EXPECT_EQ(proxy.receive().body, "https://meet.example.org 203.0.113.9");
}

TEST(Server, NeverLetsAHandlerSplitAResponse) {
    RunningServer running(loopback_config(), [](Router& router) {
        router.add("GET", "/split", [](const Request& /*request*/, Responder respond) {
            Response response = Response::text(200, "ok");
            response.headers.emplace("Location", "/a\r\nSet-Cookie: stolen=1");
            respond(std::move(response));
        });
    });
    WireClient client(running.port());
    client.send("GET /split HTTP/1.1\r\nHost: a\r\n\r\n");
    const WireResponse response = client.receive();
    EXPECT_EQ(response.status, 200U);
    EXPECT_FALSE(response.has("Set-Cookie"));
}

TEST(Server, LetsOnlyKnownOriginsThrough) {
    ServerConfig config = loopback_config();
    config.allowed_origins = {"https://meet.example.org"};
    RunningServer running(std::move(config), [](Router& router) {
        router.add("GET", "/cors", [](const Request& /*request*/, Responder respond) {
            Response response = Response::text(200, "ok");
            response.headers.emplace("Access-Control-Allow-Origin", "*");
            respond(std::move(response));
        });
    });
    WireClient client(running.port());
    client.send("GET /cors HTTP/1.1\r\nHost: a\r\nOrigin: https://meet.example.org\r\n\r\n");
    EXPECT_TRUE(client.receive().has("Access-Control-Allow-Origin: https://meet.example.org"));
    client.send("GET /cors HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n");
    EXPECT_FALSE(client.receive().has("Access-Control-Allow-Origin"));
}

// A browser lets a page see no answer without these headers: the page could not tell too long a
// body from a node that is down.
TEST(Server, LetsAPageReadWhyItsRequestWasRefused) {
    ServerConfig config = loopback_config();
    config.limits.body_bytes = 100;
    config.limits.web_socket.header_bytes = config.limits.header_bytes;
    config.allowed_origins = {"https://meet.example.org"};
    RunningServer running(std::move(config), [](Router& router) {
        add_echo(router);
        router.finish_refusals("/echo", [](Response response, Responder respond) {
            response.headers.emplace("Access-Control-Allow-Origin", "*");
            respond(std::move(response));
        });
    });
    const std::string origin = "Origin: https://meet.example.org\r\n";
    const std::string post_from_page = "POST /echo HTTP/1.1\r\nHost: a\r\n" + origin;
    const std::string chunk = "40\r\n" + std::string(64, 'x') + "\r\n";
    const std::vector<std::string> ends = {"Content-Length: 101\r\n\r\n" + std::string(101, 'x'),
                                           "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk,
                                           "X-Long: " + std::string(20'000, 'x') + "\r\n\r\n",
                                           std::string("Content-Length: many\r\n\r\n")};
    for (const std::string& end : ends) {
        WireClient client(running.port());
        client.send(post_from_page);
        client.send(end);
        const WireResponse response = client.receive();
        EXPECT_GE(response.status, 400U);
        EXPECT_TRUE(response.has("Access-Control-Allow-Origin: https://meet.example.org"))
            << response.head;
    }
    WireClient stranger(running.port());
    stranger.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n"
        "Content-Length: 101\r\n\r\n");
    const WireResponse response = stranger.receive();
    EXPECT_EQ(response.status, 413U);
    EXPECT_FALSE(response.has("Access-Control-Allow-Origin"));
}

TEST(Server, SaysWhichAddressItCannotHave) {
    RunningServer running(loopback_config(), add_echo);
    boost::asio::io_context io;
    const Router router;
    ServerConfig config;
    config.listen = {{.ip = "127.0.0.1", .port = running.port()}};
    const auto second = Server::start(io, std::move(config), router);
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(second.error().message.contains("127.0.0.1:" + std::to_string(running.port())));
    EXPECT_TRUE(second.error().message.contains("stop the program that has it"));
}

}  // namespace
}  // namespace isthmus::http
