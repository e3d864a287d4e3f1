// What servers may do to rooms, with rooms behind it (room_service_test.cpp has the HTTP before
// it).
#include "signaling/livekit/rooms_administration.h"

#include "tests/signaling/livekit/rooms_fixture.h"

namespace isthmus::signaling::livekit {
namespace {

using Kind = proto::SignalResponse;
using media::rtp::MediaKind;

class RoomsAdministrationTest : public RoomsFixture {
  protected:
    RoomsAdministration administration_{rooms_};
};

TEST_F(RoomsAdministrationTest, MakesARoomOnceAndKeepsIt) {
    proto::CreateRoomRequest request;
    request.set_name("planned");
    request.set_empty_timeout(60);
    request.set_max_participants(2);
    request.set_metadata("m");
    const auto made = administration_.create_room(request);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->empty_timeout(), 60U);
    EXPECT_EQ(made->metadata(), "m");
    EXPECT_EQ(administration_.create_room(request)->sid(), made->sid()) << "the same again";
    EXPECT_EQ(administration_.list_rooms().size(), 1U);
    pass(std::chrono::seconds(59));
    EXPECT_EQ(administration_.list_rooms().size(), 1U);
    pass(std::chrono::seconds(2));
    EXPECT_TRUE(administration_.list_rooms().empty());
}

TEST_F(RoomsAdministrationTest, RefusesWhatIsTooLong) {
    proto::CreateRoomRequest request;
    request.set_name(std::string(300, 'x'));
    EXPECT_EQ(administration_.create_room(request).error().code, ErrorCode::kInvalidArgument);
    join("alice");
    EXPECT_EQ(
        administration_.update_room_metadata("demo", std::string(600 * 1024UL, 'x')).error().code,
        ErrorCode::kInvalidArgument);
}

TEST_F(RoomsAdministrationTest, SaysWhatIsNotThere) {
    EXPECT_EQ(administration_.delete_room("none").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(administration_.list_participants("none").error().code, ErrorCode::kNotFound);
    join("alice");
    EXPECT_EQ(administration_.get_participant("demo", "bob").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(administration_.mute_track("demo", "alice", "TR_none", true).error().code,
              ErrorCode::kNotFound);
    EXPECT_FALSE(administration_.send_data({}));
}

TEST_F(RoomsAdministrationTest, SendsEverybodyAwayFromARoomThatItEnds) {
    const Client& alice = join_connected("alice");
    ASSERT_TRUE(administration_.delete_room("demo"));
    EXPECT_EQ(alice.last(Kind::kLeave).leave().reason(), proto::ROOM_DELETED);
    EXPECT_EQ(alice.last(Kind::kLeave).leave().action(), proto::LeaveRequest::DISCONNECT);
    EXPECT_TRUE(administration_.list_rooms().empty());
}

TEST_F(RoomsAdministrationTest, TellsEverybodyOfARoomsNewMetadata) {
    const Client& alice = join_connected("alice");
    pass(std::chrono::seconds(3));
    ASSERT_TRUE(administration_.update_room_metadata("demo", "agenda"));
    EXPECT_EQ(alice.last(Kind::kRoomUpdate).room_update().room().metadata(), "agenda");
}

TEST_F(RoomsAdministrationTest, RemovesOneAndLeavesTheOthers) {
    const Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    ASSERT_TRUE(administration_.remove_participant("demo", "bob"));
    EXPECT_EQ(bob.last(Kind::kLeave).leave().reason(), proto::PARTICIPANT_REMOVED);
    EXPECT_FALSE(alice.closed());
    EXPECT_EQ(administration_.list_participants("demo")->size(), 1U);
}

TEST_F(RoomsAdministrationTest, ChangesAParticipantAndWhatItMayDo) {
    Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    alice.add_track("c1", proto::CAMERA);
    proto::UpdateParticipantRequest request;
    request.set_room("demo");
    request.set_identity("alice");
    request.set_name("Alice A.");
    (*request.mutable_attributes())["role"] = "guest";
    request.mutable_permission()->set_can_subscribe(true);
    const auto changed = administration_.update_participant(request);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->name(), "Alice A.");
    EXPECT_EQ(bob.told_of("alice").attributes().at("role"), "guest");
    EXPECT_FALSE(bob.told_of("alice").permission().can_publish());
    EXPECT_EQ(alice.all(Kind::kTrackUnpublished).size(), 1U) << "it may not publish any more";
    EXPECT_FALSE(alice.last(Kind::kRefreshToken).refresh_token().empty());
    (*request.mutable_attributes())["role"] = "";
    ASSERT_TRUE(administration_.update_participant(request));
    EXPECT_FALSE(bob.told_of("alice").attributes().contains("role"));
}

TEST_F(RoomsAdministrationTest, MutesATrackAndNeverOpensOne) {
    Client& alice = join_connected("alice");
    const Client& bob = join_connected("bob");
    alice.add_track("c1", proto::MICROPHONE);
    const std::string sid = alice.last(Kind::kTrackPublished).track_published().track().sid();
    publish({.value = 1}, sid, MediaKind::kAudio);
    ASSERT_TRUE(administration_.mute_track("demo", "alice", sid, true));
    EXPECT_EQ(alice.last(Kind::kMute).mute().sid(), sid);
    EXPECT_TRUE(alice.last(Kind::kMute).mute().muted());
    EXPECT_TRUE(bob.told_of("alice").tracks(0).muted());
    EXPECT_EQ(administration_.mute_track("demo", "alice", sid, false).error().code,
              ErrorCode::kConflict);
}

TEST_F(RoomsAdministrationTest, SubscribesForThoseWhoChoose) {
    publish(whip("camera"), "TR_V1", MediaKind::kVideo);
    const Client& alice = join_connected("alice");
    proto::UpdateSubscriptionsRequest request;
    request.set_room("demo");
    request.set_identity("alice");
    request.add_track_sids("TR_V1");
    const std::size_t before = switchboard_.renegotiations.size();
    ASSERT_TRUE(administration_.update_subscriptions(request));
    EXPECT_EQ(switchboard_.renegotiations.size(), before + 1) << "it stops at once";
    EXPECT_EQ(alice.all(Kind::kMediaSectionsRequirement).size(), 1U);
    request.set_identity("camera");
    EXPECT_EQ(administration_.update_subscriptions(request).error().code, ErrorCode::kConflict);
}

TEST_F(RoomsAdministrationTest, SendsDataToThoseWhomItNames) {
    join_connected("alice");
    join_connected("bob");
    for (std::uint64_t connection = 1; connection <= 2; ++connection) {
        switchboard_.emit(media::DataChannelOpened{.connection = {.value = connection},
                                                   .channel = 1,
                                                   .label = "_lossy",
                                                   .reliable = false});
    }
    proto::SendDataRequest request;
    request.set_room("demo");
    request.set_data("hello");
    request.set_kind(proto::DataPacket::LOSSY);
    ASSERT_TRUE(administration_.send_data(request));
    EXPECT_EQ(switchboard_.data.size(), 2U);
    request.add_destination_identities("bob");
    ASSERT_TRUE(administration_.send_data(request));
    ASSERT_EQ(switchboard_.data.size(), 3U);
    EXPECT_EQ(switchboard_.data.back().first.value, 2U);
}

}  // namespace
}  // namespace isthmus::signaling::livekit
