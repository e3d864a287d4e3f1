#include <algorithm>

#include "signaling/livekit/rooms_administration.h"
#include "tests/signaling/livekit/rooms_fixture.h"

namespace isthmus::signaling::livekit {
namespace {

using Kind = proto::SignalResponse;
using media::rtp::MediaKind;

using RoomsTest = RoomsFixture;

TEST_F(RoomsTest, TellsAClientWhoIsThere) {
    join("alice");
    const Client& bob = join("bob");
    const proto::JoinResponse welcome = bob.received().at(0).join();
    EXPECT_TRUE(welcome.room().sid().starts_with("RM_"));
    EXPECT_EQ(welcome.room().name(), "demo");
    EXPECT_TRUE(welcome.participant().sid().starts_with("PA_"));
    EXPECT_TRUE(welcome.participant().permission().can_publish());
    ASSERT_EQ(welcome.other_participants_size(), 1);
    EXPECT_EQ(welcome.other_participants(0).identity(), "alice");
    EXPECT_EQ(welcome.server_info().version(), "1.13.5");
    EXPECT_GT(welcome.ping_interval(), 0);
    EXPECT_FALSE(welcome.sif_trailer().empty());
}

TEST_F(RoomsTest, TellsEachWhoJoinsOfOthersAsTheyAreNow) {
    Client& alice = join_connected("alice");
    join("bob");
    alice.add_track("c1", proto::CAMERA);
    publish({.value = 1},
            alice.last(Kind::kTrackPublished).track_published().track().sid(),
            MediaKind::kVideo);
    proto::JoinResponse welcome = join("carol").received().at(0).join();
    ASSERT_EQ(welcome.other_participants_size(), 2);
    const bool first = welcome.other_participants(0).identity() == "alice";
    EXPECT_EQ(welcome.other_participants(first ? 0 : 1).tracks_size(), 1);
    // What nobody was told of yet is told with a new version.
    const Client& dave = join("dave");
    EXPECT_EQ(dave.received().at(0).join().other_participants_size(), 3);
    pass(std::chrono::seconds(1));
    EXPECT_GT(dave.told_of("carol").version(), 1U);
}

TEST_F(RoomsTest, AnswersTheOfferOfTheJoinRequestByItsId) {
    const Client& alice = join_connected("alice");
    const proto::SessionDescription answer = alice.last(Kind::kAnswer).answer();
    EXPECT_EQ(answer.id(), 1U);
    EXPECT_EQ(answer.type(), "answer");
    EXPECT_TRUE(answer.sdp().contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel"));
    EXPECT_TRUE(answer.sdp().contains("a=sctp-port:5000"));
    ASSERT_EQ(switchboard_.joins.size(), 1U);
    EXPECT_TRUE(switchboard_.joins[0].description.data.has_value());
    EXPECT_EQ(switchboard_.joins[0].participant_id, alice.sid());
}

TEST_F(RoomsTest, PutsWhatIsPublishedIntoTheFirstAnswer) {
    publish(whip("camera"), "TR_V1", MediaKind::kVideo);
    const Client& alice = join_connected("alice");
    const proto::SessionDescription answer = alice.last(Kind::kAnswer).answer();
    ASSERT_EQ(answer.mid_to_track_id_size(), 1);
    EXPECT_EQ(answer.mid_to_track_id().begin()->second, "TR_V1");
    EXPECT_TRUE(answer.sdp().contains("a=msid:PA_camera|camera TR_V1"));
    EXPECT_TRUE(alice.all(Kind::kMediaSectionsRequirement).empty());
}

TEST_F(RoomsTest, AsksForAnOfferWhereATrackComesLater) {
    Client& alice = join_connected("alice");
    const media::ConnectionId camera = whip("camera");
    publish(camera, "TR_V1", MediaKind::kVideo);
    EXPECT_EQ(alice.told_of("camera").tracks_size(), 1) << "known before it is negotiated";
    const auto requirement = alice.last(Kind::kMediaSectionsRequirement);
    EXPECT_EQ(requirement.media_sections_requirement().num_videos(), 0U) << "three are free";
    alice.offer(sdp::read_offer("chromium_six_recvonly_and_data_channel.sdp"), 2);
    switchboard_.answer_all();
    EXPECT_EQ(alice.last(Kind::kAnswer).answer().mid_to_track_id_size(), 1);
    ASSERT_EQ(switchboard_.renegotiations.size(), 1U);
    // And it ends.
    switchboard_.emit(media::TrackEnded{.connection = camera, .track_id = "TR_V1"});
    EXPECT_EQ(alice.told_of("camera").tracks_size(), 0);
    EXPECT_EQ(alice.all(Kind::kMediaSectionsRequirement).size(), 2U);
    EXPECT_EQ(switchboard_.renegotiations.size(), 2U) << "it stops at once";
}

TEST_F(RoomsTest, TellsOthersThatSomebodyCameAndLeft) {
    const Client& alice = join_connected("alice");
    Client& bob = join_connected("bob");
    pass(std::chrono::seconds(1));
    EXPECT_EQ(alice.told_of("bob").state(), proto::ParticipantInfo::ACTIVE);
    proto::SignalRequest leave;
    leave.mutable_leave()->set_reason(proto::CLIENT_INITIATED);
    bob.request(leave);
    EXPECT_TRUE(bob.closed());
    pass(std::chrono::seconds(1));
    EXPECT_EQ(alice.told_of("bob").state(), proto::ParticipantInfo::DISCONNECTED);
    EXPECT_EQ(alice.told_of("bob").disconnect_reason(), proto::CLIENT_INITIATED);
    ASSERT_EQ(switchboard_.leaves.size(), 1U);
}

TEST_F(RoomsTest, TellsManyJoinsInFewMessages) {
    const Client& alice = join_connected("alice");
    for (int i = 0; i < 50; ++i) {
        join("viewer " + std::to_string(i));
    }
    pass(std::chrono::seconds(1));
    EXPECT_LE(alice.all(Kind::kUpdate).size(), 3U);
    EXPECT_EQ(alice.told_of("viewer 49").identity(), "viewer 49");
}

TEST_F(RoomsTest, TellsOfWhoOnlyWatchesLaterInLargeRooms) {
    const Client& alice = join_connected("alice");
    for (int i = 0; i < 250; ++i) {
        join("viewer " + std::to_string(i));
    }
    pass(std::chrono::seconds(2));
    join("late");
    pass(std::chrono::seconds(0));
    pass(std::chrono::seconds(1));
    EXPECT_EQ(alice.told_of("late").version(), 0U);
    pass(std::chrono::seconds(1));
    EXPECT_EQ(alice.told_of("late").identity(), "late");
}

TEST_F(RoomsTest, NeverTellsOfTheHidden) {
    const Client& alice = join_connected("alice");
    access::AccessToken hidden = token("spy");
    hidden.video.hidden = true;
    join(admission(hidden));
    pass(std::chrono::seconds(1));
    EXPECT_EQ(alice.told_of("spy").version(), 0U);
    EXPECT_EQ(join("bob").received().at(0).join().other_participants_size(), 1);
}

TEST_F(RoomsTest, EndsTheFirstOfTwoWithTheSameIdentity) {
    const Client& first = join_connected("alice");
    const Client& second = join("alice");
    const proto::LeaveRequest leave = first.last(Kind::kLeave).leave();
    EXPECT_EQ(leave.reason(), proto::DUPLICATE_IDENTITY);
    EXPECT_EQ(leave.action(), proto::LeaveRequest::DISCONNECT);
    EXPECT_TRUE(first.closed());
    EXPECT_FALSE(second.closed());
    EXPECT_EQ(switchboard_.leaves.size(), 1U);
    EXPECT_EQ(rooms_.stats().participants, 1U);
}

TEST_F(RoomsTest, ClosesARoomThatNobodyIsInAnyMore) {
    Client& alice = join("alice");
    alice.lose_socket();  // never connected: gone at once
    EXPECT_EQ(rooms_.stats().participants, 0U);
    pass(std::chrono::seconds(19));
    EXPECT_EQ(rooms_.stats().rooms, 1U);
    pass(std::chrono::seconds(2));
    EXPECT_EQ(rooms_.stats().rooms, 0U);
    ASSERT_FALSE(told_.empty());
    EXPECT_EQ(told_.front().event(), "room_started");
    EXPECT_EQ(told_.back().event(), "room_finished");
}

TEST_F(RoomsTest, TellsServersWhatHappens) {
    const media::ConnectionId camera = whip("camera");
    publish(camera, "TR_V1", MediaKind::kVideo);
    switchboard_.lose(camera, media::LeaveReason::kTimeout);
    std::vector<std::string> events;
    for (const proto::WebhookEvent& event : told_) {
        events.push_back(event.event());
        EXPECT_FALSE(event.id().empty());
        EXPECT_EQ(event.room().name(), "demo");
    }
    EXPECT_EQ(events,
              (std::vector<std::string>{"room_started",
                                        "participant_joined",
                                        "track_published",
                                        "track_unpublished",
                                        "participant_left"}));
}

TEST_F(RoomsTest, LimitsARoom) {
    access::AccessToken small = token("alice");
    small.room_config.participants_max = 1;
    EXPECT_FALSE(rooms_.check(small).has_value());
    join(admission(small));
    EXPECT_EQ(rooms_.check(token("bob"))->status, 503U);
    EXPECT_FALSE(rooms_.check(token("alice")).has_value()) << "may come again";
    EXPECT_EQ(join("bob").received().at(0).leave().reason(), proto::JOIN_FAILURE);
}

TEST_F(RoomsTest, LetsGoOfAClientThatNeverConnects) {
    const Client& alice = join("alice");
    pass(std::chrono::seconds(61));
    EXPECT_EQ(alice.last(Kind::kLeave).leave().reason(), proto::JOIN_FAILURE);
    EXPECT_EQ(rooms_.stats().participants, 0U);
}

TEST_F(RoomsTest, AbandonsAConnectionThatCameTooLate) {
    Admission with_offer = admission(token("alice"));
    with_offer.join.mutable_publisher_offer()->set_type("offer");
    with_offer.join.mutable_publisher_offer()->set_sdp(
        sdp::read_offer("chromium_six_recvonly_and_data_channel.sdp"));
    join(std::move(with_offer)).lose_socket();
    connect_last();
    ASSERT_EQ(switchboard_.leaves.size(), 1U);
    EXPECT_EQ(rooms_.stats().participants, 0U) << "no ghost";
}

TEST_F(RoomsTest, SendsEverybodyAwayWhenItShutsDown) {
    const Client& alice = join_connected("alice");
    rooms_.shut_down();
    EXPECT_EQ(alice.last(Kind::kLeave).leave().reason(), proto::SERVER_SHUTDOWN);
    EXPECT_EQ(rooms_.check(token("bob"))->status, 503U);
}

TEST_F(RoomsTest, LetsPeopleIntoRunningConferencesOnlyWhileNoneIsAdmitted) {
    join_connected("alice");
    switchboard_.conferences.emplace_back().name = "demo";
    switchboard_.admitting = false;
    EXPECT_FALSE(rooms_.check(token("bob")).has_value());
    EXPECT_EQ(join("bob").received().at(0).message_case(), Kind::kJoin);
    access::AccessToken other = token("carol");
    other.video.room = "other";
    EXPECT_EQ(rooms_.check(other)->status, 503U);
    // Its upgrade was under way when that began.
    EXPECT_EQ(join(admission(other)).received().at(0).leave().reason(), proto::JOIN_FAILURE);
    EXPECT_EQ(rooms_.stats().rooms, 1U);
    RoomsAdministration administration(rooms_);
    proto::CreateRoomRequest request;
    request.set_name("other");
    EXPECT_EQ(administration.create_room(request).error().code, ErrorCode::kUnavailable);
    request.set_name("demo");
    EXPECT_TRUE(administration.create_room(request)) << "it is there";
}

TEST_F(RoomsTest, EndsAllRoomsAndTellsWhy) {
    const Client& alice = join_connected("alice");
    const media::ConnectionId camera = whip("camera");
    rooms_.end_all();
    const proto::LeaveRequest leave = alice.last(Kind::kLeave).leave();
    EXPECT_EQ(leave.reason(), proto::SERVER_SHUTDOWN);
    EXPECT_EQ(leave.action(), proto::LeaveRequest::DISCONNECT);
    EXPECT_TRUE(alice.closed());
    EXPECT_EQ(rooms_.stats().rooms, 0U);
    EXPECT_EQ(rooms_.stats().participants, 0U);
    ASSERT_EQ(switchboard_.leaves.size(), 2U);
    EXPECT_TRUE(std::ranges::any_of(switchboard_.leaves,
                                    [&](const auto& left) { return left.first == camera; }));
    EXPECT_EQ(told_.back().event(), "room_finished");
    EXPECT_FALSE(rooms_.check(token("bob")).has_value()) << "the switchboard decides who may come";
}

}  // namespace
}  // namespace isthmus::signaling::livekit
