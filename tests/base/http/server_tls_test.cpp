#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/base/http/server_fixture.h"

namespace isthmus::http {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

ServerConfig tls_config() {
    ServerConfig config;
    config.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
    config.tls = make_self_signed({"localhost"}, kNow).value();
    return config;
}

void add_hello(Router& router) {
    router.add("GET", "/hello", [](const Request& request, Responder respond) {
        respond(Response::text(200, request.base_url + (request.secure ? " secure" : " plain")));
    });
}

struct TlsClient {
    explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
        : wire(port), context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
        SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context.get(), version_max);
        // Level 0, or this side would refuse old versions before the server can.
        SSL_CTX_set_security_level(context.get(), 0);
        ssl.reset(SSL_new(context.get()));
        SSL_set_fd(ssl.get(), wire.fd());
    }

    [[nodiscard]] bool handshake() const { return SSL_connect(ssl.get()) == 1; }

    [[nodiscard]] std::string get(std::string_view request) const {
        SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
        std::string text(4096, '\0');
        const int size = SSL_read(ssl.get(), text.data(), static_cast<int>(text.size()));
        return text.substr(0, static_cast<std::size_t>(std::max(0, size)));
    }

    WireClient wire;
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context;
    std::unique_ptr<SSL, void (*)(SSL*)> ssl{nullptr, SSL_free};
};

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST(ServerTls, AnswersOverTls12And13) {
    RunningServer running(tls_config(), add_hello);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const TlsClient client(running.port(true), version);
        ASSERT_TRUE(client.handshake());
        EXPECT_EQ(SSL_version(client.ssl.get()), version);
        EXPECT_TRUE(client.get(kGet).ends_with("https://localhost secure"));
        EXPECT_TRUE(client.get(kGet).ends_with("https://localhost secure"));
    }
}

TEST(ServerTls, RefusesOlderVersions) {
    RunningServer running(tls_config(), add_hello);
    const TlsClient client(running.port(true), TLS1_1_VERSION);
    EXPECT_FALSE(client.handshake());
    running.wait_until_empty();
    EXPECT_EQ(running.counters().tls_handshakes_failed, 1U);
}

TEST(ServerTls, ShowsANewCertificateToNewConnections) {
    RunningServer running(tls_config(), add_hello);
    const TlsIdentity renewed = make_self_signed({"renewed.example"}, kNow).value();
    const TlsClient before(running.port(true));
    ASSERT_TRUE(before.handshake());
    running.on_server([&] { ASSERT_TRUE(running.server().use_identity(renewed).has_value()); });
    EXPECT_TRUE(before.get(kGet).ends_with("secure"));
    const TlsClient after(running.port(true));
    ASSERT_TRUE(after.handshake());
    const std::unique_ptr<X509, void (*)(X509*)> certificate(
        SSL_get1_peer_certificate(after.ssl.get()), X509_free);
    EXPECT_EQ(X509_check_host(certificate.get(), "renewed.example", 0, 0, nullptr), 1);
}

TEST(ServerTls, RefusesACertificateThatIsNone) {
    boost::asio::io_context io;
    const Router router;
    ServerConfig config = tls_config();
    config.tls->certificate_pem = "-----BEGIN NONSENSE-----";
    EXPECT_FALSE(Server::start(io, config, router).has_value());
    config.tls.reset();
    EXPECT_FALSE(Server::start(io, config, router).has_value());
}

}  // namespace
}  // namespace isthmus::http
