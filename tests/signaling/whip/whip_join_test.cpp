// POST.
#include <set>

#include <gmock/gmock.h>

#include "signaling/sdp/session_description.h"
#include "tests/signaling/whip/whip_fixture.h"

namespace isthmus::signaling::whip {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class WhipJoinTest : public WhipTest {
  protected:
    unsigned status_of(http::Request request) { return send(std::move(request)).status; }

    [[nodiscard]] http::Request post() const {
        return post_of("/whip/demo", "firefox_publish.sdp");
    }

    [[nodiscard]] http::Request post_with(const access::AccessToken& token,
                                          std::string path = "/whip/demo") const {
        http::Request request = post_of(std::move(path), "firefox_publish.sdp");
        request.headers.erase("Authorization");
        authorize(request, token);
        return request;
    }

    [[nodiscard]] http::Request post_body(std::string body) const {
        http::Request request = post();
        request.body = std::move(body);
        return request;
    }
};

// SPEC rfc9725#4.2
TEST_F(WhipJoinTest, PublishingGivesAnAnswerAndASession) {
    const http::Response response = send(post());
    ASSERT_EQ(response.status, 201U) << response.body;
    EXPECT_EQ(header(response, "Content-Type"), "application/sdp");
    EXPECT_THAT(header(response, "Location"), MatchesRegex("/whip/demo/[A-Za-z0-9]{24}"));
    EXPECT_THAT(header(response, "ETag"), MatchesRegex("\"[A-Za-z0-9]{16}\""));
    const auto answer = sdp::parse_session_description(response.body);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->ice_lite);
    EXPECT_EQ(answer->media[0].ice_ufrag, "node1");
    EXPECT_EQ(answer->media[0].direction, sdp::StreamDirection::kReceiveOnly);

    ASSERT_EQ(switchboard_.joins.size(), 1U);
    const media::JoinRequest& join = switchboard_.joins[0];
    EXPECT_EQ(join.conference, "demo");
    EXPECT_EQ(join.identity, "alice");
    EXPECT_TRUE(join.can_publish);
    EXPECT_FALSE(join.can_subscribe);
    EXPECT_FALSE(join.hidden);
    EXPECT_EQ(join.watch_identity, "");
    EXPECT_EQ(join.description.remote_ice.ufrag, "8bdd5b76");
    EXPECT_EQ(join.description.sections.size(), 2U);
    EXPECT_EQ(endpoint_->stats().created, 1U);
    EXPECT_EQ(endpoint_->stats().publishers, 1U);
}

TEST_F(WhipJoinTest, WatchingHasAnIdentityOfItsOwnEachTime) {
    std::set<std::string> identities;
    for (int i = 0; i < 3; ++i) {
        http::Request request = post_of("/whep/demo", "chromium_six_recvonly_and_data_channel.sdp");
        request.query.emplace("participant", "bob");
        const http::Response response = send(request);
        ASSERT_EQ(response.status, 201U) << response.body;
        EXPECT_THAT(header(response, "Location"), StartsWith("/whep/demo/"));
        EXPECT_THAT(response.body, HasSubstr("a=sendonly"));
        const media::JoinRequest& join = switchboard_.joins.back();
        EXPECT_THAT(join.identity, MatchesRegex("alice~[A-Za-z0-9]{8}"));
        EXPECT_FALSE(join.can_publish);
        EXPECT_TRUE(join.can_subscribe);
        EXPECT_EQ(join.watch_identity, "bob");
        identities.insert(join.identity);
    }
    EXPECT_EQ(identities.size(), 3U);
    EXPECT_EQ(endpoint_->stats().viewers, 3U);
}

TEST_F(WhipJoinTest, WithoutSubTheIdentityIsRandom) {
    send(post_with(token_of("")));
    send(post_with(token_of("")));
    ASSERT_EQ(switchboard_.joins.size(), 2U);
    EXPECT_THAT(switchboard_.joins[0].identity, MatchesRegex("[A-Za-z0-9]{12}"));
    EXPECT_NE(switchboard_.joins[0].identity, switchboard_.joins[1].identity);
}

TEST_F(WhipJoinTest, NameAndHiddenComeFromTheToken) {
    access::AccessToken token = token_of("alice");
    send(post_with(token));
    EXPECT_EQ(switchboard_.joins.back().name, "alice");
    token.name = "Alice A.";
    token.video.hidden = true;
    send(post_with(token));
    EXPECT_EQ(switchboard_.joins.back().name, "Alice A.");
    EXPECT_TRUE(switchboard_.joins.back().hidden);
}

TEST_F(WhipJoinTest, SessionNamesAndTagsDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 10; ++i) {
        const http::Response response = send(post());
        seen.insert(header(response, "Location"));
        seen.insert(header(response, "ETag"));
    }
    EXPECT_EQ(seen.size(), 20U);
}

TEST_F(WhipJoinTest, LocationIsPercentEncoded) {
    access::AccessToken token = token_of("alice");
    token.video.room = "caf\xC3\xA9 1";
    const http::Response response = send(post_with(token, "/whip/caf\xC3\xA9 1"));
    ASSERT_EQ(response.status, 201U) << response.body;
    EXPECT_THAT(header(response, "Location"), StartsWith("/whip/caf%C3%A9%201/"));
}

TEST_F(WhipJoinTest, LinksNameTheIceServers) {
    WhipConfig config = default_config();
    IceServer turn;
    turn.urls = {"turn:a", "turns:b"};
    turn.shared_secret = "s";
    IceServer stun;
    stun.urls = {"stun:c"};
    config.ice_servers = {turn, stun};
    make_endpoint(std::move(config));
    const http::Response response = send(post());
    ASSERT_EQ(response.status, 201U);
    EXPECT_EQ(response.headers.count("Link"), 3U);
    EXPECT_THAT(header(response, "Link"),
                HasSubstr("username=\"" + std::to_string(kStart + 86400) + ":alice\""));
}

TEST_F(WhipJoinTest, NeedsAToken) {
    http::Request request = post();
    request.headers.erase("Authorization");
    http::Response response = send(request);
    EXPECT_EQ(response.status, 401U);
    EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
    request.headers.emplace("Authorization", "Bearer x.y.z");
    EXPECT_EQ(status_of(request), 401U);
    access::AccessToken expired = token_of("alice");
    expired.expires_unix_s = now_ - 60;
    response = send(post_with(expired));
    EXPECT_EQ(response.status, 401U);
    EXPECT_THAT(response.body, HasSubstr("expired"));
    EXPECT_TRUE(switchboard_.joins.empty());
}

TEST_F(WhipJoinTest, TheTokenMustGrantIt) {
    access::AccessToken token = token_of("alice");
    token.video.room = "other";
    EXPECT_EQ(status_of(post_with(token)), 403U);
    token = token_of("alice");
    token.video.room_join = false;
    EXPECT_EQ(status_of(post_with(token)), 403U);
    token = token_of("alice");
    token.video.can_publish = false;
    EXPECT_EQ(status_of(post_with(token)), 403U);
    EXPECT_NE(status_of(post_with(token, "/whep/demo")), 403U);
    token = token_of("alice");
    token.video.can_subscribe = false;
    EXPECT_EQ(status_of(post_with(token, "/whep/demo")), 403U);
    EXPECT_EQ(status_of(post_with(token)), 201U);
    EXPECT_EQ(switchboard_.joins.size(), 1U);
}

TEST_F(WhipJoinTest, TheBodyMustBeSdp) {
    http::Request request = post();
    request.headers.erase("Content-Type");
    http::Response response = send(request);
    EXPECT_EQ(response.status, 415U);
    EXPECT_EQ(header(response, "Accept-Post"), "application/sdp");
    request.headers.emplace("Content-Type", "application/json");
    EXPECT_EQ(status_of(request), 415U);
    request.headers.erase("Content-Type");
    request.headers.emplace("Content-Type", "Application/SDP; charset=utf-8");
    EXPECT_EQ(status_of(request), 201U);
}

TEST_F(WhipJoinTest, BadOffersAreToldWhy) {
    EXPECT_EQ(status_of(post_body(std::string().append(10'000'000, 'v'))), 413U);
    EXPECT_EQ(status_of(post_body("")), 400U);
    EXPECT_EQ(status_of(post_body("{}")), 400U);
    std::string many = "v=0\r\n";
    for (int i = 0; i < 500; ++i) {
        many += "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n";
    }
    const http::Response response = send(post_body(many));
    EXPECT_EQ(response.status, 400U);
    EXPECT_THAT(response.body, HasSubstr("too many media sections (500, at most 64)"));
    EXPECT_EQ(status_of(post_of("/whip/demo", "chromium_data_channel_only.sdp")), 406U);
    EXPECT_EQ(status_of(post_of("/whep/demo", "firefox_publish.sdp")), 406U);
    EXPECT_TRUE(switchboard_.joins.empty());
    EXPECT_EQ(endpoint_->stats().refused, 6U);
}

TEST_F(WhipJoinTest, ConferenceNamesAreChecked) {
    EXPECT_EQ(status_of(post_of("/whip/" + std::string(129, 'a'), "firefox_publish.sdp")), 400U);
    EXPECT_EQ(status_of(post_of("/whip/a\nb", "firefox_publish.sdp")), 400U);
    EXPECT_EQ(status_of(post_of("/whip/\xFF", "firefox_publish.sdp")), 400U);
}

TEST_F(WhipJoinTest, WatchedIdentityIsChecked) {
    http::Request request = post_of("/whep/demo", "chromium_six_recvonly_and_data_channel.sdp");
    request.query["participant"] = std::string(301, 'a');
    EXPECT_EQ(status_of(request), 400U);
    request.query["participant"] = "a\nb";
    EXPECT_EQ(status_of(request), 400U);
}

TEST_F(WhipJoinTest, ANodeThatDoesNotAcceptSaysWhenToComeBack) {
    endpoint_->set_accepting(false);
    const http::Response response = send(post());
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(header(response, "Retry-After"), "10");
    endpoint_->set_accepting(true);
    EXPECT_EQ(status_of(post()), 201U);
}

TEST_F(WhipJoinTest, SessionsAreBoundedThoseInTheMakingIncluded) {
    WhipConfig config = default_config();
    config.sessions_max = 2;
    make_endpoint(std::move(config));
    EXPECT_EQ(status_of(post()), 201U);
    EXPECT_FALSE(send_unanswered(post())) << "waits for the switchboard";
    EXPECT_EQ(take(send_unanswered(post())).status, 503U);
    late_.reset();
    switchboard_.answer_all();
    EXPECT_EQ(take(late_).status, 201U);
    EXPECT_EQ(status_of(post()), 503U);
    switchboard_.lose({.value = 1}, media::LeaveReason::kTimeout);
    EXPECT_EQ(status_of(post()), 201U);
}

TEST_F(WhipJoinTest, AFailedJoinLeavesNoSession) {
    WhipConfig config = default_config();
    config.sessions_max = 1;
    make_endpoint(std::move(config));
    send_unanswered(post());
    switchboard_.answer_all(Error{.code = ErrorCode::kUnavailable, .message = "overloaded"});
    const http::Response response = take(late_);
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(header(response, "Retry-After"), "10");
    EXPECT_EQ(status_of(post()), 201U) << "the failed one does not count";
}

TEST_F(WhipJoinTest, SimulcastIsAcceptedWhereConfigured) {
    WhipConfig config = default_config();
    config.accept_simulcast = true;
    make_endpoint(std::move(config));
    const http::Response response =
        send(post_of("/whip/demo", "chromium_simulcast_three_rids.sdp"));
    EXPECT_EQ(response.status, 201U);
    EXPECT_THAT(response.body, HasSubstr("a=simulcast:recv q;h;f"));
}

TEST_F(WhipJoinTest, SendsWhoeverWouldBeginAConferenceElsewhereInMaintenance) {
    switchboard_.admitting = false;
    for (const char* const path : {"/whip/demo", "/whep/demo"}) {
        const http::Response response = send(post_of(path, "firefox_publish.sdp"));
        EXPECT_EQ(response.status, 503U);
        EXPECT_EQ(header(response, "Retry-After"), "300");
        EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
        EXPECT_TRUE(response.body.contains("maintenance")) << response.body;
    }
    EXPECT_TRUE(switchboard_.joins.empty());
    EXPECT_EQ(endpoint_->stats().refused, 2U);
    switchboard_.conferences.emplace_back().name = "demo";
    EXPECT_EQ(send(post_of("/whip/demo", "firefox_publish.sdp")).status, 201U);
}

}  // namespace
}  // namespace isthmus::signaling::whip
