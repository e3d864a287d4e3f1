// What one client may ask for, and what becomes of it.
#include "tests/signaling/livekit/rooms_fixture.h"

namespace isthmus::signaling::livekit {
namespace {

using Kind = proto::SignalResponse;
using media::rtp::MediaKind;

using SignalSessionTest = RoomsFixture;

TEST_F(SignalSessionTest, AnswersPings) {
    Client& alice = join("alice");
    proto::SignalRequest ping;
    ping.set_ping(5);
    alice.request(ping);
    EXPECT_EQ(alice.last(Kind::kPong).pong(), 1'700'000'000'000);
    ping.mutable_ping_req()->set_timestamp(77);
    alice.request(ping);
    EXPECT_EQ(alice.last(Kind::kPongResp).pong_resp().last_ping_timestamp(), 77);
}

TEST_F(SignalSessionTest, NamesATrackAndMarksItsSection) {
    Client& alice = join_connected("alice");
    alice.add_track("0d0f5bd3-cid", proto::CAMERA);
    const auto published = alice.last(Kind::kTrackPublished).track_published();
    EXPECT_EQ(published.cid(), "0d0f5bd3-cid");
    EXPECT_TRUE(published.track().sid().starts_with("TR_VC"));
    // An offer with one section to send on.
    alice.offer(sdp::offer_of(std::string(sdp::kVp8Section) + "a=msid:s 0d0f5bd3-cid\r\n", "1"), 2);
    ASSERT_EQ(switchboard_.renegotiations.size(), 1U);
    const auto& sections = switchboard_.renegotiations[0].second.sections;
    ASSERT_EQ(sections.size(), 1U);
    EXPECT_EQ(sections[0].published_id, published.track().sid());
    EXPECT_EQ(sections[0].direction, media::sfu::Direction::kReceive);
}

TEST_F(SignalSessionTest, TakesNothingThatWasNotAnnounced) {
    Client& alice = join_connected("alice");
    alice.offer(sdp::offer_of(std::string(sdp::kVp8Section) + "a=msid:s unknown\r\n", "1"), 2);
    ASSERT_EQ(switchboard_.renegotiations.size(), 1U);
    EXPECT_TRUE(switchboard_.renegotiations[0].second.sections.empty());
    switchboard_.answer_all();
    EXPECT_TRUE(alice.last(Kind::kAnswer).answer().sdp().contains("a=inactive"));
}

TEST_F(SignalSessionTest, LetsPublishOnlyWhatTheTokenAllows) {
    access::AccessToken listener = token("listener");
    listener.video.can_publish = false;
    Client& client = join(admission(listener));
    client.add_track("c1", proto::MICROPHONE);
    EXPECT_EQ(client.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::NOT_ALLOWED);
    access::AccessToken speaker = token("speaker");
    speaker.video.can_publish_sources = {"microphone"};
    Client& other = join(admission(speaker));
    other.add_track("c1", proto::MICROPHONE);
    EXPECT_EQ(other.all(Kind::kTrackPublished).size(), 1U);
    other.add_track("c2", proto::CAMERA);
    EXPECT_EQ(other.all(Kind::kTrackPublished).size(), 1U);
}

TEST_F(SignalSessionTest, TellsEverybodyOfAMute) {
    Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    alice.add_track("c1", proto::MICROPHONE);
    const std::string sid = alice.last(Kind::kTrackPublished).track_published().track().sid();
    publish({.value = 1}, sid, MediaKind::kAudio);
    ASSERT_EQ(bob.told_of("alice").tracks_size(), 1);
    EXPECT_FALSE(bob.told_of("alice").tracks(0).muted());
    proto::SignalRequest mute;
    mute.mutable_mute()->set_sid(sid);
    mute.mutable_mute()->set_muted(true);
    alice.request(mute);
    EXPECT_TRUE(bob.told_of("alice").tracks(0).muted());
}

TEST_F(SignalSessionTest, TellsAPublisherOnceThatSomebodyWatches) {
    Client& alice = join_connected("alice");
    alice.add_track("c1", proto::CAMERA);
    const std::string sid = alice.last(Kind::kTrackPublished).track_published().track().sid();
    publish({.value = 1}, sid, MediaKind::kVideo);
    join_connected("bob");
    join_connected("carol");
    EXPECT_EQ(alice.all(Kind::kTrackSubscribed).size(), 1U);
}

TEST_F(SignalSessionTest, AppliesTrackSettingsToTheSection) {
    publish(whip("camera"), "TR_V1", MediaKind::kVideo);
    Client& bob = join_connected("bob");
    const std::size_t before = switchboard_.wishes.size();
    proto::SignalRequest request;
    request.mutable_track_setting()->add_track_sids("TR_V1");
    request.mutable_track_setting()->set_disabled(true);
    bob.request(request);
    ASSERT_EQ(switchboard_.wishes.size(), before + 1);
    EXPECT_TRUE(switchboard_.wishes.back().wish.paused);
    EXPECT_EQ(switchboard_.wishes.back().mid,
              bob.last(Kind::kAnswer).answer().mid_to_track_id().begin()->first);
}

TEST_F(SignalSessionTest, SubscribesByItselfWhereItWasAskedNotTo) {
    publish(whip("camera"), "TR_V1", MediaKind::kVideo);
    Admission manual = admission(token("bob"));
    manual.join.mutable_connection_settings()->set_auto_subscribe(false);
    proto::SessionDescription& offer = *manual.join.mutable_publisher_offer();
    offer.set_type("offer");
    offer.set_sdp(sdp::read_offer("chromium_six_recvonly_and_data_channel.sdp"));
    Client& bob = join(std::move(manual));
    connect_last();
    EXPECT_EQ(bob.last(Kind::kAnswer).answer().mid_to_track_id_size(), 0);
    proto::SignalRequest request;
    request.mutable_subscription()->set_subscribe(true);
    request.mutable_subscription()->add_track_sids("TR_V1");
    request.mutable_subscription()->add_track_sids("TR_none");
    bob.request(request);
    EXPECT_EQ(bob.all(Kind::kMediaSectionsRequirement).size(), 1U);
    EXPECT_EQ(bob.last(Kind::kSubscriptionResponse).subscription_response().track_sid(), "TR_none");
}

TEST_F(SignalSessionTest, KeepsTracksFromThoseWhoMayNotHaveThem) {
    Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    publish({.value = 1}, "TR_V1", MediaKind::kVideo);
    EXPECT_EQ(bob.all(Kind::kMediaSectionsRequirement).size(), 1U);
    proto::SignalRequest request;
    request.mutable_subscription_permission()->set_all_participants(false);
    alice.request(request);
    const auto update = bob.last(Kind::kSubscriptionPermissionUpdate);
    EXPECT_FALSE(update.subscription_permission_update().allowed());
    EXPECT_EQ(update.subscription_permission_update().track_sid(), "TR_V1");
}

TEST_F(SignalSessionTest, ChangesMetadataWithinItsRightsAndLimits) {
    proto::SignalRequest request;
    request.mutable_update_metadata()->set_metadata("here");
    request.mutable_update_metadata()->set_request_id(9);
    Client& alice = join("alice");
    alice.request(request);
    EXPECT_EQ(alice.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::NOT_ALLOWED);
    access::AccessToken may = token("bob");
    may.video.can_update_own_metadata = true;
    Client& bob = join(admission(may));
    (*request.mutable_update_metadata()->mutable_attributes())["hand"] = "up";
    bob.request(request);
    EXPECT_EQ(bob.last(Kind::kRequestResponse).request_response().request_id(), 9U);
    EXPECT_EQ(alice.told_of("bob").metadata(), "here");
    EXPECT_EQ(alice.told_of("bob").attributes().at("hand"), "up");
    (*request.mutable_update_metadata()->mutable_attributes())["hand"] = "";
    bob.request(request);
    EXPECT_FALSE(alice.told_of("bob").attributes().contains("hand"));
    request.mutable_update_metadata()->set_metadata(std::string(600 * 1024, 'x'));
    bob.request(request);
    EXPECT_EQ(bob.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::LIMIT_EXCEEDED);
    EXPECT_EQ(alice.told_of("bob").metadata(), "here");
}

TEST_F(SignalSessionTest, IsTakenAtItsWordOnlySoOften) {
    access::AccessToken may = token("alice");
    may.video.can_update_own_metadata = true;
    Client& alice = join(admission(may));
    const Client& bob = join("bob");
    proto::SignalRequest request;
    for (int i = 0; i < 1000; ++i) {
        request.mutable_update_metadata()->set_metadata("number " + std::to_string(i));
        alice.request(request);
    }
    EXPECT_LE(bob.all(Kind::kUpdate).size(), 12U);
    pass(std::chrono::seconds(1));
    EXPECT_EQ(bob.told_of("alice").metadata(), "number 999") << "what counts is told";
}

TEST_F(SignalSessionTest, StopsWhatMayNotBePublishedAnyMore) {
    Client& alice = join_connected("alice");
    alice.add_track("cid", proto::CAMERA);
    const std::string sid = alice.last(Kind::kTrackPublished).track_published().track().sid();
    alice.offer(sdp::offer_of(std::string(sdp::kVp8Section) + "a=msid:s cid\r\n", "1"), 2);
    switchboard_.answer_all();
    RoomParticipant& participant = *rooms_.find("demo")->find_identity("alice");
    participant.info.mutable_permission()->set_can_publish(false);
    participant.session->on_permission_changed();
    EXPECT_EQ(alice.last(Kind::kTrackUnpublished).track_unpublished().track_sid(), sid);
    ASSERT_EQ(switchboard_.renegotiations.size(), 2U);
    EXPECT_TRUE(switchboard_.renegotiations.back().second.sections.empty());
    EXPECT_FALSE(alice.last(Kind::kRefreshToken).refresh_token().empty());
}

TEST_F(SignalSessionTest, ComesBackToTheSameSession) {
    Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    pass(std::chrono::seconds(1));
    alice.lose_socket();
    pass(std::chrono::seconds(30));
    Admission again = admission(token("alice"));
    again.join.set_reconnect(true);
    again.join.set_participant_sid(alice.sid());
    const Client& back = join(again);
    EXPECT_TRUE(back.received().at(0).has_reconnect());
    EXPECT_EQ(back.received().at(0).reconnect().server_info().version(), "1.13.5");
    EXPECT_EQ(back.received().at(1).update().participants_size(), 2) << "itself too";
    EXPECT_TRUE(back.received().at(2).has_room_update());
    EXPECT_EQ(bob.told_of("alice").state(), proto::ParticipantInfo::ACTIVE) << "nobody saw it";
    EXPECT_EQ(rooms_.stats().resumes, 1U);
}

TEST_F(SignalSessionTest, HearsWhatWasSwitchedOffWhileTheSocketWasGone) {
    const media::ConnectionId camera = whip("camera");
    publish(camera, "TR_V1", MediaKind::kVideo);
    publish(camera, "TR_A1", MediaKind::kAudio);
    Client& bob = join_connected("bob");
    const std::size_t before = switchboard_.wishes.size();
    proto::SignalRequest request;
    request.mutable_sync_state()->add_track_sids_disabled("TR_V1");
    request.mutable_sync_state()->add_track_sids_disabled("TR_A1");
    request.mutable_sync_state()->add_track_sids_disabled("TR_unknown");
    bob.request(request);
    ASSERT_EQ(switchboard_.wishes.size(), before + 1);
    EXPECT_TRUE(switchboard_.wishes.back().wish.paused);
    ASSERT_EQ(switchboard_.renegotiations.size(), 1U) << "sound is not sent any more";
    for (const auto& section : switchboard_.renegotiations.back().second.sections) {
        EXPECT_NE(section.wanted_track, "TR_A1");
    }
}

TEST_F(SignalSessionTest, IsToldTcpCandidatesOnlyWhereItTriesThatOut) {
    Client& alice = join_connected("alice");
    EXPECT_TRUE(alice.last(Kind::kAnswer).answer().sdp().contains(" udp "));
    EXPECT_TRUE(alice.last(Kind::kAnswer).answer().sdp().contains(" tcp "));
    proto::SignalRequest request;
    request.mutable_simulate()->set_switch_candidate_protocol(proto::TCP);
    alice.request(request);
    EXPECT_EQ(alice.last(Kind::kLeave).leave().action(), proto::LeaveRequest::RECONNECT);
    const Client& again = join_connected("alice");
    EXPECT_FALSE(again.last(Kind::kAnswer).answer().sdp().contains(" udp "));
    EXPECT_TRUE(again.last(Kind::kAnswer).answer().sdp().contains(" tcp "));
    const Client& other = join_connected("bob");
    EXPECT_TRUE(other.last(Kind::kAnswer).answer().sdp().contains(" udp "));
}

TEST_F(SignalSessionTest, SaysWhatItDoesNotSimulate) {
    Client& alice = join_connected("alice");
    proto::SignalRequest request;
    request.mutable_simulate()->set_subscriber_bandwidth(100'000);
    alice.request(request);
    EXPECT_EQ(alice.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::UNSUPPORTED_TYPE);
    EXPECT_FALSE(alice.closed());
}

TEST_F(SignalSessionTest, HasNoDataTracks) {
    Client& alice = join_connected("alice");
    proto::SignalRequest request;
    request.mutable_publish_data_track_request()->set_pub_handle(7);
    request.mutable_publish_data_track_request()->set_name("points");
    alice.request(request);
    const auto refused = alice.last(Kind::kRequestResponse).request_response();
    EXPECT_EQ(refused.reason(), proto::RequestResponse::UNSUPPORTED_TYPE);
    EXPECT_EQ(refused.publish_data_track().pub_handle(), 7U);
    request.mutable_unpublish_data_track_request()->set_pub_handle(7);
    alice.request(request);
    EXPECT_EQ(alice.last(Kind::kRequestResponse).request_response().reason(),
              proto::RequestResponse::INVALID_HANDLE);
}

TEST_F(SignalSessionTest, IsLetGoWhereItDoesNotComeBack) {
    Client& alice = join_connected("alice");
    alice.lose_socket();
    pass(std::chrono::seconds(61));
    EXPECT_EQ(rooms_.stats().participants, 0U);
    Admission late = admission(token("alice"));
    late.join.set_reconnect(true);
    late.join.set_participant_sid(alice.sid());
    const proto::LeaveRequest leave = join(late).received().at(0).leave();
    EXPECT_EQ(leave.reason(), proto::STATE_MISMATCH);
    EXPECT_EQ(leave.action(), proto::LeaveRequest::RECONNECT);
}

TEST_F(SignalSessionTest, IsNobodyElses) {
    const Client& alice = join_connected("alice");
    Admission thief = admission(token("mallory"));
    thief.join.set_reconnect(true);
    thief.join.set_participant_sid(alice.sid());
    EXPECT_TRUE(join(thief).received().at(0).has_leave());
    EXPECT_FALSE(alice.closed());
}

TEST_F(SignalSessionTest, RelaysDataToThoseWhomItIsFor) {
    join_connected("alice");
    join_connected("bob");
    join_connected("carol");
    for (std::uint64_t connection = 1; connection <= 3; ++connection) {
        switchboard_.emit(media::DataChannelOpened{.connection = {.value = connection},
                                                   .channel = 3,
                                                   .label = "_reliable",
                                                   .reliable = true});
    }
    proto::DataPacket packet;
    packet.mutable_user()->set_payload("hello");
    packet.add_destination_identities("carol");
    const std::string text = packet.SerializeAsString();
    auto bytes = std::make_shared<std::vector<std::byte>>(text.size());
    std::memcpy(bytes->data(), text.data(), text.size());
    switchboard_.emit(media::DataReceived{
        .connection = {.value = 1}, .message = {.channel = 3, .binary = true, .bytes = bytes}});
    ASSERT_EQ(switchboard_.data.size(), 1U);
    EXPECT_EQ(switchboard_.data[0].first.value, 3U);
    proto::DataPacket relayed;
    ASSERT_TRUE(
        relayed.ParseFromArray(switchboard_.data[0].second.bytes->data(),
                               static_cast<int>(switchboard_.data[0].second.bytes->size())));
    EXPECT_EQ(relayed.participant_identity(), "alice");
}

TEST_F(SignalSessionTest, IsSentAwayForGarbage) {
    Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    alice.garbage();
    EXPECT_TRUE(alice.closed());
    EXPECT_FALSE(bob.closed());
    EXPECT_EQ(rooms_.stats().malformed, 1U);
}

TEST_F(SignalSessionTest, IsSentAwayForAnOfferThatIsNone) {
    Client& alice = join_connected("alice");
    alice.offer("v=0\r\nnonsense", 2);
    EXPECT_EQ(alice.last(Kind::kLeave).leave().action(), proto::LeaveRequest::RECONNECT);
    EXPECT_EQ(rooms_.stats().participants, 0U);
}

TEST_F(SignalSessionTest, GoesThroughOneOfferAtATime) {
    Client& alice = join_connected("alice");
    const std::string offer = sdp::read_offer("chromium_six_recvonly_and_data_channel.sdp");
    for (std::uint32_t id = 2; id <= 5; ++id) {
        alice.offer(offer, id);
    }
    EXPECT_EQ(switchboard_.renegotiations.size(), 1U);
    switchboard_.answer_all();
    EXPECT_EQ(switchboard_.renegotiations.size(), 2U) << "the last one, without those between";
    EXPECT_EQ(alice.last(Kind::kAnswer).answer().id(), 5U);
}

TEST_F(SignalSessionTest, IsOfferedASecondConnectionInTheOlderForm) {
    publish(whip("camera"), "TR_V1", MediaKind::kVideo);
    Admission old = admission(token("alice"));
    old.dual = true;
    Client& alice = join(std::move(old));
    EXPECT_TRUE(alice.received().at(0).join().subscriber_primary());
    connect_last();
    EXPECT_TRUE(switchboard_.joins[0].description.remote_ice.ufrag.empty());
    const proto::SessionDescription offer = alice.last(Kind::kOffer).offer();
    EXPECT_EQ(offer.id(), 1U);
    EXPECT_TRUE(offer.sdp().contains("m=application"));
    EXPECT_TRUE(offer.sdp().contains("a=setup:actpass"));
    EXPECT_TRUE(offer.sdp().contains("a=msid:PA_camera|camera TR_V1"));
    // An answer that takes it all.
    std::string answer = offer.sdp();
    for (std::size_t at = 0; (at = answer.find("sendonly", at)) != std::string::npos;) {
        answer.replace(at, 8, "recvonly");
    }
    for (std::size_t at = 0; (at = answer.find("actpass", at)) != std::string::npos;) {
        answer.replace(at, 7, "active");
    }
    answer.erase(answer.find("a=ice-lite\r\n"), 12);
    proto::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_sdp(answer);
    request.mutable_answer()->set_id(1);
    alice.request(request);
    switchboard_.answer_all();
    ASSERT_FALSE(switchboard_.renegotiations.empty());
    const auto& sections = switchboard_.renegotiations.back().second.sections;
    ASSERT_EQ(sections.size(), 1U) << "data channels are described apart";
    EXPECT_EQ(sections[0].wanted_track, "TR_V1");
    EXPECT_TRUE(switchboard_.renegotiations.back().second.data.has_value());
}

}  // namespace
}  // namespace isthmus::signaling::livekit
