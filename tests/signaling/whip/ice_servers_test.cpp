#include "signaling/whip/ice_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/percent_encoding.h"

namespace isthmus::signaling::whip {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kNow = 1'750'000'000;

IceServer server_of(std::vector<std::string> urls) {
    IceServer server;
    server.urls = std::move(urls);
    return server;
}

TEST(IceServers, SharedSecretGivesCoturnsCredentials) {
    IceServer server = server_of(
        {"turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:5349?transport=tcp"});
    server.shared_secret = "north";
    server.ttl = std::chrono::hours(1);
    const auto granted = grant_ice_servers({server}, "alice", kNow);
    ASSERT_EQ(granted.size(), 2U);
    EXPECT_EQ(granted[0].url, "turn:turn.example.org:3478?transport=udp");
    EXPECT_EQ(granted[0].username, "1750003600:alice");
    // printf '1750003600:alice' | openssl dgst -sha1 -hmac north -binary | base64
    EXPECT_EQ(granted[0].credential, "KxmcMxTTGzaN788h5DCnnXoYf9c=");
    EXPECT_EQ(granted[1].credential, granted[0].credential);
}

TEST(IceServers, IdentityIsAsciiInTheUserName) {
    IceServer server = server_of({"turn:t"});
    server.shared_secret = "s";
    EXPECT_EQ(grant_ice_servers({server},
                                "b\xC3\xB6"
                                "b:\"x\"",
                                kNow)[0]
                  .username,
              std::to_string(kNow + 86400) + ":b%C3%B6b%3A%22x%22");
}

TEST(IceServers, StunHasNoCredentialsAndFixedOnesStay) {
    IceServer server = server_of({"stun:s", "turn:t"});
    server.username = "u";
    server.credential = "p";
    const auto granted = grant_ice_servers({server}, "alice", kNow);
    ASSERT_EQ(granted.size(), 2U);
    EXPECT_EQ(granted[0].username, "");
    EXPECT_EQ(granted[0].credential, "");
    EXPECT_EQ(granted[1].username, "u");
    EXPECT_EQ(granted[1].credential, "p");
}

// SPEC rfc9725#4.6
TEST(IceServers, LinkIsThatOfRfc9725) {
    EXPECT_EQ(write_link({.url = "stun:stun.example.net", .username = "", .credential = ""}),
              R"(<stun:stun.example.net>; rel="ice-server")");
    EXPECT_EQ(write_link({.url = "turn:turn.example.net?transport=udp",
                          .username = "user",
                          .credential = "my\"Pass\\word"}),
              R"(<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; )"
              R"(credential="my\"Pass\\word"; credential-type="password")");
}

TEST(IceServers, ConfigurationIsChecked) {
    const auto refusal = [](const IceServer& server) {
        const Result<void> checked = check_ice_server(server);
        return checked ? std::string("accepted") : checked.error().message;
    };
    EXPECT_EQ(refusal(server_of({"stun:s"})), "accepted");
    EXPECT_THAT(refusal(server_of({})), HasSubstr("at least one URL"));
    EXPECT_THAT(refusal(server_of({"http://s"})), HasSubstr("must begin with"));
    EXPECT_THAT(refusal(server_of({"stun:a b"})), HasSubstr("no spaces"));
    EXPECT_THAT(refusal(server_of({"stun:a>; rel=x"})), HasSubstr("must begin with"));
    EXPECT_THAT(refusal(server_of({"turn:t"})), HasSubstr("shared_secret"));
    IceServer server = server_of({"turn:t"});
    server.username = "u";
    EXPECT_THAT(refusal(server), HasSubstr("shared_secret"));
    server.credential = "p q";
    EXPECT_THAT(refusal(server), HasSubstr("ASCII"));
    server.credential = "p";
    EXPECT_EQ(refusal(server), "accepted");
    server.ttl = std::chrono::seconds(0);
    EXPECT_THAT(refusal(server), HasSubstr("ttl"));
}

TEST(PercentEncoding, KeepsUnreservedCharactersOnly) {
    EXPECT_EQ(http::percent_encode("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(http::percent_encode("a b/c?\xC3\xA9%"), "a%20b%2Fc%3F%C3%A9%25");
}

}  // namespace
}  // namespace isthmus::signaling::whip
