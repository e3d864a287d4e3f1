// Sections that change while their connection lives: tracks that come, go and change places, and
// who is sent what of them.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/worker/meeting.h"
#include "tests/media/worker/relay_pair.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

sfu::MediaSection published(const std::string& mid, const std::string& id) {
    sfu::MediaSection section = video_section(Direction::kReceive);
    section.mid = mid;
    section.published_id = id;
    return section;
}

sfu::MediaSection wanting(const std::string& mid, const std::string& id) {
    sfu::MediaSection section = video_section(Direction::kSend);
    section.mid = mid;
    section.wanted_track = id;
    return section;
}

sfu::MediaSection inactive(sfu::MediaSection section) {
    section.direction = Direction::kInactive;
    return section;
}

// A video of its own SSRC in section `mid`.
class Source {
  public:
    Source(std::string mid, std::uint32_t ssrc) : mid_(std::move(mid)), ssrc_(ssrc) {}

    RtpToSend next() {
        ++seq_;
        return {.seq = seq_,
                .timestamp = 3000U * seq_,
                .ssrc = ssrc_,
                .marker = true,
                .mid = mid_,
                .payload = vp8_payload(true, static_cast<std::uint8_t>(ssrc_))};
    }

  private:
    std::string mid_;
    std::uint32_t ssrc_;
    std::uint16_t seq_ = 0;
};

void play(Meeting& meeting, const Joined& from, Source& source, int frames) {
    for (int i = 0; i < frames; ++i) {
        meeting.send_rtp(from, source.next());
        meeting.run_for(milliseconds(33));
    }
}

// Packets that came with the payload of `ssrc`'s source.
std::size_t count_of(const Client& client, std::uint32_t ssrc) {
    const auto payload = vp8_payload(true, static_cast<std::uint8_t>(ssrc));
    return static_cast<std::size_t>(std::ranges::count_if(client.rtp, [&](const ReceivedRtp& one) {
        return std::ranges::equal(one.view.payload, payload);
    }));
}

Joined join_naming(Meeting& meeting,
                   const std::string& identity,
                   std::vector<sfu::MediaSection> sections) {
    meeting.names_tracks = true;
    Joined joined = meeting.join_connected(identity, std::move(sections));
    meeting.names_tracks = false;
    return joined;
}

TEST(Renegotiation, AddsATrackMidCallForThoseWhoTakeWhatThereIs) {
    Meeting meeting(1);
    Joined alice = meeting.join_connected("alice", {audio_section(Direction::kReceive)});
    const Joined bob = meeting.join_connected(
        "bob", {audio_section(Direction::kSend), video_section(Direction::kSend)});
    ASSERT_TRUE(meeting.renegotiate(
        alice, {audio_section(Direction::kReceive), published("video", "TR_later")}));
    Source video("video", 0xA1);
    play(meeting, alice, video, 10);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 10U);

    const auto told = meeting.events<TrackPublished>();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].track_id, "TR_later");
    EXPECT_EQ(told[1].mid, "video");
    EXPECT_EQ(meeting.participant("alice")->tracks.size(), 2U);
}

TEST(Renegotiation, LetsATrackGoOnThatIsDescribedAgain) {
    Meeting meeting(2);
    Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    const Joined bob = meeting.join_connected("bob", {video_section(Direction::kSend)});
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    ASSERT_TRUE(meeting.renegotiate(alice, {published("v", "TR_1"), published("w", "TR_2")}));
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 10U);
    EXPECT_TRUE(meeting.events<TrackEnded>().empty());
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 0U);
}

TEST(Renegotiation, EndsATrackThatIsNotReceivedAnyMore) {
    Meeting meeting(3);
    Joined alice =
        meeting.join_connected("alice", {published("v", "TR_1"), published("w", "TR_2")});
    const Joined bob = meeting.join_connected("bob", {video_section(Direction::kSend)});
    Source first("v", 0xA1);
    Source second("w", 0xA2);
    play(meeting, alice, first, 5);
    ASSERT_TRUE(meeting.renegotiate(alice, {inactive(published("v", "")), published("w", "TR_2")}));
    const auto ended = meeting.events<TrackEnded>();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].track_id, "TR_1");
    play(meeting, alice, first, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U) << "nothing of what came afterwards";
    EXPECT_GE(meeting.core().stats().rtp_unroutable, 5U);
    // Bob's only section is free for what is left.
    play(meeting, alice, second, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA2), 5U);
}

TEST(Renegotiation, WhoNamesTracksIsSentThoseAndNoOthers) {
    Meeting meeting(4);
    const Joined alice =
        meeting.join_connected("alice", {published("v", "TR_1"), published("w", "TR_2")});
    const Joined bob = join_naming(
        meeting, "bob", {wanting("0", "TR_2"), wanting("1", ""), audio_section(Direction::kSend)});
    Source first("v", 0xA1);
    Source second("w", 0xA2);
    play(meeting, alice, first, 5);
    play(meeting, alice, second, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 0U);
    EXPECT_EQ(count_of(*bob.client, 0xA2), 5U);
    EXPECT_TRUE(std::ranges::all_of(bob.client->rtp, [&](const ReceivedRtp& one) {
        return one.view.ssrc == bob.senders[0].ssrc;
    }));
}

TEST(Renegotiation, ATrackThatIsPublishedAfterItWasWantedGoesWhereItWasWanted) {
    Meeting meeting(5);
    const Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_late"), wanting("1", "")});
    Joined alice = meeting.join_connected("alice", {audio_section(Direction::kReceive)});
    ASSERT_TRUE(meeting.renegotiate(
        alice, {audio_section(Direction::kReceive), published("v", "TR_late")}));
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);
}

//  One section, first for one track, then for another: the receiver sees one stream go on.
TEST(Renegotiation, ASectionGoesOnWithAnotherTrack) {
    Meeting meeting(6);
    const Joined alice =
        meeting.join_connected("alice", {published("v", "TR_1"), published("w", "TR_2")});
    Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    Source first("v", 0xA1);
    Source second("w", 0xA2);
    play(meeting, alice, first, 10);
    const std::uint32_t ssrc = bob.senders.at(0).ssrc;

    ASSERT_TRUE(meeting.renegotiate(bob, {inactive(wanting("0", "TR_1"))}));
    EXPECT_TRUE(bob.senders.empty()) << "nothing is sent at present";
    play(meeting, alice, first, 3);
    ASSERT_TRUE(meeting.renegotiate(bob, {wanting("0", "TR_2")}));
    ASSERT_EQ(bob.senders.size(), 1U);
    EXPECT_EQ(bob.senders[0].ssrc, ssrc);
    play(meeting, alice, second, 10);

    EXPECT_EQ(count_of(*bob.client, 0xA1), 10U);
    EXPECT_EQ(count_of(*bob.client, 0xA2), 10U);
    const auto& rtp = bob.client->rtp;
    ASSERT_EQ(rtp.size(), 20U);
    for (std::size_t i = 1; i < rtp.size(); ++i) {
        EXPECT_EQ(rtp[i].view.seq, static_cast<std::uint16_t>(rtp[i - 1].view.seq + 1));
        EXPECT_GT(rtp::distance(rtp[i - 1].view.timestamp, rtp[i].view.timestamp), 0);
        EXPECT_EQ(rtp[i].view.ssrc, ssrc);
    }
}

TEST(Renegotiation, ASectionChangesTracksWithoutAPause) {
    Meeting meeting(7);
    const Joined alice =
        meeting.join_connected("alice", {published("v", "TR_1"), published("w", "TR_2")});
    Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    Source first("v", 0xA1);
    Source second("w", 0xA2);
    play(meeting, alice, first, 5);
    ASSERT_TRUE(meeting.renegotiate(bob, {wanting("0", "TR_2")}));
    play(meeting, alice, first, 5);
    play(meeting, alice, second, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);
    EXPECT_EQ(count_of(*bob.client, 0xA2), 5U);
}

TEST(Renegotiation, ATrackThatComesBackUnderItsNameIsWantedStill) {
    Meeting meeting(8);
    Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    const Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    ASSERT_TRUE(meeting.renegotiate(alice, {inactive(published("v", ""))}));
    play(meeting, alice, video, 5);
    ASSERT_TRUE(meeting.renegotiate(alice, {inactive(published("v", "")), published("w", "TR_1")}));
    Source again("w", 0xA2);
    play(meeting, alice, again, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);
    EXPECT_EQ(count_of(*bob.client, 0xA2), 5U);
}

TEST(Renegotiation, ATrackInAnotherCodecGoesOnUnderItsName) {
    Meeting meeting(9);
    Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    const Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    sfu::MediaSection changed = published("v", "TR_1");
    changed.formats[0].rtx_payload_type.reset();
    ASSERT_TRUE(meeting.renegotiate(alice, {changed}));
    EXPECT_TRUE(meeting.events<TrackEnded>().empty());
    EXPECT_EQ(meeting.events<TrackPublished>().size(), 1U);
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 10U);
}

//  alice: one connection to publish, another to be sent what bob publishes.
TEST(Renegotiation, OneParticipantPublishesAndSubscribesOnTwoConnections) {
    Meeting meeting(10);
    meeting.participant_id = "PA_alice";
    const Joined publishing = meeting.join_connected("alice", {published("v", "TR_alice")});
    meeting.beside = true;
    const auto subscribing = meeting.join("alice", {video_section(Direction::kSend)});
    ASSERT_TRUE(subscribing);
    ASSERT_TRUE(
        meeting.run_until([&] { return subscribing->client->ice().connected(); }, seconds(20)));
    meeting.beside = false;
    meeting.participant_id = "PA_bob";
    const Joined bob = meeting.join_connected("bob", {published("v", "TR_bob")});
    Source own("v", 0xA1);
    Source other("v", 0xB1);
    play(meeting, publishing, own, 5);
    play(meeting, bob, other, 5);
    EXPECT_EQ(count_of(*subscribing->client, 0xA1), 0U) << "not its own";
    EXPECT_EQ(count_of(*subscribing->client, 0xB1), 5U);
}

//  The node offers, without knowing whom; the client's answer tells.
TEST(Renegotiation, AConnectionMayBeginWithTheNodesOffer) {
    Meeting meeting(11);
    const Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    meeting.node_offers = true;
    meeting.names_tracks = true;
    auto bob = meeting.join("bob", {wanting("0", "TR_1")});
    ASSERT_TRUE(bob);
    meeting.run_for(seconds(2));
    EXPECT_FALSE(bob->client->ice().connected()) << "its checks came from nobody known";
    ASSERT_EQ(bob->senders.size(), 1U);
    const std::uint32_t offered = bob->senders[0].ssrc;

    const auto local = meeting.renegotiate(*bob, {wanting("0", "TR_1")});
    ASSERT_TRUE(local);
    EXPECT_EQ(bob->senders.at(0).ssrc, offered);
    ASSERT_TRUE(meeting.run_until([&] { return bob->client->ice().connected(); }, seconds(20)));
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob->client, 0xA1), 5U);
}

TEST(Renegotiation, AnOfferThatNobodyAnswersEnds) {
    Meeting meeting(12);
    meeting.node_offers = true;
    const auto bob = meeting.join("bob", {wanting("0", "")});
    ASSERT_TRUE(bob);
    meeting.run_for(seconds(31));
    ASSERT_EQ(meeting.gone().size(), 1U);
    EXPECT_EQ(meeting.gone()[0].reason, LeaveReason::kTransportFailed);
}

TEST(Renegotiation, NewCredentialsOfTheClientRestartIce) {
    Meeting meeting(13);
    const Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    const transport::IceCredentials before = bob.credentials;
    const auto same = meeting.renegotiate(bob, {wanting("0", "TR_1")});
    ASSERT_TRUE(same);
    const transport::IceCredentials fresh{.ufrag = "fresh", .pwd = "0123456789abcdefghijklmn"};
    const auto local = meeting.renegotiate(bob, {wanting("0", "TR_1")}, fresh);
    ASSERT_TRUE(local);
    EXPECT_NE(local->ice.ufrag, same->ice.ufrag);
    bob.client->ice().restart_ice(meeting.simulator().now(), fresh, local->ice);
    meeting.network().settle(*bob.client);
    meeting.run_for(seconds(40));
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);
    EXPECT_TRUE(meeting.gone().empty());
}

//  The node begins the restart with its offer; the client's new credentials come with the answer.
TEST(Renegotiation, TheNodeMayRestartIceItself) {
    Meeting meeting(14);
    const Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    const auto offered = meeting.core().restart_ice(meeting.simulator().now(), bob.connection, {});
    ASSERT_TRUE(offered);
    const transport::IceCredentials fresh{.ufrag = "fresh", .pwd = "0123456789abcdefghijklmn"};
    bob.client->ice().restart_ice(meeting.simulator().now(), fresh, offered->ice);
    meeting.network().settle(*bob.client);
    const auto answered = meeting.renegotiate(bob, {wanting("0", "TR_1")}, fresh);
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->ice.ufrag, offered->ice.ufrag);
    meeting.run_for(seconds(40));
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);
    EXPECT_TRUE(meeting.gone().empty());
}

TEST(Renegotiation, RefusesWhatTheTokenDoesNotAllowAndLeavesTheRestAlone) {
    Meeting meeting(15);
    const Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    meeting.can_publish = false;
    Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1")});
    const auto refused = meeting.renegotiate(bob, {wanting("0", ""), published("1", "TR_2")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
    std::vector<sfu::MediaSection> many(3000, inactive(wanting("0", "")));
    const auto too_many = meeting.renegotiate(bob, many);
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().code, ErrorCode::kLimitExceeded);
    Source video("v", 0xA1);
    play(meeting, alice, video, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U) << "as before";

    meeting.leave(bob.connection);
    const auto late = meeting.renegotiate(bob, {wanting("0", "TR_1")});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::kNotFound);
}

// Tracks that come and go, also with the same names twice, leave nothing behind and end nobody.
TEST(Renegotiation, ManyInARowKeepNothing) {
    Meeting meeting(16);
    Joined alice = meeting.join_connected("alice", {published("v", "TR_1")});
    Joined bob = join_naming(meeting, "bob", {wanting("0", "TR_1"), wanting("0", "TR_2")});
    for (int i = 0; i < 50; ++i) {
        const std::string mid = std::to_string(i);
        ASSERT_TRUE(meeting.renegotiate(
            alice, {published(mid, "TR_1"), published(mid, "TR_1"), published("x", "TR_2")}));
        Source video(mid, 0xA1);
        play(meeting, alice, video, 1);
        ASSERT_TRUE(meeting.renegotiate(bob, {wanting(mid, i % 2 == 0 ? "TR_1" : "TR_2")}));
    }
    EXPECT_LE(meeting.participant("alice")->tracks.size(), 3U);
    EXPECT_EQ(meeting.participant("bob")->subscriptions.size(), 1U);
    ASSERT_TRUE(meeting.renegotiate(alice, {}));
    EXPECT_TRUE(meeting.participant("alice")->tracks.empty());
    EXPECT_EQ(meeting.events<TrackPublished>().size(), meeting.events<TrackEnded>().size());
}

//  alice -- worker 0 == ring ==> worker 1 -- bob (names tracks)
TEST(Renegotiation, TracksComeAndGoOnOtherWorkersToo) {
    Relay relay;
    relay.there.names_tracks = true;
    Joined bob = relay.join(relay.there, "bob", wanting("0", "TR_2"));
    Joined alice = relay.join(relay.here, "alice", published("v", "TR_1"));
    const auto play_across = [&](Source& source, int frames) {
        for (int i = 0; i < frames; ++i) {
            relay.here.send_rtp(alice, source.next());
            relay.run_for(milliseconds(33));
        }
    };
    Source first("v", 0xA1);
    play_across(first, 5);
    EXPECT_TRUE(bob.client->rtp.empty()) << "not what it wants";

    ASSERT_TRUE(relay.here.renegotiate(alice, {published("v", "TR_1"), published("w", "TR_2")}));
    relay.exchange();
    Source second("w", 0xA2);
    play_across(second, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA2), 5U);

    ASSERT_TRUE(
        relay.here.renegotiate(alice, {published("v", "TR_1"), inactive(published("w", ""))}));
    relay.exchange();
    EXPECT_EQ(relay.there.core().stats().subscriptions, 0U);
    ASSERT_TRUE(relay.there.renegotiate(bob, {wanting("0", "TR_1")}));
    relay.exchange();
    play_across(first, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);

    // All of them end, and one begins.
    ASSERT_TRUE(relay.here.renegotiate(alice, {}));
    relay.exchange();
    ASSERT_TRUE(relay.here.renegotiate(alice, {published("again", "TR_1")}));
    relay.exchange();
    Source again("again", 0xA3);
    play_across(again, 5);
    EXPECT_EQ(count_of(*bob.client, 0xA3), 5U);
}

TEST(Renegotiation, WhoPublishedNothingAtFirstIsSeenOnOtherWorkersToo) {
    Relay relay;
    relay.there.names_tracks = true;
    const Joined bob = relay.join(relay.there, "bob", wanting("0", "TR_1"));
    Joined alice = relay.join(relay.here, "alice", inactive(published("v", "")));
    ASSERT_TRUE(relay.here.renegotiate(alice, {published("v", "TR_1")}));
    relay.exchange();
    Source video("v", 0xA1);
    for (int i = 0; i < 5; ++i) {
        relay.here.send_rtp(alice, video.next());
        relay.run_for(milliseconds(33));
    }
    EXPECT_EQ(count_of(*bob.client, 0xA1), 5U);
}

}  // namespace
}  // namespace isthmus::media::testing
