// What signaling hears of a conference that goes on: layers that are wanted, videos that are held
// back, who speaks, how connections fare; and what it may ask of pinned sections meanwhile.
//
//     alice (VP8 simulcast) --> node --> bob, carol
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_writer.h"
#include "tests/media/worker/layered_camera.h"
#include "tests/media/worker/relay_pair.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<bool> wanted_of(const LayersWanted& event) {
    std::vector<bool> wanted;
    for (const LayerWanted& layer : event.layers) {
        EXPECT_EQ(layer.spatial, wanted.size());
        wanted.push_back(layer.wanted);
    }
    return wanted;
}

class News : public ::testing::Test {
  protected:
    void run(Duration duration) {
        for (Duration passed{}; passed < duration; passed += milliseconds(33)) {
            camera_.picture();
            meeting_.run_for(milliseconds(33));
        }
    }

    Joined join(const std::string& identity) {
        return meeting_.join_connected(identity,
                                       {layered_section(Direction::kSend, rtp::Codec::kVp8)});
    }

    Meeting meeting_{1};
    LayeredCamera camera_{meeting_, {.filler_bytes = 1000}};
};

TEST_F(News, APublisherHearsLateThatNobodyWatchesAndAtOnceThatSomebodyDoes) {
    run(seconds(4));
    EXPECT_TRUE(meeting_.events<LayersWanted>().empty());
    run(seconds(2));
    auto told = meeting_.events<LayersWanted>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].connection, camera_.publisher->connection);
    EXPECT_EQ(told[0].track_id, meeting_.events<TrackPublished>().at(0).track_id);
    EXPECT_EQ(wanted_of(told[0]), (std::vector{false, false, false}));
    EXPECT_FALSE(told[0].layers[0].rid.empty());

    const Joined bob = join("bob");
    meeting_.run_for(milliseconds(1));
    told = meeting_.events<LayersWanted>();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(wanted_of(told[1]), (std::vector{true, true, true}));
}

TEST_F(News, APublisherHearsOfTheLargestSizeThatAnybodyWants) {
    const Joined bob = join("bob");
    const Joined carol = join("carol");
    run(seconds(1));
    ASSERT_TRUE(meeting_.set_layer_wish(bob.connection, "video", {.max_spatial = 0}));
    run(seconds(6));
    EXPECT_TRUE(meeting_.events<LayersWanted>().empty()) << "carol wants all of it";
    ASSERT_TRUE(meeting_.set_layer_wish(carol.connection, "video", {.max_spatial = 1}));
    run(seconds(6));
    auto told = meeting_.events<LayersWanted>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(wanted_of(told[0]), (std::vector{true, true, false}));
    // What nobody wants is no longer sent; it can be wanted still.
    camera_.on = 2;
    run(seconds(2));
    ASSERT_TRUE(meeting_.set_layer_wish(bob.connection, "video", {}));
    told = meeting_.events<LayersWanted>();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(wanted_of(told[1]), (std::vector{true, true, true}));
}

TEST_F(News, AViewerWhoWantsNoVideoWantsNoLayer) {
    const Joined bob = join("bob");
    run(seconds(1));
    ASSERT_TRUE(meeting_.set_layer_wish(bob.connection, "video", {.paused = true}));
    run(seconds(6));
    const auto told = meeting_.events<LayersWanted>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(wanted_of(told[0]), (std::vector{false, false, false}));
}

//  Two videos on a line that has room for less than one: one of them is sent all the same.
TEST_F(News, AVideoThatIsHeldBackForWantOfBandwidthIsTold) {
    LayeredCamera other(meeting_, {.identity = "dave", .filler_bytes = 1000, .first_ssrc = 0x2000});
    sfu::MediaSection second = layered_section(Direction::kSend, rtp::Codec::kVp8);
    second.mid = "second";
    const Joined bob = meeting_.join_connected(
        "bob", {layered_section(Direction::kSend, rtp::Codec::kVp8), second});
    // What bob says of his line in each report.
    const auto run_at = [&](std::uint64_t bits_per_second, Duration duration) {
        for (Duration passed{}; passed < duration; passed += milliseconds(33)) {
            other.picture();
            camera_.picture();
            meeting_.run_for(milliseconds(33));
            std::array<std::byte, 200> buffer{};
            rtp::RtcpWriter writer(buffer);
            const std::array ssrcs = {bob.senders[0].ssrc, bob.senders[1].ssrc};
            ASSERT_TRUE(writer.remb(1, bits_per_second, ssrcs));
            meeting_.send_rtcp(bob, writer.bytes());
        }
    };
    run_at(30'000'000, seconds(3));
    EXPECT_TRUE(meeting_.events<StreamStateChanged>().empty());
    run_at(1000, seconds(5));
    auto told = meeting_.events<StreamStateChanged>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(told[0].paused);
    EXPECT_EQ(told[0].connection, bob.connection);
    run_at(30'000'000, seconds(30));
    told = meeting_.events<StreamStateChanged>();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_FALSE(told[1].paused);
    EXPECT_EQ(told[1].track_id, told[0].track_id);
}

TEST_F(News, EveryConnectionIsMeasuredEveryFiveSeconds) {
    const Joined bob = join("bob");
    run(milliseconds(10'500));
    const auto told = meeting_.events<ConnectionMeasured>();
    const auto of = [&](ConnectionId connection) {
        return std::ranges::count(told, connection, &ConnectionMeasured::connection);
    };
    EXPECT_EQ(of(camera_.publisher->connection), 2);
    EXPECT_EQ(of(bob.connection), 2);
    EXPECT_DOUBLE_EQ(told[0].loss_up, 0);
}

TEST(ConferenceNews, TellWhatAPublisherLoses) {
    Meeting meeting(2);
    const Joined alice =
        meeting.join_connected("alice", {audio_section(Direction::kReceive)}, {.loss = 0.2});
    for (std::uint16_t seq = 0; seq < 600; ++seq) {
        meeting.send_rtp(alice,
                         {.payload_type = kOpusType,
                          .seq = seq,
                          .timestamp = 960U * seq,
                          .ssrc = 7,
                          .mid = "audio",
                          .payload = std::vector<std::byte>(60)});
        meeting.run_for(milliseconds(20));
    }
    const auto told = meeting.events<ConnectionMeasured>();
    ASSERT_GE(told.size(), 2U);
    EXPECT_NEAR(told[1].loss_up, 0.2, 0.1);
}

RtpToSend sound(std::uint16_t seq, std::uint32_t ssrc, std::uint8_t level) {
    return {.payload_type = kOpusType,
            .seq = seq,
            .timestamp = 960U * seq,
            .ssrc = ssrc,
            .mid = "audio",
            .payload = std::vector<std::byte>(60, std::byte{static_cast<std::uint8_t>(seq)}),
            .level = rtp::AudioLevel{.minus_dbov = level, .voice = true}};
}

TEST(ConferenceNews, TellWhoSpeaksAndWhoFellSilent) {
    Meeting meeting(3);
    meeting.participant_id = "PA_alice";
    const Joined alice = meeting.join_connected("alice", {audio_section(Direction::kReceive)});
    std::uint16_t seq = 0;
    const auto talk = [&](std::uint8_t level, Duration duration) {
        for (Duration passed{}; passed < duration; passed += milliseconds(20)) {
            meeting.send_rtp(alice, sound(++seq, 7, level));
            meeting.run_for(milliseconds(20));
        }
    };
    talk(80, seconds(2));
    EXPECT_TRUE(meeting.events<SpeakersChanged>().empty()) << "a room, not a voice";
    talk(20, seconds(2));
    auto told = meeting.events<SpeakersChanged>();
    ASSERT_FALSE(told.empty());
    EXPECT_LE(told.size(), 4U) << "not more often than it changes";
    EXPECT_EQ(told.back().conference, "demo");
    ASSERT_EQ(told.back().speakers.size(), 1U);
    EXPECT_EQ(told.back().speakers[0].participant_id, "PA_alice");
    EXPECT_TRUE(told.back().speakers[0].active);
    EXPECT_GT(told.back().speakers[0].level, 0);
    const std::size_t before = told.size();
    meeting.run_for(seconds(5));
    told = meeting.events<SpeakersChanged>();
    ASSERT_EQ(told.size(), before + 1) << "muted, once";
    EXPECT_FALSE(told.back().speakers[0].active);
    EXPECT_DOUBLE_EQ(told.back().speakers[0].level, 0);
}

TEST(ConferenceNews, ASoundThatIsPausedGoesOnLaterInOneStream) {
    Meeting meeting(4);
    const Joined alice = meeting.join_connected("alice", {audio_section(Direction::kReceive)});
    const Joined bob = meeting.join_connected("bob", {audio_section(Direction::kSend)});
    std::uint16_t seq = 0;
    const auto talk = [&](int packets) {
        for (int i = 0; i < packets; ++i) {
            meeting.send_rtp(alice, sound(++seq, 7, 20));
            meeting.run_for(milliseconds(20));
        }
    };
    talk(10);
    ASSERT_EQ(bob.client->rtp.size(), 10U);
    ASSERT_TRUE(meeting.set_layer_wish(bob.connection, "audio", {.paused = true}));
    talk(10);
    EXPECT_EQ(bob.client->rtp.size(), 10U);
    ASSERT_TRUE(meeting.set_layer_wish(bob.connection, "audio", {}));
    talk(10);
    const auto& rtp = bob.client->rtp;
    ASSERT_EQ(rtp.size(), 20U);
    EXPECT_TRUE(rtp[10].view.marker) << "begins a talkspurt";
    for (std::size_t i = 1; i < rtp.size(); ++i) {
        EXPECT_EQ(rtp[i].view.seq, static_cast<std::uint16_t>(rtp[i - 1].view.seq + 1));
    }
    EXPECT_EQ(rtp::distance(rtp[9].view.timestamp, rtp[10].view.timestamp), 960 * 11)
        << "time went on";
    EXPECT_FALSE(meeting.set_layer_wish(bob.connection, "nothing", {}));
}

//  alice (two sizes) -- worker 0 == ring ==> worker 1 -- bob
TEST(ConferenceNews, WhatIsWantedOnAnotherWorkerIsWanted) {
    Relay relay;
    sfu::MediaSection simulcast = video_section(Direction::kReceive);
    simulcast.encodings = {{.rid = "", .ssrc = 11}, {.rid = "", .ssrc = 12}};
    const Joined alice = relay.join(relay.here, "alice", simulcast);
    relay.run_for(seconds(6));
    auto told = relay.here.events<LayersWanted>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(wanted_of(told[0]), (std::vector{false, false}));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    relay.run_for(milliseconds(5));
    told = relay.here.events<LayersWanted>();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(wanted_of(told[1]), (std::vector{true, true}));
    ASSERT_TRUE(relay.there.set_layer_wish(bob.connection, "video", {.max_spatial = 0}));
    relay.run_for(seconds(6));
    told = relay.here.events<LayersWanted>();
    ASSERT_EQ(told.size(), 3U);
    EXPECT_EQ(wanted_of(told[2]), (std::vector{true, false}));
    EXPECT_TRUE(relay.there.events<LayersWanted>().empty()) << "the publisher's worker tells";
}

}  // namespace
}  // namespace isthmus::media::testing
