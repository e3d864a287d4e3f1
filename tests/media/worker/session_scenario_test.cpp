// Coming, moving and going, limits, and what strangers send:
//
//     alice, bob, ... -- 10 ms -- node        stranger (spoofs any address)
#include <gtest/gtest.h>

#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<sfu::MediaSection> video(Direction direction) {
    return {video_section(direction)};
}

RtpToSend key_frame(std::uint32_t ssrc, std::uint16_t seq) {
    return {.seq = seq,
            .timestamp = 3000U * seq,
            .ssrc = ssrc,
            .marker = true,
            .payload = vp8_payload(true, 1)};
}

TEST(Session, APublisherThatVanishesIsGoneWithin15SecondsAndOthersAreUnharmed) {
    Meeting meeting(21);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined dave = meeting.join_connected("dave", video(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", video(Direction::kSend));
    meeting.network().set_lines(*alice.client, {.loss = 1}, {.loss = 1});
    const Instant vanished = meeting.simulator().now();
    ASSERT_TRUE(meeting.run_until([&] { return !meeting.gone().empty(); }, seconds(20)));
    EXPECT_LE(meeting.simulator().now() - vanished, milliseconds(15'100));
    EXPECT_EQ(meeting.gone()[0].connection, alice.connection);
    EXPECT_EQ(meeting.gone()[0].reason, LeaveReason::kTimeout);
    meeting.send_rtp(dave, key_frame(9, 1));
    meeting.run_for(milliseconds(100));
    EXPECT_EQ(bob.client->rtp.size(), 1U) << "bob watches dave now";
    meeting.run_for(seconds(60));
    EXPECT_EQ(meeting.gone().size(), 1U) << "those who are there stay";
}

TEST(Session, ACloseNotifyEndsItAtOnce) {
    Meeting meeting(22);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", video(Direction::kSend));
    alice.client->ice().close();
    meeting.network().settle(*alice.client);
    meeting.run_for(milliseconds(50));
    ASSERT_EQ(meeting.gone().size(), 1U);
    EXPECT_EQ(meeting.gone()[0].reason, LeaveReason::kClientLeft);
    EXPECT_EQ(meeting.conference().participants.size(), 1U);
}

TEST(Session, TheConferenceEndsWithItsLastParticipant) {
    Meeting meeting(23);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    EXPECT_EQ(meeting.core().stats().conferences, 1U);
    meeting.leave(alice.connection);
    EXPECT_EQ(meeting.core().stats().conferences, 0U);
    meeting.run_for(seconds(60));
    EXPECT_EQ(meeting.core().next_timeout(), kNever) << "an idle worker sleeps";
}

TEST(Session, TheSameIdentityAgainReplacesTheOldConnection) {
    Meeting meeting(24);
    const Joined first = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined second = meeting.join_connected("alice", video(Direction::kReceive));
    ASSERT_EQ(meeting.gone().size(), 1U);
    EXPECT_EQ(meeting.gone()[0].connection, first.connection);
    EXPECT_EQ(meeting.gone()[0].reason, LeaveReason::kReplaced);
    EXPECT_EQ(meeting.conference().participants.size(), 1U);
}

TEST(Session, MediaFollowsAViewerToAnotherAddress) {
    Meeting meeting(25);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", video(Direction::kSend));
    meeting.send_rtp(alice, key_frame(9, 1));
    meeting.run_for(milliseconds(100));
    ASSERT_EQ(bob.client->rtp.size(), 1U);

    const transport::SocketAddress inside = bob.client->ice().selected_path()->local;
    meeting.network().rebind(inside,
                             {.ip = transport::IpAddress::v4({203, 0, 113, 9}), .port = 777});
    meeting.run_for(seconds(6));  // the next check finds the node from the new address
    meeting.send_rtp(alice, key_frame(9, 2));
    meeting.run_for(milliseconds(100));
    EXPECT_EQ(bob.client->rtp.size(), 2U);
    EXPECT_EQ(meeting.participant("bob")->remote_address, "203.0.113.9:777");
}

TEST(Session, AnIceRestartKeepsTheMediaGoing) {
    Meeting meeting(26);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", video(Direction::kSend));
    const transport::IceCredentials fresh{.ufrag = "fresh", .pwd = "0123456789abcdefghijklmn"};
    const auto local = meeting.core().restart_ice(meeting.simulator().now(), bob.connection, fresh);
    ASSERT_TRUE(local.has_value());
    EXPECT_FALSE(local->candidates.size() > 100);
    bob.client->ice().restart_ice(meeting.simulator().now(), fresh, local->ice);
    meeting.network().settle(*bob.client);
    meeting.send_rtp(alice, key_frame(9, 1));
    meeting.run_for(seconds(40));
    meeting.send_rtp(alice, key_frame(9, 2));
    meeting.run_for(milliseconds(100));
    EXPECT_EQ(bob.client->rtp.size(), 2U);
    EXPECT_TRUE(meeting.gone().empty());
}

TEST(Session, ConnectsAndForwardsOverALossyLine) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("--seed=" + std::to_string(seed));
        Meeting meeting(seed);
        const simulator::LinkConfig lossy{
            .jitter = milliseconds(5), .loss = 0.1, .duplicate = 0.05, .reorder = 0.05};
        const Joined alice = meeting.join_connected("alice", video(Direction::kReceive), lossy);
        const Joined bob = meeting.join_connected("bob", video(Direction::kSend), lossy);
        for (std::uint16_t i = 0; i < 100; ++i) {
            meeting.send_rtp(alice, key_frame(9, i));
            meeting.run_for(milliseconds(20));
        }
        // Two lines of 10 % loss each, nothing repeated: 81 of 100 are expected.
        EXPECT_GT(bob.client->rtp.size(), 60U);
        EXPECT_LT(bob.client->rtp.size(), 100U);
    }
}

TEST(Session, StrangersAreCountedAndGetNothing) {
    Meeting meeting(27);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const transport::SocketAddress stranger{.ip = transport::IpAddress::v4({203, 0, 113, 66}),
                                            .port = 6666};
    const auto before = meeting.core().stats();
    const auto rtp = make_rtp(key_frame(9, 1));
    meeting.network().inject(stranger, meeting.node_address(), rtp);
    std::vector<std::byte> dtls(200, std::byte{22});
    meeting.network().inject(stranger, meeting.node_address(), dtls);
    std::vector<std::byte> stun(20);
    stun[1] = std::byte{1};
    meeting.network().inject(stranger, meeting.node_address(), stun);
    std::vector<std::byte> nothing;
    meeting.network().inject(stranger, meeting.node_address(), nothing);
    const std::uint64_t unroutable = meeting.network().unroutable();
    meeting.run_for(milliseconds(50));
    const auto after = meeting.core().stats();
    EXPECT_EQ(after.datagrams_unknown - before.datagrams_unknown, 3U);
    EXPECT_EQ(after.stun_bad - before.stun_bad, 1U);
    EXPECT_EQ(meeting.network().unroutable(), unroutable) << "no answer went out to the stranger";
}

TEST(Session, SpoofedAndReplayedPacketsAreCountedAndNotForwarded) {
    Meeting meeting(28);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", video(Direction::kSend));
    const transport::Path alices = *alice.client->ice().selected_path();
    std::vector<std::byte> captured;
    meeting.network().set_tap([&](const simulator::Network::Transit& transit) {
        if (transit.from == alices.local &&
            transport::classify(transit.bytes) == transport::DatagramKind::kRtp) {
            captured.assign(transit.bytes.begin(), transit.bytes.end());
        }
        return simulator::Network::Verdict::kPass;
    });
    meeting.send_rtp(alice, key_frame(9, 1));
    meeting.run_for(milliseconds(50));
    ASSERT_FALSE(captured.empty());
    meeting.network().inject(alices.local, meeting.node_address(), captured);
    meeting.network().inject(alices.local, meeting.node_address(), make_rtp(key_frame(9, 2)));
    meeting.run_for(milliseconds(50));
    EXPECT_EQ(bob.client->rtp.size(), 1U);
    EXPECT_EQ(meeting.core().stats().srtp_replays, 1U);
    EXPECT_EQ(meeting.core().stats().srtp_auth_failures, 1U);
}

TEST(Session, LimitsAreKept) {
    WorkerCoreConfig config;
    config.limits.participants_per_conference = 2;
    config.limits.tracks_per_participant = 1;
    config.limits.ssrcs_per_track = 4;
    Meeting meeting(29, config);
    EXPECT_FALSE(meeting.join(
        "greedy", {audio_section(Direction::kReceive), video_section(Direction::kReceive)}));
    EXPECT_EQ(meeting.error, "A participant may publish 1 tracks; the offer has 2.");
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", video(Direction::kSend));
    EXPECT_FALSE(meeting.join("carol", video(Direction::kSend)));
    EXPECT_EQ(meeting.core().stats().participants, 2U);

    for (std::uint32_t ssrc = 1; ssrc <= 20; ++ssrc) {
        meeting.send_rtp(alice, key_frame(ssrc, 1));
    }
    meeting.run_for(milliseconds(50));
    EXPECT_EQ(meeting.participant("alice")->tracks[0].streams.size(), 4U);
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 16U);
}

TEST(Session, APublisherAboveItsBitrateLosesTheExcess) {
    WorkerCoreConfig config;
    config.limits.publish_bitrate_bps_max = 80'000;  // 10 kB a second
    Meeting meeting(30, config);
    const Joined alice = meeting.join_connected("alice", video(Direction::kReceive));
    for (std::uint16_t i = 0; i < 500; ++i) {  // 25 kB at once
        meeting.send_rtp(alice, key_frame(9, i));
    }
    meeting.run_for(milliseconds(50));
    const auto stats = meeting.core().stats();
    EXPECT_GT(stats.limit_bitrate_drops, 250U);
    EXPECT_LT(stats.limit_bitrate_drops, 400U);
}

TEST(Session, GrantsAreEnforced) {
    Meeting meeting(31);
    meeting.can_publish = false;
    EXPECT_FALSE(meeting.join("alice", video(Direction::kReceive)));
    EXPECT_EQ(meeting.error, "The token does not allow publishing.");
    meeting.can_publish = true;
    meeting.can_subscribe = false;
    EXPECT_FALSE(meeting.join("alice", video(Direction::kSend)));
    EXPECT_EQ(meeting.error, "The token does not allow subscribing.");
    EXPECT_EQ(meeting.core().stats().conferences, 0U) << "nothing is left of a refused join";
}

TEST(Session, AHalfOpenConnectionIsGivenUp) {
    Meeting meeting(32);
    const auto alice = meeting.join("alice", video(Direction::kReceive), {.loss = 1});
    ASSERT_TRUE(alice.has_value());
    meeting.run_for(seconds(31));
    ASSERT_EQ(meeting.gone().size(), 1U);
    EXPECT_EQ(meeting.core().stats().participants, 0U);
}

}  // namespace
}  // namespace isthmus::media::testing
