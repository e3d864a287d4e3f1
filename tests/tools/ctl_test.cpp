#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/http/percent_encoding.h"
#include "signaling/access/token.h"
#include "tests/base/http/server_fixture.h"
#include "tools/ctl/http_client.h"
#include "tools/ctl/maintenance_command.h"
#include "tools/ctl/reports.h"
#include "tools/ctl/table.h"
#include "tools/ctl/token_command.h"

namespace isthmus::ctl {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const Credentials kCredentials{.key = "key", .secret = "a secret of more than 32 characters"};

signaling::access::AccessToken verified(const TokenRequest& request, std::int64_t now = kNow) {
    const auto token = create_token(request, kCredentials, kNow);
    EXPECT_TRUE(token.has_value());
    auto result =
        signaling::access::verify_token(*token, {{kCredentials.key, kCredentials.secret}}, now);
    EXPECT_TRUE(result.has_value());
    return result.value_or(signaling::access::AccessToken{});
}

TEST(TokenCommand, GrantsBothUnlessOneIsNamed) {
    const signaling::access::AccessToken both =
        verified({.conference = "demo", .identity = "alice"});
    EXPECT_EQ(both.issuer, "key");
    EXPECT_EQ(both.identity, "alice");
    EXPECT_EQ(both.video.room, "demo");
    EXPECT_TRUE(both.video.room_join && both.video.can_publish && both.video.can_subscribe);
    EXPECT_FALSE(both.video.room_admin || both.video.room_list || both.video.room_create);
    EXPECT_EQ(both.expires_unix_s, kNow + 3600);
    const auto publish = verified({.conference = "demo", .identity = "a", .publish = true});
    EXPECT_TRUE(publish.video.can_publish);
    EXPECT_FALSE(publish.video.can_subscribe);
    const auto subscribe = verified({.conference = "demo", .identity = "a", .subscribe = true});
    EXPECT_FALSE(subscribe.video.can_publish);
    EXPECT_TRUE(subscribe.video.can_subscribe);
    EXPECT_TRUE(verified({.conference = "d", .identity = "a", .admin = true}).video.room_admin);
}

TEST(TokenCommand, LivesAsLongAsItIsTold) {
    EXPECT_EQ(verified({.conference = "d", .identity = "a", .ttl = "90s"}).expires_unix_s,
              kNow + 90);
    EXPECT_EQ(verified({.conference = "d", .identity = "a", .ttl = "7d"}).expires_unix_s,
              kNow + 7 * 86'400);
}

TEST(TokenCommand, RefusesWhatMakesNoToken) {
    for (const TokenRequest& request :
         {TokenRequest{.conference = "", .identity = "a"},
          TokenRequest{.conference = "d", .identity = ""},
          TokenRequest{.conference = "d", .identity = "\xff"},
          TokenRequest{.conference = "d\n", .identity = "a"},
          TokenRequest{.conference = "d", .identity = "a", .ttl = "soon"},
          TokenRequest{.conference = "d", .identity = "a", .ttl = "0s"},
          TokenRequest{.conference = "d", .identity = "a", .ttl = "10ms"}}) {
        EXPECT_FALSE(create_token(request, kCredentials, kNow).has_value());
    }
}

TEST(MaintenanceCommand, AsksWithTheDeadlineInSeconds) {
    EXPECT_EQ(maintenance_request(true, "").value(), R"({"mode":"on"})");
    EXPECT_EQ(maintenance_request(true, "2h").value(), R"({"mode":"on","deadline_s":7200})");
    EXPECT_EQ(maintenance_request(true, "0s").value(), R"({"mode":"on","deadline_s":0})");
    EXPECT_EQ(maintenance_request(false, "").value(), R"({"mode":"off"})");
    EXPECT_FALSE(maintenance_request(true, "soon"));
}

TEST(MaintenanceCommand, ShowsHowFarItIs) {
    const std::string pending =
        R"({"mode":"pending","conferences":2,"participants":5,"ends_at":"2027-01-15T08:00:00.000Z"})";
    EXPECT_EQ(maintenance_report(pending).value(),
              "maintenance  pending: no conference begins\n"
              "conferences  2\n"
              "participants 5\n"
              "ends at      2027-01-15T08:00:00.000Z\n");
    EXPECT_FALSE(is_maintained(pending));
    EXPECT_TRUE(is_maintained(R"({"mode":"on"})"));
    EXPECT_TRUE(maintenance_report(R"({"mode":"off"})")->starts_with("maintenance  off\n"));
    for (const char* const other : {"", "[]", "{}", R"({"mode":7})"}) {
        EXPECT_FALSE(maintenance_report(other)) << other;
        EXPECT_FALSE(is_maintained(other)) << other;
    }
}

TEST(Table, AlignsItsColumns) {
    Table table({"A", "LONGER"});
    table.add({"caf\xC3\xA9", "x"});
    table.add({"a\x1b[31m", "y"});
    EXPECT_EQ(table.text(),
              "A       LONGER\n"
              "caf\xC3\xA9    x\n"
              "a?[31m  y\n");
}

TEST(Reports, ShowConferencesAndParticipants) {
    const auto conferences = conferences_report(
        R"({"conferences":[{"name":"demo","participants":2,"tracks":3,"worker":0,"created_at":"t"}]})");
    ASSERT_TRUE(conferences);
    EXPECT_TRUE(conferences->contains("demo        2             3       0       t\n"))
        << *conferences;
    const auto participants = participants_report(
        R"({"participants":[{"identity":"alice","name":"","connected":true,"protocol":"udp",)"
        R"("tracks":[{"kind":"audio","codec":"opus"},{"kind":"video","codec":"VP8"}]}]})");
    ASSERT_TRUE(participants);
    EXPECT_TRUE(participants->contains("audio/opus video/VP8")) << *participants;
}

TEST(Reports, ShowStatistics) {
    const auto stats = stats_report(
        R"({"participants":[{"identity":"alice","tracks":[{"kind":"video","codec":"VP8",)"
        R"("streams":[{"ssrc":4000000000,"packets":7,"bitrate_bps":1250000.0,)"
        R"("jitter_seconds":0.0021}],"subscribers":1}],"subscriptions":[]},)"
        R"({"identity":"bob","tracks":[],"subscriptions":[{"track_id":"TR_1",)"
        R"("loss_ratio":0.05,"rtt_seconds":null,"waiting_for_key_frame":false}],)"
        R"("downlink":{"measured":true,"target_bps":2345678.0,"rtt_seconds":0.0321,"paced":17,)"
        R"("dropped_full":18,"dropped_expired":19,"padding_packets":20}}]})");
    ASSERT_TRUE(stats);
    EXPECT_TRUE(stats->contains("4000000000")) << *stats;
    EXPECT_TRUE(stats->contains("1250")) << *stats;
    EXPECT_TRUE(stats->contains("2.1")) << *stats;
    EXPECT_TRUE(stats->contains("5.0")) << *stats;
    EXPECT_TRUE(stats->contains("bob       yes       2346")) << *stats;
    EXPECT_TRUE(stats->contains("32.1")) << *stats;
    EXPECT_TRUE(stats->contains("17     18            19            20")) << *stats;
}

TEST(Reports, RefuseWhatTheApiNeverSays) {
    for (const char* body : {"", "[]", "{}", "{\"conferences\":{}}", "{\"conferences\":[1]}"}) {
        EXPECT_FALSE(conferences_report(body)) << body;
        EXPECT_FALSE(participants_report(body)) << body;
        EXPECT_FALSE(stats_report(body)) << body;
    }
}

TEST(Reports, ShowTheSentenceOfAProblem) {
    EXPECT_EQ(problem_text(404, R"({"title":"Not Found","detail":"No such conference."})"),
              "No such conference. (HTTP 404)");
    EXPECT_EQ(problem_text(502, "<html>"), "the node answered HTTP 502");
}

void add_who(http::Router& router) {
    router.add("GET", "/who/{name}", [](const http::Request& request, http::Responder respond) {
        respond(http::Response::text(
            200,
            request.parameters.at("name") + " " + std::string(request.header("Authorization"))));
    });
}

TEST(HttpClient, AsksAPlainNode) {
    http::RunningServer running(http::loopback_config(), add_who);
    const auto answer =
        http_request({.base_url = "http://127.0.0.1:" + std::to_string(running.port()),
                      .authorization = basic_authorization("key", "secret")},
                     "GET",
                     "/who/" + http::percent_encode("a b\xC3\xA9?"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200U);
    EXPECT_EQ(answer->body, "a b\xC3\xA9? Basic a2V5OnNlY3JldA==");
}

TEST(HttpClient, ChecksTheCertificateUnlessTold) {
    http::ServerConfig config;
    config.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
    config.tls = http::make_self_signed({"localhost"}, 1'800'000'000).value();
    http::RunningServer running(std::move(config), add_who);
    HttpClientConfig client{.base_url = "https://127.0.0.1:" + std::to_string(running.port(true))};
    const auto refused = http_request(client, "GET", "/who/x");
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.contains("--insecure")) << refused.error().message;
    client.insecure = true;
    EXPECT_EQ(http_request(client, "GET", "/who/x").value().status, 200U);
}

TEST(HttpClient, SaysWhatIsWrongWithAUrl) {
    for (const char* url : {"",
                            "127.0.0.1:8080",
                            "ftp://a",
                            "http://",
                            "http://:80",
                            "http://a:",
                            "http://a/b",
                            "http://u@a",
                            "http://a b"}) {
        const auto answer = http_request({.base_url = url}, "GET", "/");
        ASSERT_FALSE(answer) << url;
        EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument) << url;
    }
}

TEST(HttpClient, SaysThatNobodyListens) {
    std::uint16_t port = 0;
    {
        http::RunningServer running(http::loopback_config(), add_who);
        port = running.port();
    }
    const auto answer =
        http_request({.base_url = "http://127.0.0.1:" + std::to_string(port)}, "GET", "/");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(answer.error().message.contains("is isthmus-node running"));
}

}  // namespace
}  // namespace isthmus::ctl
