// A publisher sends VP9, and somebody cannot play it.
//
//   alice (VP9, could send VP8) --- room --- bob (plays VP8 only), carol (plays all)
#include "tests/signaling/livekit/rooms_fixture.h"

namespace isthmus::signaling::livekit {
namespace {

using Kind = proto::SignalResponse;
using media::rtp::MediaKind;

constexpr std::string_view kReceivesVp8 =
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
    "a=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";

class BackupCodec : public RoomsFixture {
  protected:
    BackupCodec() : alice_(join_connected("alice")) {}

    void publish_vp9(bool with_backup, proto::BackupCodecPolicy policy = proto::PREFER_REGRESSION) {
        proto::SignalRequest message;
        proto::AddTrackRequest& track = *message.mutable_add_track();
        track.set_cid("c1");
        track.set_type(proto::VIDEO);
        track.set_source(proto::CAMERA);
        track.set_backup_codec_policy(policy);
        proto::SimulcastCodec& codec = *track.add_simulcast_codecs();
        codec.set_codec("vp9");
        codec.set_cid("c1");
        if (with_backup) {
            track.add_simulcast_codecs()->set_codec("vp8");
        }
        alice_.request(message);
        sid_ = alice_.last(Kind::kTrackPublished).track_published().track().sid();
        switchboard_.emit(media::TrackPublished{.connection = {.value = 1},
                                                .track_id = sid_,
                                                .mid = "0",
                                                .kind = MediaKind::kVideo,
                                                .codec = "VP9"});
    }

    Client& join_vp8(const std::string& identity) {
        Admission with_offer = admission(token(identity));
        proto::SessionDescription& offer = *with_offer.join.mutable_publisher_offer();
        offer.set_type("offer");
        offer.set_id(1);
        offer.set_sdp(sdp::offer_of(kReceivesVp8, "0"));
        Client& client = join(std::move(with_offer));
        connect_last();
        return client;
    }

    // As livekit-client does when it is asked to. Returns the name of its section's track.
    std::string send_backup() {
        proto::SignalRequest message;
        proto::AddTrackRequest& track = *message.mutable_add_track();
        track.set_cid("c2");
        track.set_sid(sid_);
        track.set_type(proto::VIDEO);
        track.set_source(proto::CAMERA);
        alice_.request(message);
        EXPECT_EQ(alice_.last(Kind::kTrackPublished).track_published().cid(), "c2");
        EXPECT_EQ(alice_.last(Kind::kTrackPublished).track_published().track().sid(), sid_);
        alice_.offer(sdp::offer_of(std::string(sdp::kVp8Section) + "a=msid:s c2\r\n", "1"), 2);
        switchboard_.answer_all();
        const std::string id =
            switchboard_.renegotiations.back().second.sections.at(0).published_id;
        switchboard_.emit(media::TrackPublished{.connection = {.value = 1},
                                                .track_id = id,
                                                .mid = "1",
                                                .kind = MediaKind::kVideo,
                                                .codec = "VP8"});
        switchboard_.answer_all();
        return id;
    }

    // What the connection is to be sent since it was changed last.
    [[nodiscard]] std::string wanted_by(std::uint64_t connection) const {
        std::string wanted;
        for (const auto& [of, description] : switchboard_.renegotiations) {
            if (of.value == connection) {
                wanted = description.sections.at(0).wanted_track;
            }
        }
        return wanted;
    }

    Client& alice_;
    std::string sid_;
};

TEST_F(BackupCodec, IsAskedForWhereSomebodyNeedsIt) {
    publish_vp9(true);
    join_connected("carol");
    EXPECT_TRUE(alice_.all(Kind::kSubscribedQualityUpdate).empty());
    const Client& bob = join_vp8("bob");
    const auto update = alice_.last(Kind::kSubscribedQualityUpdate).subscribed_quality_update();
    EXPECT_EQ(update.track_sid(), sid_);
    ASSERT_EQ(update.subscribed_codecs_size(), 2);
    EXPECT_EQ(update.subscribed_codecs(0).codec(), "vp9");
    EXPECT_EQ(update.subscribed_codecs(1).codec(), "vp8");
    EXPECT_TRUE(update.subscribed_codecs(1).qualities(0).enabled());
    EXPECT_TRUE(bob.all(Kind::kSubscriptionResponse).empty());
    join_vp8("dave");
    EXPECT_EQ(alice_.all(Kind::kSubscribedQualityUpdate).size(), 1U) << "once";
}

TEST_F(BackupCodec, IsSentToEverybodyAsATrackThatTheyKnow) {
    publish_vp9(true);
    const Client& bob = join_vp8("bob");            // connection 2
    const Client& carol = join_connected("carol");  // connection 3
    const std::size_t updates = bob.all(Kind::kUpdate).size();
    const std::string id = send_backup();
    EXPECT_NE(id, sid_);
    EXPECT_EQ(wanted_by(2), id);
    EXPECT_EQ(wanted_by(3), id) << "the publisher need not encode twice";
    EXPECT_EQ(bob.all(Kind::kUpdate).size(), updates) << "nothing new to others";
    EXPECT_TRUE(carol.all(Kind::kMediaSectionsRequirement).empty());
    // It is not sent any more.
    switchboard_.emit(media::TrackEnded{.connection = {.value = 1}, .track_id = id});
    EXPECT_EQ(wanted_by(3), sid_);
    EXPECT_EQ(carol.told_of("alice").version(), 0U);
}

TEST_F(BackupCodec, IsSentToThoseWhoNeedItWhereBothAreSent) {
    publish_vp9(true, proto::SIMULCAST);
    join_vp8("bob");
    join_connected("carol");
    const std::string id = send_backup();
    EXPECT_EQ(wanted_by(2), id);
    EXPECT_EQ(wanted_by(3), "") << "nothing changed for her";
}

TEST_F(BackupCodec, HasLayersOfItsOwn) {
    publish_vp9(true);
    join_vp8("bob");
    const std::string id = send_backup();
    switchboard_.emit(media::LayersWanted{.connection = {.value = 1},
                                          .track_id = id,
                                          .layers = {{.rid = "q", .spatial = 0, .wanted = true},
                                                     {.rid = "h", .spatial = 1, .wanted = false}}});
    const auto update = alice_.last(Kind::kSubscribedQualityUpdate).subscribed_quality_update();
    EXPECT_EQ(update.track_sid(), sid_);
    EXPECT_TRUE(update.subscribed_codecs(0).qualities(1).enabled());
    EXPECT_TRUE(update.subscribed_codecs(1).qualities(0).enabled());
    EXPECT_FALSE(update.subscribed_codecs(1).qualities(1).enabled());
    const Client& bob = clients_.back();
    switchboard_.emit(
        media::StreamStateChanged{.connection = {.value = 2}, .track_id = id, .paused = true});
    EXPECT_EQ(bob.last(Kind::kStreamStateUpdate).stream_state_update().stream_states(0).track_sid(),
              sid_);
}

TEST_F(BackupCodec, ASubscriberIsToldWhereThereIsNone) {
    publish_vp9(false);
    const Client& bob = join_vp8("bob");
    const auto response = bob.last(Kind::kSubscriptionResponse).subscription_response();
    EXPECT_EQ(response.track_sid(), sid_);
    EXPECT_EQ(response.err(), proto::SE_CODEC_UNSUPPORTED);
    EXPECT_TRUE(alice_.all(Kind::kSubscribedQualityUpdate).empty());
}

}  // namespace
}  // namespace isthmus::signaling::livekit
