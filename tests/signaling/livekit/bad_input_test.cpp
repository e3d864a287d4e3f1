// What clients send that is wrong, or too much: its sender is answered or sent away, and nobody
// else notices.
//
// Shown elsewhere: messages over 2 MiB and a client that never reads its socket (WebSocketTest),
// join requests that unpack to too much (SignalCodec), thousands of data messages a second
// (DataChannelsTest.TakesNoMoreMessagesThanTheRateAllows), a client that never reads its data
// channels (DataStack.ASlowReader...).
#include <algorithm>

#include "tests/signaling/livekit/rooms_fixture.h"

namespace isthmus::signaling::livekit {
namespace {

using Kind = proto::SignalResponse;
using media::rtp::MediaKind;

constexpr std::size_t kKiB = 1024;

class BadInput : public RoomsFixture {
  protected:
    BadInput() : innocent_(join_connected("innocent")) { innocent_.forget(); }

    void expect_unharmed() {
        EXPECT_FALSE(innocent_.closed());
        EXPECT_TRUE(innocent_.all(Kind::kLeave).empty());
        EXPECT_NE(rooms_.find("demo")->find_identity("innocent"), nullptr);
    }

    Client& innocent_;
};

proto::SignalRequest camera_with_name(std::string name) {
    proto::SignalRequest request;
    proto::AddTrackRequest& track = *request.mutable_add_track();
    track.set_cid("c1");
    track.set_type(proto::VIDEO);
    track.set_source(proto::CAMERA);
    track.set_name(std::move(name));
    return request;
}

// A message cut anywhere is either no message, or a shorter one of the kind.
TEST_F(BadInput, EndsTheSessionOfWhoeverSendsTruncatedMessages) {
    const std::string whole = camera_with_name("a camera").SerializeAsString();
    std::size_t sent_away = 0;
    for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
        Client& client = join("mallory " + std::to_string(bytes));
        client.raw(whole.substr(0, bytes));
        sent_away += client.closed() ? 1 : 0;
        if (client.closed()) {
            EXPECT_EQ(client.last(Kind::kLeave).leave().reason(), proto::STATE_MISMATCH);
        }
    }
    EXPECT_GT(sent_away, whole.size() / 2);
    EXPECT_EQ(rooms_.stats().malformed, sent_away);
    expect_unharmed();
}

TEST_F(BadInput, AnswersWhatIsLongerThanItMayBe) {
    Client& client = join("mallory");
    client.request(camera_with_name(std::string(64 * kKiB, 'x')));
    EXPECT_EQ(client.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::LIMIT_EXCEEDED);
    EXPECT_TRUE(client.all(Kind::kTrackPublished).empty());
    EXPECT_FALSE(client.closed());
    client.offer(std::string(1500 * kKiB, 'x'), 1);
    EXPECT_TRUE(client.closed()) << "no offer at all";
    expect_unharmed();
}

TEST_F(BadInput, IgnoresMessagesThatItDoesNotKnow) {
    Client& client = join_connected("mallory");
    const std::size_t told = client.received().size();
    // Field 1000 of the envelope, with a text in it; and an envelope with nothing in it.
    client.raw("\xC2\x3E\x03new");
    client.raw("");
    EXPECT_EQ(client.received().size(), told);
    EXPECT_FALSE(client.closed());
    expect_unharmed();
}

// A track belongs to the mid, wherever the section stands.
TEST_F(BadInput, FollowsSectionsThatChangeTheirOrder) {
    Client& client = join_connected("mallory");
    client.add_track("mic", proto::MICROPHONE);
    client.add_track("cam", proto::CAMERA);
    const std::string audio = std::string(sdp::kOpusSection) + "a=msid:s mic\r\n";
    const std::string video = std::string(sdp::kVp8Section) + "a=msid:s cam\r\n";
    const auto published = [&] {
        std::map<std::string, std::string> by_mid;
        for (const auto& section : switchboard_.renegotiations.back().second.sections) {
            by_mid[section.mid] = section.published_id;
        }
        return by_mid;
    };
    client.offer(sdp::offer_of(audio + video, "0 1"), 2);
    switchboard_.answer_all();
    const auto before = published();
    client.offer(sdp::offer_of(video + audio, "1 0"), 3);
    switchboard_.answer_all();
    EXPECT_EQ(published(), before);
    const std::string answer = client.last(Kind::kAnswer).answer().sdp();
    EXPECT_LT(answer.find("m=video"), answer.find("m=audio")) << "as it was offered";
    // And another kind in the place of one that there was.
    client.offer(sdp::offer_of(sdp::replaced(video, "a=mid:1", "a=mid:0"), "0"), 4);
    switchboard_.answer_all();
    EXPECT_FALSE(client.all(Kind::kAnswer).empty());
    expect_unharmed();
}

TEST_F(BadInput, CarriesLongMetadataToThoseThatAreThere) {
    access::AccessToken may = token("mallory");
    may.video.can_update_own_metadata = true;
    Client& client = join(admission(may));
    proto::SignalRequest request;
    request.mutable_update_metadata()->set_metadata(std::string(64 * kKiB, 'm'));
    client.request(request);
    EXPECT_EQ(client.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::OK);
    pass(std::chrono::seconds(1));
    EXPECT_EQ(innocent_.told_of("mallory").metadata().size(), 64 * kKiB);
    // Attributes are bounded together.
    request.mutable_update_metadata()->Clear();
    (*request.mutable_update_metadata()->mutable_attributes())["a"] = std::string(40 * kKiB, 'a');
    client.request(request);
    request.mutable_update_metadata()->Clear();
    (*request.mutable_update_metadata()->mutable_attributes())["b"] = std::string(40 * kKiB, 'b');
    client.request(request);
    EXPECT_EQ(client.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::LIMIT_EXCEEDED);
    expect_unharmed();
}

TEST_F(BadInput, TellsOthersLittleOfATrackThatIsMutedOverAndOver) {
    Client& client = join_connected("mallory");
    client.add_track("c1", proto::MICROPHONE);
    const std::string sid = client.last(Kind::kTrackPublished).track_published().track().sid();
    publish({.value = 2}, sid, MediaKind::kAudio);
    const std::size_t before = innocent_.all(Kind::kUpdate).size();
    proto::SignalRequest request;
    request.mutable_mute()->set_sid(sid);
    for (int i = 0; i < 5000; ++i) {
        request.mutable_mute()->set_muted(i % 2 == 0);
        client.request(request);
    }
    EXPECT_LE(innocent_.all(Kind::kUpdate).size() - before, 12U);
    expect_unharmed();
}

TEST_F(BadInput, AnswersForWhatIsNotThere) {
    Client& client = join_connected("mallory");
    proto::SignalRequest request;
    request.mutable_mute()->set_sid("TR_none");
    request.mutable_mute()->set_muted(true);
    client.request(request);
    request.mutable_update_audio_track()->set_track_sid("TR_none");
    client.request(request);
    request.mutable_update_video_track()->set_track_sid("TR_none");
    client.request(request);
    request.mutable_track_setting()->add_track_sids("TR_none");
    client.request(request);
    request.mutable_answer()->set_sdp("v=0");
    client.request(request);
    EXPECT_FALSE(client.closed());
    request.mutable_sync_state()->add_publish_tracks()->mutable_track()->set_sid("TR_none");
    client.request(request);
    EXPECT_EQ(client.last(Kind::kLeave).leave().action(), proto::LeaveRequest::RECONNECT)
        << "the client has tracks that the node does not know";
    expect_unharmed();
}

}  // namespace
}  // namespace isthmus::signaling::livekit
