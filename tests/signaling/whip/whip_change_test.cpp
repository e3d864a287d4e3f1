// PATCH and DELETE.
#include <gmock/gmock.h>

#include "signaling/sdp/trickle_fragment.h"
#include "tests/signaling/whip/whip_fixture.h"

namespace isthmus::signaling::whip {
namespace {

using testing::HasSubstr;

// The client's credentials are those of firefox_publish.sdp.
constexpr const char* kTrickle =
    "a=ice-ufrag:8bdd5b76\r\na=ice-pwd:2a1f40bd6ef1a5bdd6ce9b6a7d3f5f52\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 2122252543 192.0.2.7 40001 typ host\r\n";
constexpr const char* kRestart =
    "a=ice-ufrag:newufrag\r\na=ice-pwd:newpasswordnewpasswordnew\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=mid:0\r\n";

class WhipChangeTest : public WhipTest {
  protected:
    unsigned status_of(http::Request request) { return send(std::move(request)).status; }

    [[nodiscard]] http::Request patch_if_match(const std::string& path,
                                               std::string body,
                                               std::string if_match) const {
        http::Request request = patch_of(path, std::move(body));
        request.headers.emplace("If-Match", std::move(if_match));
        return request;
    }
};

// Clients differ: whip-whep sends If-Match on WHIP and not on WHEP.
TEST_F(WhipChangeTest, TrickleIsAcceptedWithAndWithoutIfMatch) {
    const std::string path = publish();
    EXPECT_EQ(status_of(patch_of(path, kTrickle)), 204U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, etag_)), 204U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, "*")), 204U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, "\"x\" , " + etag_)), 204U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, etag_.substr(1, 16))), 204U);
    EXPECT_EQ(
        status_of(patch_of(path, "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n")),
        204U)
        << "without credentials";
    EXPECT_TRUE(switchboard_.restarts.empty());
}

TEST_F(WhipChangeTest, AnotherTagFailsThePrecondition) {
    const std::string path = publish();
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, "\"other\"")), 412U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, "W/" + etag_)), 412U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, "")), 412U);
    EXPECT_EQ(status_of(patch_if_match(path, kRestart, "\"other\"")), 412U);
    EXPECT_TRUE(switchboard_.restarts.empty());
}

// SPEC rfc9725#4.3.3
TEST_F(WhipChangeTest, NewCredentialsRestartIce) {
    const std::string path = publish();
    const http::Response response = send(patch_if_match(path, kRestart, "*"));
    ASSERT_EQ(response.status, 200U) << response.body;
    EXPECT_EQ(header(response, "Content-Type"), "application/trickle-ice-sdpfrag");
    EXPECT_NE(header(response, "ETag"), etag_);
    ASSERT_EQ(switchboard_.restarts.size(), 1U);
    EXPECT_EQ(switchboard_.restarts[0].second.ufrag, "newufrag");
    const auto fragment = sdp::parse_trickle_fragment(response.body);
    ASSERT_TRUE(fragment) << fragment.error().message;
    EXPECT_TRUE(fragment->ice_lite);
    EXPECT_EQ(fragment->credentials->ufrag, "node2");
    EXPECT_THAT(fragment->bundle, testing::ElementsAre("0", "1"));
    ASSERT_EQ(fragment->sections.size(), 1U);
    EXPECT_EQ(fragment->sections[0].media_line, "audio 9 UDP/TLS/RTP/SAVPF 109");
    EXPECT_EQ(fragment->sections[0].mid, "0");
    EXPECT_THAT(fragment->sections[0].candidates,
                testing::ElementsAre("1 1 udp 2130706431 192.0.2.1 5004 typ host",
                                     "2 1 tcp 1694498815 192.0.2.1 5004 typ host tcptype passive"));
    EXPECT_EQ(endpoint_->stats().ice_restarts, 1U);
}

TEST_F(WhipChangeTest, AfterARestartTheOldTagAndCredentialsAreStale) {
    const std::string path = publish();
    const std::string new_etag = header(send(patch_if_match(path, kRestart, etag_)), "ETag");
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, etag_)), 412U);
    EXPECT_EQ(status_of(patch_of(path, kTrickle)), 428U) << "a late trickle restarts nothing";
    EXPECT_EQ(status_of(patch_if_match(path, kRestart, new_etag)), 204U) << "now the current ones";
    EXPECT_EQ(switchboard_.restarts.size(), 1U);
}

TEST_F(WhipChangeTest, ARestartNeedsIfMatch) {
    const std::string path = publish();
    EXPECT_EQ(status_of(patch_of(path, kRestart)), 428U);
    EXPECT_TRUE(switchboard_.restarts.empty());
}

TEST_F(WhipChangeTest, AFailedRestartChangesNothing) {
    const std::string path = publish();
    send_unanswered(patch_if_match(path, kRestart, etag_));
    switchboard_.answer_all(Error{.code = ErrorCode::kUnavailable, .message = "overloaded"});
    EXPECT_EQ(take(late_).status, 503U);
    EXPECT_EQ(status_of(patch_if_match(path, kTrickle, etag_)), 204U);
}

TEST_F(WhipChangeTest, ASessionThatEndsDuringItsRestartIsNotFound) {
    const std::string path = publish();
    send_unanswered(patch_if_match(path, kRestart, etag_));
    switchboard_.lose({.value = 1}, media::LeaveReason::kTimeout);
    switchboard_.answer_all();
    EXPECT_EQ(take(late_).status, 404U);
}

TEST_F(WhipChangeTest, PatchesAreChecked) {
    const std::string path = publish();
    EXPECT_EQ(status_of(change_of("PATCH", path, kTrickle)), 415U);
    http::Request request = change_of("PATCH", path, kTrickle);
    request.headers.emplace("Content-Type", "application/sdp");
    const http::Response response = send(request);
    EXPECT_EQ(response.status, 415U);
    EXPECT_EQ(header(response, "Accept-Patch"), "application/trickle-ice-sdpfrag");
    EXPECT_EQ(status_of(patch_of(path, "nonsense")), 400U);
    EXPECT_EQ(status_of(patch_of(path, "")), 400U);
    EXPECT_EQ(status_of(patch_of(path, std::string(20'000, 'a'))), 413U);
}

TEST_F(WhipChangeTest, DeleteEndsTheSession) {
    const std::string path = publish();
    EXPECT_EQ(status_of(change_of("DELETE", path)), 200U);
    ASSERT_EQ(switchboard_.leaves.size(), 1U);
    EXPECT_EQ(switchboard_.leaves[0].first.value, 1U);
    EXPECT_EQ(switchboard_.leaves[0].second, media::LeaveReason::kClientLeft);
    EXPECT_EQ(switchboard_.live(), 0U);
    EXPECT_EQ(status_of(change_of("DELETE", path)), 404U);
    EXPECT_EQ(status_of(patch_of(path, kTrickle)), 404U);
    EXPECT_EQ(endpoint_->stats().publishers, 0U);
}

TEST_F(WhipChangeTest, DeletingWhatIsJustGoneIsFine) {
    const std::string path = publish();
    send_unanswered(change_of("DELETE", path));
    switchboard_.lose({.value = 1}, media::LeaveReason::kTimeout);
    switchboard_.answer_all();
    EXPECT_EQ(take(late_).status, 200U);
    EXPECT_EQ(endpoint_->stats().publishers, 0U);
}

TEST_F(WhipChangeTest, ADeleteThatTheSwitchboardRefusesMayBeRepeated) {
    const std::string path = publish();
    send_unanswered(change_of("DELETE", path));
    switchboard_.answer_all(Error{.code = ErrorCode::kUnavailable, .message = "queue full"});
    EXPECT_EQ(take(late_).status, 503U);
    EXPECT_EQ(status_of(change_of("DELETE", path)), 200U);
}

TEST_F(WhipChangeTest, AConnectionThatIsGoneTakesItsSessionAlong) {
    const std::string path = publish();
    const std::string other = publish();
    switchboard_.lose({.value = 1}, media::LeaveReason::kReplaced);
    EXPECT_EQ(status_of(patch_of(path, kTrickle)), 404U);
    EXPECT_EQ(status_of(patch_of(other, kTrickle)), 204U);
    switchboard_.lose({.value = 77}, media::LeaveReason::kTimeout);
    EXPECT_EQ(endpoint_->stats().publishers, 1U);
}

TEST_F(WhipChangeTest, ASessionIsFoundUnderItsOwnUrlOnly) {
    const std::string path = publish();
    const std::string name = path.substr(path.rfind('/') + 1);
    EXPECT_EQ(status_of(change_of("DELETE", "/whep/demo/" + name)), 404U);
    EXPECT_EQ(status_of(change_of("DELETE", "/whip/other/" + name)), 404U);
    EXPECT_EQ(status_of(change_of("DELETE", "/whip/demo/" + name + "x")), 404U);
    EXPECT_EQ(status_of(change_of("DELETE", path)), 200U);
}

TEST_F(WhipChangeTest, OnlyItsOwnerMayChangeASession) {
    const std::string path = publish();
    const http::Response response = send(request_of("DELETE", path));
    EXPECT_EQ(response.status, 401U);
    EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer");
    http::Request request = request_of("DELETE", path);
    authorize(request, token_of("mallory"));
    EXPECT_EQ(status_of(request), 403U);
    request = request_of("PATCH", path, kRestart);
    authorize(request, token_of("mallory"));
    EXPECT_EQ(status_of(request), 403U);
    EXPECT_TRUE(switchboard_.leaves.empty());
    EXPECT_EQ(status_of(change_of("DELETE", path)), 200U);
}

TEST_F(WhipChangeTest, ATokenThatEndedDuringTheSessionStillEndsIt) {
    const access::AccessToken token = token_of("alice");
    const std::string path = publish();
    now_ += std::int64_t{5} * 3600;
    http::Request request = request_of("DELETE", path);
    authorize(request, token);
    EXPECT_EQ(status_of(request), 200U);

    const std::string later = publish();
    request = request_of("DELETE", later);
    authorize(request, token);
    EXPECT_EQ(status_of(request), 401U) << "it had ended before this session began";
}

}  // namespace
}  // namespace isthmus::signaling::whip
