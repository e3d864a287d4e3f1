// isthmus-load's participants against a node's core on the simulated network; see load_meeting.h.
#include <gtest/gtest.h>

#include "signaling/sdp/trickle_fragment.h"
#include "tests/simulator/seed.h"
#include "tests/tools/load/load_meeting.h"

namespace isthmus::load {
namespace {

using namespace std::chrono_literals;

LoadOptions options_for(media::rtp::Codec codec = media::rtp::Codec::kVp8) {
    LoadOptions options;
    options.codec = codec;
    options.packets_per_frame = 4;
    options.watch_audio = 1;
    options.watch_video = 1;
    return options;
}

TEST(LoadParticipant, WatchesWhatAnotherPublishes) {
    for (const auto codec :
         {media::rtp::Codec::kVp8, media::rtp::Codec::kH264, media::rtp::Codec::kAv1}) {
        LoadMeeting meeting(1, options_for(codec));
        const LoadHost& alice = meeting.join(ParticipantRole::kPublisher, "alice", {.delay = 10ms});
        meeting.run_for(1s);
        const LoadHost& bob = meeting.join(ParticipantRole::kViewer, "bob", {.delay = 10ms});
        meeting.run_for(5s);
        EXPECT_EQ(alice.participant.state(), ParticipantState::kConnected);
        EXPECT_EQ(bob.participant.state(), ParticipantState::kConnected);
        const MediaCounts sent = meeting.counts(alice);
        EXPECT_NEAR(static_cast<double>(sent.sent_frames), 6 * (30 + 50), 40);
        const MediaCounts received = meeting.counts(bob);
        EXPECT_GT(received.frames, 120U) << media::rtp::name_of(codec);
        EXPECT_GT(received.media_packets, 4U * 120 + 200);
        EXPECT_EQ(received.lost, 0U);
        EXPECT_EQ(received.freezes, 0U);
        EXPECT_EQ(received.srtp_errors + received.bad + received.unknown, 0U);
        // Two lines of 10 ms.
        EXPECT_GE(bob.durations.video_latency.percentile(0.01), 19ms);
        // And the node paces a frame while it does not know how much the line takes.
        EXPECT_LE(bob.durations.video_latency.percentile(0.99), 200ms);
        EXPECT_GE(bob.durations.audio_latency.count(), 200U);
        EXPECT_EQ(bob.durations.first_frame.count(), 1U);
        EXPECT_EQ(bob.durations.connect.count(), 1U);
        EXPECT_EQ(bob.durations.key_frame_wait.count(), 1U);
        EXPECT_LT(bob.durations.key_frame_wait.max(), bob.durations.first_frame.max());
        DurationHistogram jitter;
        bob.participant.add_jitter(meeting.now(), jitter);
        EXPECT_EQ(jitter.count(), 2U) << "audio and video";
    }
}

// Loss on the viewer's line only: what is lost is asked for again and repaired.
TEST(LoadParticipant, RepairsWhatItsLineLoses) {
    simulator::for_each_seed(5, [](std::uint64_t seed) {
        LoadMeeting meeting(seed, options_for());
        meeting.join(ParticipantRole::kPublisher, "alice", {.delay = 5ms});
        meeting.run_for(1s);
        const LoadHost& bob =
            meeting.join(ParticipantRole::kViewer, "bob", {.delay = 20ms, .loss = 0.02});
        meeting.run_for(20s);
        const MediaCounts received = meeting.counts(bob);
        EXPECT_GT(received.lost, 20U);
        EXPECT_GT(received.nacks, 20U);
        EXPECT_GT(received.repaired, received.lost / 2) << "audio is not repaired";
        EXPECT_GT(received.frames, 500U);
    });
}

// Loss on the publisher's line: the node asks, the publisher answers by RTX.
TEST(LoadParticipant, SendsAgainWhatTheNodeMissed) {
    simulator::for_each_seed(5, [](std::uint64_t seed) {
        LoadMeeting meeting(seed, options_for());
        const LoadHost& alice =
            meeting.join(ParticipantRole::kPublisher, "alice", {.delay = 20ms, .loss = 0.02});
        meeting.run_for(1s);
        const LoadHost& bob = meeting.join(ParticipantRole::kViewer, "bob", {.delay = 5ms});
        meeting.run_for(20s);
        EXPECT_GT(meeting.counts(alice).retransmitted, 10U);
        EXPECT_GT(meeting.counts(bob).frames, 500U);
    });
}

TEST(LoadParticipant, PublishesAKeyFrameForALateViewer) {
    LoadMeeting meeting(3, options_for());
    const LoadHost& alice = meeting.join(ParticipantRole::kPublisher, "alice");
    meeting.run_for(10s);
    const std::uint64_t asked = meeting.counts(alice).key_frames_asked;
    const LoadHost& bob = meeting.join(ParticipantRole::kViewer, "bob");
    meeting.run_for(2s);
    EXPECT_GT(meeting.counts(alice).key_frames_asked, asked);
    EXPECT_LE(bob.durations.first_frame.max(), 1s);
    EXPECT_GT(meeting.counts(bob).frames, 20U);
}

// Whatever the node forwards of them, all three go out.
TEST(LoadParticipant, PublishesThreeLayersWhereTheNodeTakesThem) {
    LoadOptions options = options_for();
    options.simulcast = true;
    options.audio = false;
    LoadMeeting meeting(6, options);
    const LoadHost& alice = meeting.join(ParticipantRole::kPublisher, "alice");
    meeting.run_for(4s);
    const MediaCounts sent = meeting.counts(alice);
    EXPECT_NEAR(static_cast<double>(sent.sent_frames), 3 * 4 * 30, 20);
    // 4, 2 and 1 packets a frame.
    EXPECT_NEAR(static_cast<double>(sent.sent_packets), 7 * 4 * 30, 50);
}

TEST(LoadParticipant, FailsWhereTheNodeIsSilent) {
    LoadMeeting meeting(4, options_for());
    const LoadHost& bob = meeting.join(ParticipantRole::kViewer, "bob", {.loss = 1.0});
    meeting.run_for(14s);
    EXPECT_EQ(bob.participant.state(), ParticipantState::kConnecting);
    meeting.run_for(2s);
    EXPECT_EQ(bob.participant.state(), ParticipantState::kFailed);
    EXPECT_EQ(bob.participant.next_timeout(), kNever);
}

TEST(LoadParticipant, TricklesItsOnlyCandidate) {
    LoadMeeting meeting(7, options_for());
    const LoadHost& bob = meeting.join(ParticipantRole::kViewer, "bob");
    const auto fragment = signaling::sdp::parse_trickle_fragment(bob.participant.make_trickle(
        {.ip = media::transport::IpAddress::v4({127, 1, 0, 1}), .port = 4000}));
    ASSERT_TRUE(fragment) << fragment.error().message;
    ASSERT_TRUE(fragment->credentials);
    EXPECT_EQ(fragment->credentials->ufrag.size(), 4U);
    ASSERT_EQ(fragment->sections.size(), 1U);
    EXPECT_EQ(fragment->sections[0].mid, "0");
    EXPECT_TRUE(fragment->sections[0].end_of_candidates);
    ASSERT_EQ(fragment->sections[0].candidates.size(), 1U);
    EXPECT_TRUE(fragment->sections[0].candidates[0].contains("127.1.0.1 4000 typ host"))
        << fragment->sections[0].candidates[0];
}

TEST(LoadParticipant, SaysGoodbye) {
    LoadMeeting meeting(5, options_for());
    LoadHost& alice = meeting.join(ParticipantRole::kPublisher, "alice");
    meeting.run_for(2s);
    ASSERT_EQ(alice.participant.state(), ParticipantState::kConnected);
    alice.participant.close();
    meeting.meeting().network().settle(alice);
    meeting.run_for(100ms);
    ASSERT_EQ(meeting.meeting().gone().size(), 1U);
    EXPECT_EQ(meeting.meeting().gone()[0].identity, "alice");
}

}  // namespace
}  // namespace isthmus::load
