#include "base/http/proxy_tunnel.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace isthmus::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Next = ProxyTunnel::Next;

class ProxyTunnelTest : public testing::Test {
  protected:
    [[nodiscard]] ProxyTunnel tunnel(const std::string& url) {
        return {parse_proxy_url(url).value(), "hub.example:443", random_};
    }

    SeededRandom random_{7};
};

constexpr std::string_view kChallenge =
    "HTTP/1.1 407 Proxy Authentication Required\r\n"
    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\"\r\n"
    "Content-Length: 3000\r\n\r\n<html>";

TEST(ProxyUrl, NamesHostPortAndCredentials) {
    const auto whole = parse_proxy_url("http://no%40de:p%3aw@proxy.corp:8080/");
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->host, "proxy.corp");
    EXPECT_EQ(whole->port, "8080");
    EXPECT_EQ(whole->credentials->user, "no@de");
    EXPECT_EQ(whole->credentials->password, "p:w");
    const auto bare = parse_proxy_url("http://[2001:db8::1]");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->host, "2001:db8::1");
    EXPECT_EQ(bare->port, "3128");
    EXPECT_FALSE(bare->credentials);
    for (const std::string url :
         {"", "proxy", "https://proxy", "http://proxy/path", "http://p?q"}) {
        EXPECT_FALSE(parse_proxy_url(url)) << url;
    }
    // The password stays out of the log.
    EXPECT_THAT(parse_proxy_url("http://user:secret@proxy:1/x").error().message,
                Not(HasSubstr("secret")));
}

TEST_F(ProxyTunnelTest, AsksForTheHostByName) {
    ProxyTunnel open = tunnel("http://proxy");
    EXPECT_EQ(open.request(), "CONNECT hub.example:443 HTTP/1.1\r\nHost: hub.example:443\r\n\r\n");
    EXPECT_EQ(open.handle_bytes("HTTP/1.1 200 Connection est"), Next::kReadMore);
    EXPECT_EQ(open.handle_bytes("ablished\r\nVia: x\r\n\r\n"), Next::kOpen);
}

TEST_F(ProxyTunnelTest, IgnoresALengthThatAGoodAnswerCannotHave) {
    ProxyTunnel open = tunnel("http://proxy");
    (void)open.request();
    // SPEC rfc9110#9.3.6
    EXPECT_EQ(open.handle_bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Next::kOpen);
}

TEST_F(ProxyTunnelTest, AnswersAChallengeOnANewConnection) {
    ProxyTunnel digest = tunnel("http://node:pw@proxy");
    EXPECT_THAT(digest.request(), Not(HasSubstr("Proxy-Authorization")));
    EXPECT_EQ(digest.handle_bytes(kChallenge), Next::kConnectAgain);
    const std::string again = digest.request();
    EXPECT_THAT(again, HasSubstr("\r\nProxy-Authorization: Digest username=\"node\""));
    EXPECT_THAT(again, HasSubstr("uri=\"hub.example:443\""));
    EXPECT_EQ(digest.handle_bytes("HTTP/1.1 200 OK\r\n\r\n"), Next::kOpen);
}

TEST_F(ProxyTunnelTest, TriesAgainWhereTheNonceHadGoneStaleOnly) {
    ProxyTunnel stale = tunnel("http://node:pw@proxy");
    (void)stale.request();
    EXPECT_EQ(stale.handle_bytes(kChallenge), Next::kConnectAgain);
    (void)stale.request();
    const std::string again =
        "HTTP/1.1 407 X\r\nProxy-Authenticate: Digest realm=\"p\", nonce=\"n2\", "
        "stale=true\r\n\r\n";
    EXPECT_EQ(stale.handle_bytes(again), Next::kConnectAgain);
    EXPECT_THAT(stale.request(), HasSubstr("nonce=\"n2\""));
    // A proxy that finds every nonce stale is not asked for ever.
    EXPECT_EQ(stale.handle_bytes(again), Next::kRefused);

    ProxyTunnel wrong = tunnel("http://node:pw@proxy");
    (void)wrong.request();
    EXPECT_EQ(wrong.handle_bytes(kChallenge), Next::kConnectAgain);
    (void)wrong.request();
    EXPECT_EQ(wrong.handle_bytes(kChallenge), Next::kRefused);
    EXPECT_EQ(wrong.refusal(), "it does not accept the user or the password");
}

TEST_F(ProxyTunnelTest, SaysWhatTheProxyWants) {
    ProxyTunnel nobody = tunnel("http://proxy");
    (void)nobody.request();
    EXPECT_EQ(nobody.handle_bytes(kChallenge), Next::kRefused);
    EXPECT_EQ(nobody.refusal(),
              "it wants a user and a password (Digest); give them in its address");

    ProxyTunnel windows = tunnel("http://node:pw@proxy");
    (void)windows.request();
    EXPECT_EQ(windows.handle_bytes("HTTP/1.1 407 X\r\nProxy-Authenticate: Negotiate\r\n"
                                   "Proxy-Authenticate: NTLM\r\n\r\n"),
              Next::kRefused);
    EXPECT_EQ(windows.refusal(), "it asks for Negotiate, NTLM; this side can do Digest and Basic");

    ProxyTunnel forbidden = tunnel("http://proxy");
    (void)forbidden.request();
    EXPECT_EQ(forbidden.handle_bytes("HTTP/1.1 403 Forbidden\r\n\r\n"), Next::kRefused);
    EXPECT_EQ(forbidden.refusal(),
              "it does not allow a way to hub.example:443 (403); let it allow that");
}

TEST_F(ProxyTunnelTest, ShowsNoPasswordWhereBasicIsForbidden) {
    ProxyConfig config = parse_proxy_url("http://node:pw@proxy").value();
    config.basic_allowed = false;
    ProxyTunnel strict(config, "hub.example:443", random_);
    (void)strict.request();
    EXPECT_EQ(strict.handle_bytes("HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=p\r\n\r\n"),
              Next::kRefused);
    EXPECT_THAT(strict.refusal(), HasSubstr("Basic is forbidden"));
}

TEST_F(ProxyTunnelTest, BelievesNothingElse) {
    const auto ends = [&](std::string_view answer) {
        ProxyTunnel broken = tunnel("http://node:pw@proxy");
        (void)broken.request();
        return broken.handle_bytes(answer);
    };
    EXPECT_EQ(ends("SSH-2.0-OpenSSH\r\n"), Next::kRefused);
    EXPECT_EQ(ends("HTTP/1.1 200 OK\r\n\r\nearly"), Next::kRefused);
    EXPECT_EQ(ends("HTTP/1.1 407 X\r\nProxy-Authenticate: Digest \"\r\n\r\n"), Next::kRefused);
    EXPECT_EQ(ends("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')), Next::kRefused);
    EXPECT_EQ(ends("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), Next::kOpen);
    EXPECT_EQ(ends("HTTP/1.1 100 Continue\r\n\r\n"), Next::kReadMore);
}

}  // namespace
}  // namespace isthmus::http
