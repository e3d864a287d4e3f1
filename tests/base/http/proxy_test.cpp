// Client and WebSocketClient through a proxy on loopback, to a server whose name nobody can look
// up.
#include <chrono>
#include <fstream>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/client.h"
#include "base/http/tls_identity.h"
#include "base/http/web_socket_client.h"
#include "tests/base/http/scripted_proxy.h"
#include "tests/base/http/server_fixture.h"
#include "tests/temporary_folder.h"

namespace isthmus::http {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kDigest =
    "HTTP/1.1 407 Proxy Authentication Required\r\n"
    "Proxy-Authenticate: Digest realm=\"corp\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n"
    "Content-Length: 0\r\n\r\n";

std::string open_to_all(const std::string& /*head*/) {
    return "HTTP/1.1 200 Connection established\r\n\r\n";
}

std::string digest_only(const std::string& head) {
    return head.contains("Proxy-Authorization: Digest username=\"node\"") ? open_to_all(head)
                                                                          : kDigest;
}

class ProxyTest : public testing::Test {
  protected:
    ProxyTest() {
        identity_ = make_self_signed({std::string(kHost)},
                                     std::chrono::duration_cast<std::chrono::seconds>(
                                         std::chrono::system_clock::now().time_since_epoch())
                                         .count())
                        .value();
        ServerConfig config = loopback_config();
        config.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
        config.tls = identity_;
        server_.emplace(std::move(config), [](Router& router) {
            router.add("GET", "/hello", [](const Request& request, Responder respond) {
                respond(Response::text(200, std::string(request.header("Host"))));
            });
        });
        authorities_ = (folder_.path() / "ca.pem").string();
        std::ofstream(authorities_) << identity_.certificate_pem;
    }

    [[nodiscard]] Result<Response> ask(const std::string& url, const std::string& proxy) {
        boost::asio::io_context io(1);
        ClientConfig config;
        config.connect.authorities_file = authorities_;
        config.connect.proxy = parse_proxy_url(proxy).value();
        auto client = Client::make(io, config);
        std::optional<Result<Response>> answer;
        (*client)->send({.method = "GET", .url = url, .headers = {}, .body = {}},
                        [&](Result<Response> result) { answer = std::move(result); });
        io.run();
        return std::move(answer).value();
    }

    // RFC 6761 section 6.4: no resolver may know it.
    static constexpr std::string_view kHost = "hub.invalid";

    TemporaryFolder folder_;
    TlsIdentity identity_;
    std::string authorities_;
    std::optional<RunningServer> server_;
};

TEST_F(ProxyTest, LooksUpNothingButTheProxy) {
    ScriptedProxy proxy(server_->port(true), open_to_all);
    const auto answer = ask("https://hub.invalid/hello", proxy.url());
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "hub.invalid");
    ASSERT_THAT(proxy.heads(), SizeIs(1));
    EXPECT_THAT(proxy.heads()[0], StartsWith("CONNECT hub.invalid:443 HTTP/1.1\r\n"));
}

TEST_F(ProxyTest, AuthenticatesByDigest) {
    ScriptedProxy proxy(server_->port(true), digest_only);
    const auto answer = ask("https://hub.invalid:8443/hello", proxy.url("node:pw"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "hub.invalid:8443");
    EXPECT_THAT(proxy.heads(), SizeIs(2));
    const auto refused = ask("https://hub.invalid/hello", proxy.url());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(refused.error().message, HasSubstr("the proxy: it wants a user and a password"));
}

TEST_F(ProxyTest, TellsACertificateFromAProxyThatIsInTheWay) {
    ScriptedProxy proxy(server_->port(true), open_to_all);
    const auto fault = ask("https://other.invalid/hello", proxy.url());
    ASSERT_FALSE(fault);
    EXPECT_EQ(fault.error().code, ErrorCode::kUnauthenticated);
    EXPECT_THAT(fault.error().message, HasSubstr("other.invalid"));
}

TEST_F(ProxyTest, SaysWhereTheProxyIsNotThere) {
    std::string nowhere;
    {
        const ScriptedProxy proxy(server_->port(true), open_to_all);
        nowhere = proxy.url();
    }
    const auto answer = ask("https://hub.invalid/hello", nowhere);
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, StartsWith("the proxy: cannot connect to 127.0.0.1:"));
}

}  // namespace
}  // namespace isthmus::http
