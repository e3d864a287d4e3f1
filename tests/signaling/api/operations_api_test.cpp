#include "signaling/api/operations_api.h"

#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/documented_metrics.h"
#include "tests/signaling/scripted_switchboard.h"

namespace isthmus::signaling::api {
namespace {

using http::Response;

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kSecret = "a secret of more than 32 characters";

std::string base64(const std::string& text) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned value = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            value =
                value << 8U | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out += i + j > text.size() ? '=' : kAlphabet[value >> (18U - 6U * j) & 63U];
        }
    }
    return out;
}

std::string operator_key() {
    return "Basic " + base64("key:" + kSecret);
}

std::string token(const access::VideoGrant& video, std::int64_t expires = kNow + 60) {
    return "Bearer " + access::sign_token({.issuer = "key",
                                           .identity = "alice",
                                           .name = {},
                                           .metadata = {},
                                           .not_before_unix_s = 0,
                                           .expires_unix_s = expires,
                                           .video = video},
                                          kSecret);
}

media::sfu::ConferenceInfo demo() {
    media::sfu::ConferenceInfo conference{.id = "RM_1",
                                          .name = "demo",
                                          .created_at_unix_ms = 1'700'000'000'123,
                                          .worker = 1,
                                          .participant_count = 3,
                                          .participants = {}};
    media::sfu::ParticipantInfo alice;
    alice.id = "PA_1";
    alice.identity = "alice";
    alice.name = "Alice \"A\"";
    alice.connected = true;
    alice.tracks = {{.id = "TR_1",
                     .kind = media::rtp::MediaKind::kVideo,
                     .source = media::sfu::TrackSource::kScreenShare,
                     .codec = "VP8",
                     .mid = "0",
                     .streams = {{.ssrc = 4'000'000'000, .rid = "", .packets = 1ULL << 40U}},
                     .subscribers = 1}};
    media::sfu::ParticipantInfo viewer;
    viewer.identity = "bob~12345678";
    viewer.subscriptions = {{.track_id = "TR_1", .ssrc = 1, .rtt_seconds = 0.025}};
    viewer.downlink.measured = true;
    viewer.downlink.target_bps = 1.5e6;
    viewer.downlink.round_trip_seconds = 0.025;
    viewer.downlink.dropped_full = 7;
    media::sfu::ParticipantInfo ghost = alice;
    ghost.identity = "ghost";
    ghost.hidden = true;
    conference.participants = {alice, viewer, ghost};
    return conference;
}

class OperationsApiTest : public testing::Test {
  protected:
    OperationsApiTest() { make_api(true); }

    void make_api(bool metrics_require_key) {
        router = http::Router();
        api.emplace(OperationsApiConfig{.keys = {{"key", kSecret}},
                                        .metrics_require_key = metrics_require_key,
                                        .version = "1.2.3"},
                    OperationsApiSources{.now_unix_s = [] { return kNow; },
                                         .http_counters = [] { return http::ServerCounters{}; },
                                         .signaling_stats = [] { return SignalingStats{}; },
                                         .process_stats = read_process_stats,
                                         .in_maintenance = [this] { return maintained; }},
                    switchboard);
        api->add_routes(router);
        switchboard.conferences = {demo()};
        switchboard.workers = {{}, {}};
    }

    Response call(const std::string& method,
                  const std::string& path,
                  const std::string& authorization = {}) {
        http::Request request;
        request.method = method;
        request.path = path;
        request.remote_address = "127.0.0.1";
        if (!authorization.empty()) {
            request.headers.emplace("Authorization", authorization);
        }
        std::optional<Response> answer;
        router.dispatch(std::move(request),
                        [&](Response response) { answer = std::move(response); });
        switchboard.answer_all(failure);
        EXPECT_TRUE(answer.has_value()) << method << " " << path;
        return answer.value_or(Response{});
    }

    boost::json::value get_json(const std::string& path) {
        const Response response = call("GET", path, operator_key());
        EXPECT_EQ(response.status, 200U) << response.body;
        return boost::json::parse(response.body);
    }

    ScriptedSwitchboard switchboard;
    bool maintained = false;
    std::optional<Error> failure;  // of what is asked from now on
    http::Router router;
    std::optional<OperationsApi> api;
};

TEST_F(OperationsApiTest, IsHealthyWithoutAKey) {
    EXPECT_EQ(call("GET", "/healthz").status, 200U);
}

TEST_F(OperationsApiTest, IsReadyOnlyWhileItServesAndWorkersAnswer) {
    EXPECT_EQ(call("GET", "/readyz").status, 503U);
    api->set_ready(true);
    EXPECT_EQ(call("GET", "/readyz").status, 200U);
    switchboard.workers.clear();
    EXPECT_EQ(call("GET", "/readyz").status, 503U);
    switchboard.workers = {{}};
    maintained = true;
    EXPECT_TRUE(call("GET", "/readyz").body.contains("maintenance"));
    EXPECT_EQ(call("GET", "/readyz").status, 503U);
    maintained = false;
    EXPECT_EQ(call("GET", "/readyz").status, 200U);
    api->set_ready(false);
    EXPECT_EQ(call("GET", "/readyz").status, 503U);
}

TEST_F(OperationsApiTest, AsksForAKeyOnLoopbackToo) {
    for (const char* path : {"/metrics",
                             "/api/v1/version",
                             "/api/v1/conferences",
                             "/api/v1/conferences/demo",
                             "/api/v1/conferences/demo/participants",
                             "/api/v1/conferences/demo/stats",
                             "/whep/demo/participants"}) {
        const Response response = call("GET", path);
        EXPECT_EQ(response.status, 401U) << path;
        EXPECT_TRUE(response.headers.contains("WWW-Authenticate")) << path;
        EXPECT_EQ(response.headers.find("Content-Type")->second, "application/problem+json");
        EXPECT_EQ(call("GET", path, operator_key()).status, 200U) << path;
    }
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo").status, 401U);
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo/participants/alice").status, 401U);
    EXPECT_TRUE(switchboard.removals.empty());
}

TEST_F(OperationsApiTest, RefusesCredentialsThatAreWrong) {
    const std::vector<std::string> wrong = {
        "Basic " + base64("key:" + kSecret + "x"),
        "Basic " + base64("key:" + kSecret.substr(1)),
        "Basic " + base64("key:"),
        "Basic " + base64("other:" + kSecret),
        "Basic " + base64("other:"),
        "Basic " + base64(kSecret),
        "Basic !!!!",
        "Basic =",
        "Basic " + std::string(10'000, 'A'),
        "Bearer " + kSecret,
        "Bearer ",
        "Digest key",
        token({.room = "", .room_list = true}, kNow - 60),
        token({.room = "", .room_list = true}) + "x",
    };
    for (const std::string& authorization : wrong) {
        EXPECT_EQ(call("GET", "/api/v1/conferences", authorization).status, 401U) << authorization;
    }
}

TEST_F(OperationsApiTest, GivesATokenWhatItGrantsAndNoMore) {
    struct Case {
        const char* method;
        const char* path;
        access::VideoGrant enough;
    };

    const access::VideoGrant join{.room = "demo", .room_join = true};
    const access::VideoGrant admin{.room = "demo", .room_admin = true};
    const access::VideoGrant list{.room = "", .room_list = true};
    const access::VideoGrant create{.room = "", .room_create = true};
    const std::vector<Case> cases = {
        {"GET", "/api/v1/conferences", list},
        {"GET", "/metrics", list},
        {"GET", "/api/v1/conferences/demo", admin},
        {"GET", "/api/v1/conferences/demo/stats", admin},
        {"GET", "/api/v1/conferences/demo/participants", list},
        {"DELETE", "/api/v1/conferences/demo/participants/alice", admin},
        {"DELETE", "/api/v1/conferences/demo", create},
        {"GET", "/whep/demo/participants", join},
    };
    for (const Case& c : cases) {
        EXPECT_LT(call(c.method, c.path, token(c.enough)).status, 300U) << c.path;
        EXPECT_EQ(call(c.method, c.path, token({.room = "other", .room_join = true})).status, 403U)
            << c.path;
        EXPECT_EQ(call(c.method, c.path, token({.room = "other", .room_admin = true})).status, 403U)
            << c.path;
    }
    EXPECT_EQ(call("GET", "/api/v1/conferences/demo", token(join)).status, 403U);
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo", token(admin)).status, 403U);
    EXPECT_EQ(call("GET",
                   "/whep/demo/participants",
                   token({.room = "demo", .room_join = true, .can_subscribe = false}))
                  .status,
              403U);
}

TEST_F(OperationsApiTest, ListsConferences) {
    const auto conference = get_json("/api/v1/conferences").at("conferences").at(0);
    EXPECT_EQ(conference.at("name"), "demo");
    EXPECT_EQ(conference.at("participants"), 3);
    EXPECT_EQ(conference.at("tracks"), 2);
    EXPECT_EQ(conference.at("created_at"), "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(get_json("/api/v1/conferences/demo"), conference);
}

TEST_F(OperationsApiTest, ListsParticipantsWithTheirTracks) {
    const auto alice = get_json("/api/v1/conferences/demo/participants").at("participants").at(0);
    EXPECT_EQ(alice.at("identity"), "alice");
    EXPECT_EQ(alice.at("name"), "Alice \"A\"");
    EXPECT_EQ(alice.at("tracks").at(0).at("kind"), "video");
    EXPECT_EQ(alice.at("tracks").at(0).at("source"), "screen_share");
    EXPECT_FALSE(alice.as_object().contains("subscriptions"));
}

TEST_F(OperationsApiTest, ShowsStatistics) {
    const auto stats = get_json("/api/v1/conferences/demo/stats");
    const auto& stream = stats.at("participants").at(0).at("tracks").at(0).at("streams").at(0);
    EXPECT_EQ(stream.at("packets").to_number<std::uint64_t>(), 1ULL << 40U);
    EXPECT_EQ(stream.at("ssrc").to_number<std::uint64_t>(), 4'000'000'000U);
    const auto& subscription = stats.at("participants").at(1).at("subscriptions").at(0);
    EXPECT_EQ(subscription.at("rtt_seconds"), 0.025);
    const auto& downlink = stats.at("participants").at(1).at("downlink");
    EXPECT_EQ(downlink.at("target_bps"), 1.5e6);
    EXPECT_EQ(downlink.at("rtt_seconds"), 0.025);
    EXPECT_TRUE(downlink.at("throughput_bps").is_null());
    EXPECT_EQ(downlink.at("dropped_full"), 7);
}

TEST_F(OperationsApiTest, TellsViewersWhomTheyCanWatch) {
    const std::string watch = token({.room = "demo", .room_join = true});
    const auto people = boost::json::parse(call("GET", "/whep/demo/participants", watch).body);
    ASSERT_EQ(people.as_array().size(), 1U);  // neither the viewer nor the hidden one
    EXPECT_EQ(people.at(0).at("identity"), "alice");
    EXPECT_EQ(people.at(0).at("tracks").at(0).at("kind"), "video");
    EXPECT_EQ(people.at(0).at("tracks").at(0).at("source"), "screen_share");
    switchboard.conferences.clear();
    EXPECT_EQ(call("GET", "/whep/demo/participants", watch).body, "[]");
}

TEST_F(OperationsApiTest, SaysThatAConferenceDoesNotExist) {
    for (const char* path : {"/api/v1/conferences/nope", "/api/v1/conferences/nope/stats"}) {
        EXPECT_EQ(call("GET", path, operator_key()).status, 404U) << path;
    }
}

TEST_F(OperationsApiTest, RemovesAndEnds) {
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo/participants/a b", operator_key()).status,
              204U);
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo", operator_key()).status, 204U);
    EXPECT_EQ(switchboard.removals, (std::vector<std::string>{"demo a b", "demo"}));
    failure = Error{.code = ErrorCode::kNotFound, .message = "gone"};
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo", operator_key()).status, 404U);
    failure = Error{.code = ErrorCode::kUnavailable, .message = "busy"};
    EXPECT_EQ(call("DELETE", "/api/v1/conferences/demo", operator_key()).status, 503U);
}

TEST_F(OperationsApiTest, WritesMetricsWithoutAKeyWhereConfigured) {
    make_api(false);
    switchboard.workers[1].rtp_forwarded = 42;
    const Response response = call("GET", "/metrics");
    EXPECT_EQ(response.status, 200U);
    EXPECT_TRUE(response.headers.find("Content-Type")->second.contains("version=0.0.4"));
    EXPECT_TRUE(response.body.contains("isthmus_rtp_packets_forwarded_total{worker=\"1\"} 42\n"));
    EXPECT_TRUE(response.body.contains("isthmus_build_info{version=\"1.2.3\"} 1\n"));
    EXPECT_FALSE(response.body.contains("process_resident_memory_bytes 0\n"));
    EXPECT_FALSE(response.body.contains("process_open_fds 0\n"));
}

TEST_F(OperationsApiTest, WritesTheMetricsThatTheDocumentNames) {
    const auto written = written_metrics(call("GET", "/metrics", operator_key()).body);
    EXPECT_GT(written.size(), 40U);
    EXPECT_EQ(written, documented_metrics("docs/metrics.md"));
}

}  // namespace
}  // namespace isthmus::signaling::api
