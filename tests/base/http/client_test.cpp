// The client against a real Server on loopback.
#include "base/http/client.h"

#include <atomic>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "base/http/tls_identity.h"
#include "tests/base/http/server_fixture.h"
#include "tests/temporary_folder.h"

namespace isthmus::http {
namespace {

void echo(Router& router) {
    router.add("POST", "/echo", [](const Request& request, Responder respond) {
        Response response = Response::text(201, request.method + " " + request.body);
        response.headers.emplace("X-Host", std::string(request.header("Host")));
        respond(std::move(response));
    });
}

// Sends one request and runs until it is answered.
Result<Response> ask(ClientRequest request, const ClientConfig& config = {}) {
    boost::asio::io_context io(1);
    auto client = Client::make(io, config);
    EXPECT_TRUE(client);
    std::optional<Result<Response>> answer;
    (*client)->send(std::move(request),
                    [&](Result<Response> result) { answer = std::move(result); });
    EXPECT_FALSE(answer);
    io.run();
    return std::move(answer).value();
}

std::string local(const RunningServer& server, std::string_view path) {
    return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

TEST(HttpClient, SendsARequestAndReadsTheAnswer) {
    const RunningServer server(loopback_config(), echo);
    const auto answer =
        ask({.method = "POST", .url = local(server, "/echo"), .headers = {}, .body = "hello"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 201U);
    EXPECT_EQ(answer->body, "POST hello");
    EXPECT_EQ(answer->headers.find("X-Host")->second, "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(
        ask({.method = "GET", .url = local(server, "/none"), .headers = {}, .body = {}})->status,
        404U);
}

TEST(HttpClient, SaysWhatWasInTheWay) {
    std::string nobody;
    {
        const RunningServer server(loopback_config(), echo);
        nobody = local(server, "/echo");
    }
    const auto refused = ask({.method = "POST", .url = nobody, .headers = {}, .body = {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    for (const std::string url :
         {"", "nonsense", "ftp://a/", "http://", "http://user@host/", "/path"}) {
        EXPECT_FALSE(fault_of_url(url).empty()) << url;
        EXPECT_EQ(ask({.method = "POST", .url = url, .headers = {}, .body = {}}).error().code,
                  ErrorCode::kInvalidArgument)
            << url;
    }
    EXPECT_EQ(fault_of_url("https://[::1]:8443/a?b=c"), "");
}

TEST(HttpClient, TakesNoMoreThanItsLimit) {
    const RunningServer server(loopback_config(), [](Router& router) {
        router.add("GET", "/big", [](const Request&, Responder respond) {
            respond(Response::text(200, std::string(100'000, 'x')));
        });
    });
    EXPECT_FALSE(ask({.method = "GET", .url = local(server, "/big"), .headers = {}, .body = {}}));
}

TEST(HttpClient, TrustsOnlyCertificatesOfKnownAuthorities) {
    const auto identity = make_self_signed({"localhost"},
                                           std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count());
    ASSERT_TRUE(identity);
    ServerConfig config = loopback_config();
    config.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
    config.tls = *identity;
    const RunningServer server(std::move(config), echo);
    const std::string port = std::to_string(server.port(true));
    const ClientRequest request{.method = "POST",
                                .url = "https://localhost:" + port + "/echo",
                                .headers = {},
                                .body = "hi"};
    EXPECT_EQ(ask(request).error().code, ErrorCode::kUnauthenticated);

    const isthmus::TemporaryFolder folder;
    const std::string authorities = (folder.path() / "ca.pem").string();
    std::ofstream(authorities) << identity->certificate_pem;
    const auto answer = ask(request, {.connect = {.authorities_file = authorities}});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "POST hi");
    // Known, but of another name.
    ClientRequest other = request;
    other.url = "https://127.0.0.1:" + port + "/echo";
    EXPECT_FALSE(ask(other, {.connect = {.authorities_file = authorities}}));
    // Who knows the server by other means may go on, having been told.
    std::string fault;
    const auto accept = [&](const std::string& what) {
        fault = what;
        return true;
    };
    const auto accepted =
        ask(other, {.connect = {.authorities_file = authorities, .accept_certificate = accept}});
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(fault, "it is not for 127.0.0.1");
    EXPECT_TRUE(ask(request, {.connect = {.accept_certificate = accept}}));
    EXPECT_EQ(fault, "self-signed certificate");
}

TEST(HttpClient, TellsTheStepsThatWentWell) {
    const RunningServer server(loopback_config(), echo);
    std::vector<ConnectStep> steps;
    const ClientConfig config{.connect = {.on_step = [&](ConnectStep step, const std::string&) {
                                  steps.push_back(step);
                              }}};
    ASSERT_TRUE(
        ask({.method = "POST", .url = local(server, "/echo"), .headers = {}, .body = {}}, config));
    EXPECT_EQ(steps, std::vector{ConnectStep::kConnection});
    steps.clear();
    const std::string by_name = "http://localhost:" + std::to_string(server.port()) + "/echo";
    ASSERT_TRUE(ask({.method = "POST", .url = by_name, .headers = {}, .body = {}}, config));
    EXPECT_EQ(steps, (std::vector{ConnectStep::kAddress, ConnectStep::kConnection}));
}

TEST(HttpClient, CanGoAwayAtAnyTime) {
    const RunningServer server(loopback_config(), echo);
    for (int steps = 0; steps < 12; ++steps) {
        boost::asio::io_context io(1);
        auto client = Client::make(io, {});
        bool answered = false;
        (*client)->send(
            {.method = "POST", .url = local(server, "/echo"), .headers = {}, .body = "hello"},
            [&](const Result<Response>&) { answered = true; });
        for (int i = 0; i < steps && !answered; ++i) {
            io.run_one();
        }
        const bool before = answered;
        client->reset();
        io.run();
        EXPECT_EQ(answered, before);
    }
}

}  // namespace
}  // namespace isthmus::http
