// What signaling hears of a conference without asking: who is there, what is published, what ends.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;

// The events' kinds in order, as far as they are of `connection`.
std::vector<std::string> story_of(const Meeting& meeting, ConnectionId connection) {
    std::vector<std::string> story;
    for (const ConferenceEvent& event : meeting.all_events()) {
        if (const auto* joined = std::get_if<ParticipantJoined>(&event);
            joined != nullptr && joined->connection == connection) {
            story.emplace_back("joined");
        } else if (const auto* connected = std::get_if<ParticipantConnected>(&event);
                   connected != nullptr && connected->connection == connection) {
            story.emplace_back("connected");
        } else if (const auto* published = std::get_if<TrackPublished>(&event);
                   published != nullptr && published->connection == connection) {
            story.push_back("published " + published->mid + " " + published->codec);
        } else if (const auto* ended = std::get_if<TrackEnded>(&event);
                   ended != nullptr && ended->connection == connection) {
            story.emplace_back("ended");
        }
    }
    return story;
}

TEST(ConferenceEvents, TellTheLifeOfAPublisherInOrder) {
    Meeting meeting(1);
    const Joined alice = meeting.join_connected(
        "alice", {audio_section(Direction::kReceive), video_section(Direction::kReceive)});
    meeting.leave(alice.connection);
    EXPECT_EQ(story_of(meeting, alice.connection),
              (std::vector<std::string>{"joined",
                                        "connected",
                                        "published audio opus",
                                        "published video VP8",
                                        "ended",
                                        "ended"}));
    const auto joined = meeting.events<ParticipantJoined>();
    ASSERT_EQ(joined.size(), 1U);
    EXPECT_EQ(joined[0].identity, "alice");
    EXPECT_EQ(joined[0].conference, "demo");
    const auto published = meeting.events<TrackPublished>();
    const auto ended = meeting.events<TrackEnded>();
    ASSERT_EQ(ended.size(), published.size());
    EXPECT_EQ(ended[0].track_id, published[0].track_id);
}

TEST(ConferenceEvents, TellOfNoTrackOfWhoNeverConnected) {
    Meeting meeting(2);
    const auto alice = meeting.join("alice", {video_section(Direction::kReceive)});
    ASSERT_TRUE(alice);
    meeting.leave(alice->connection);
    EXPECT_EQ(story_of(meeting, alice->connection), std::vector<std::string>{"joined"});
}

TEST(ConferenceEvents, GiveTheParticipantTheNameThatSignalingChose) {
    Meeting meeting(3);
    meeting.participant_id = "PA_chosen";
    meeting.join_connected("alice", {audio_section(Direction::kReceive)});
    EXPECT_EQ(meeting.events<ParticipantJoined>().at(0).participant_id, "PA_chosen");
    EXPECT_EQ(meeting.participant("alice")->id, "PA_chosen");
}

//  alice: one connection publishes, another beside it subscribes.
TEST(ConferenceEvents, LetTwoConnectionsOfOneParticipantStandBesideEachOther) {
    Meeting meeting(4);
    meeting.participant_id = "PA_alice";
    const Joined publishing = meeting.join_connected("alice", {audio_section(Direction::kReceive)});
    meeting.beside = true;
    const auto subscribing = meeting.join("alice", {audio_section(Direction::kSend)});
    ASSERT_TRUE(subscribing);
    EXPECT_TRUE(meeting.gone().empty());
    EXPECT_EQ(meeting.conference().participants.size(), 2U) << "an entry for each connection";
    EXPECT_EQ(meeting.conference().participant_count, 1U);

    // Not beside: both make room.
    meeting.beside = false;
    const auto again = meeting.join("alice", {audio_section(Direction::kReceive)});
    ASSERT_TRUE(again);
    ASSERT_EQ(meeting.gone().size(), 2U);
    EXPECT_EQ(meeting.gone()[0].reason, LeaveReason::kReplaced);
    EXPECT_EQ(meeting.gone()[1].reason, LeaveReason::kReplaced);
    EXPECT_EQ(meeting.conference().participants.size(), 1U);
}

TEST(ConferenceEvents, RemoveAllConnectionsOfAParticipant) {
    Meeting meeting(5);
    ASSERT_TRUE(meeting.join("alice", {audio_section(Direction::kReceive)}));
    meeting.beside = true;
    ASSERT_TRUE(meeting.join("alice", {audio_section(Direction::kSend)}));
    meeting.call([](WorkerCore& core, Instant now, transport::DatagramSink& sink) {
        EXPECT_TRUE(core.remove_participant(now, "demo", "alice", sink));
        EXPECT_FALSE(core.remove_participant(now, "demo", "alice", sink));
    });
    EXPECT_EQ(meeting.gone().size(), 2U);
}

}  // namespace
}  // namespace isthmus::media::testing
