// One conference on two workers:
//
//     alice (VP8) -- worker 0 == ring ==> worker 1 -- bob, carol
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/rtx.h"
#include "tests/media/worker/meeting.h"
#include "tests/media/worker/relay_pair.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kAliceVideo = 0x11111111;

RtpToSend frame(std::uint16_t seq, bool key) {
    return {.seq = seq,
            .timestamp = 3000U * seq,
            .ssrc = kAliceVideo,
            .marker = true,
            .payload = vp8_payload(key, static_cast<std::uint8_t>(seq))};
}

template <typename Message>
std::size_t count(const Client& client) {
    std::size_t found = 0;
    for (const auto& compound : client.rtcp) {
        auto reader = rtp::RtcpReader::parse(compound);
        while (const auto message = reader->next()) {
            found += std::holds_alternative<Message>(*message) ? 1 : 0;
        }
    }
    return found;
}

TEST(Relay, AViewerOnAnotherWorkerGetsTheTrackFromItsNextKeyFrame) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    relay.here.send_rtp(alice, frame(1, true));
    relay.run_for(milliseconds(400));
    EXPECT_EQ(relay.here.core().stats().relay_packets_sent, 0U) << "nobody watches there";

    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    relay.run_for(milliseconds(400));
    EXPECT_GE(count<rtp::PictureLoss>(*alice.client), 1U) << "asked for bob's sake";

    for (std::uint16_t seq = 2; seq < 40; ++seq) {
        relay.here.send_rtp(alice, frame(seq, seq == 3));
        relay.run_for(milliseconds(33));
    }
    ASSERT_EQ(bob.client->rtp.size(), 37U) << "from the key frame on";
    for (std::size_t i = 0; i < bob.client->rtp.size(); ++i) {
        const rtp::RtpPacketView& view = bob.client->rtp[i].view;
        EXPECT_EQ(view.seq, static_cast<std::uint16_t>(bob.client->rtp[0].view.seq + i));
        const auto sent = vp8_payload(i == 0, static_cast<std::uint8_t>(3 + i));
        EXPECT_TRUE(std::ranges::equal(view.payload, sent));
    }
    EXPECT_EQ(relay.there.conference().id, relay.here.conference().id);
}

TEST(Relay, OnePacketGoesAcrossHoweverManyWatch) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    const Joined carol = relay.join(relay.there, "carol", video_section(Direction::kSend));
    for (std::uint16_t seq = 0; seq < 10; ++seq) {
        relay.here.send_rtp(alice, frame(seq, seq == 0));
        relay.run_for(milliseconds(33));
    }
    EXPECT_EQ(bob.client->rtp.size(), 10U);
    EXPECT_EQ(carol.client->rtp.size(), 10U);
    EXPECT_EQ(relay.here.core().stats().relay_packets_sent, 10U);
    EXPECT_EQ(relay.there.core().stats().relay_packets_received, 10U);
    EXPECT_EQ(relay.there.core().stats().relay_packets_dropped, 0U);
}

class CountingSink final : public transport::DatagramSink {
  public:
    void send(std::span<const transport::OutDatagram> datagrams) override {
        count += datagrams.size();
    }

    std::size_t count = 0;
};

// Relayed frames came as much later as the publisher's own worker took to serve its viewers.
TEST(Relay, APacketGoesAcrossBeforeTheViewersHereAreServed) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    const Joined carol = relay.join(relay.here, "carol", video_section(Direction::kSend));
    relay.here.send_rtp(alice, frame(0, true));
    relay.run_for(milliseconds(33));

    ASSERT_TRUE(alice.client->ice().send_rtp(make_rtp(frame(1, false))));
    const auto sent = alice.client->ice().poll_datagram();
    ASSERT_TRUE(sent);
    std::vector<std::byte> bytes(sent->bytes.begin(), sent->bytes.end());
    transport::Path path = *alice.client->ice().selected_path();
    std::swap(path.local, path.remote);
    const std::array batch = {transport::InDatagram{.path = &path, .bytes = bytes}};
    const Instant now = relay.here.simulator().now();
    CountingSink here;
    CountingSink there;
    relay.here.core().take_in(now, batch, here);
    std::vector<std::uint32_t> woken;
    relay.here.core().relay().publish([&](std::uint32_t peer) { woken.push_back(peer); });
    EXPECT_EQ(woken, std::vector<std::uint32_t>{1});
    EXPECT_TRUE(relay.there.core().handle_relay_packets(now, there));
    EXPECT_EQ(there.count, 1U) << "bob's";
    EXPECT_EQ(here.count, 0U);

    relay.here.core().forward(now, here);
    EXPECT_GE(here.count, 1U) << "carol's";
    EXPECT_FALSE(relay.there.core().handle_relay_packets(now, there)) << "once";
}

TEST(Relay, WhatAViewerLostIsRepeatedByItsOwnWorker) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    for (std::uint16_t seq = 0; seq < 5; ++seq) {
        relay.here.send_rtp(alice, frame(seq, seq == 0));
        relay.run_for(milliseconds(33));
    }
    ASSERT_EQ(bob.client->rtp.size(), 5U);
    std::vector<std::byte> packet(200);
    rtp::RtcpWriter writer(packet);
    const std::array wanted = {rtp::make_extended_seq(0, bob.client->rtp[2].view.seq)};
    ASSERT_TRUE(writer.nack(1, bob.senders[0].ssrc, wanted));
    relay.there.send_rtcp(bob, writer.bytes());
    relay.run_for(milliseconds(50));
    ASSERT_EQ(bob.client->rtp.size(), 6U);
    const rtp::RtpPacketView& again = bob.client->rtp[5].view;
    EXPECT_EQ(again.ssrc, bob.senders[0].rtx_ssrc);
    EXPECT_TRUE(std::ranges::equal(again.payload.subspan(rtp::kRtxOsnBytes),
                                   bob.client->rtp[2].view.payload));
    EXPECT_EQ(relay.here.core().stats().nacks_received, 0U);
}

TEST(Relay, AViewersWishForAKeyFrameReachesThePublisher) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    for (std::uint16_t seq = 0; seq < 40; ++seq) {
        relay.here.send_rtp(alice, frame(seq, seq == 0));
        relay.run_for(milliseconds(33));
    }
    const std::size_t before = count<rtp::PictureLoss>(*alice.client);
    std::vector<std::byte> packet(200);
    rtp::RtcpWriter writer(packet);
    ASSERT_TRUE(writer.pli(1, bob.senders[0].ssrc));
    relay.there.send_rtcp(bob, writer.bytes());
    relay.run_for(milliseconds(50));
    EXPECT_GT(count<rtp::PictureLoss>(*alice.client), before);
}

TEST(Relay, APublisherThatLeavesFreesTheSectionsOfViewersElsewhere) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    EXPECT_EQ(relay.there.core().stats().subscriptions, 1U);
    relay.here.leave(alice.connection);
    relay.exchange();
    EXPECT_EQ(relay.there.core().stats().subscriptions, 0U);

    const Joined dave = relay.join(relay.there, "dave", video_section(Direction::kReceive));
    EXPECT_EQ(relay.there.core().stats().subscriptions, 1U) << "the place is used again";
}

TEST(Relay, UnlinkedWorkersKnowNothingOfEachOther) {
    Relay relay;
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    relay.here.call(
        [](WorkerCore& core, Instant now, auto&) { core.unlink_conference(now, "demo", 1); });
    relay.there.call(
        [](WorkerCore& core, Instant now, auto&) { core.unlink_conference(now, "demo", 0); });
    relay.exchange();
    relay.here.send_rtp(alice, frame(1, true));
    relay.run_for(milliseconds(50));
    EXPECT_EQ(bob.client->rtp.size(), 0U);
    EXPECT_EQ(relay.there.core().stats().subscriptions, 0U);
    relay.there.leave(bob.connection);
    EXPECT_EQ(relay.there.core().stats().conferences, 0U) << "nothing keeps it any more";
}

TEST(Relay, AFullRingLosesPacketsAndCountsThem) {
    Relay relay(4096);
    const Joined alice = relay.join(relay.here, "alice", video_section(Direction::kReceive));
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    for (std::uint16_t seq = 0; seq < 200; ++seq) {
        relay.here.send_rtp(alice, frame(seq, seq == 0));
    }
    relay.here.run_for(milliseconds(50));  // and the other worker does not get to read
    relay.there.run_for(milliseconds(50));
    const sfu::WorkerStats full = relay.here.core().stats();
    EXPECT_GT(full.relay_packets_dropped, 0U);
    EXPECT_EQ(full.relay_packets_dropped + full.relay_packets_sent, 200U);
    relay.run_for(milliseconds(50));
    EXPECT_EQ(bob.client->rtp.size(), full.relay_packets_sent);
    relay.here.send_rtp(alice, frame(200, true));
    relay.run_for(milliseconds(50));
    EXPECT_EQ(bob.client->rtp.size(), full.relay_packets_sent + 1) << "goes on";
}

// The flood stays where it comes from: what the other worker does not fetch fills its ring and no
// more, and a viewer there who watches somebody else gets everything.
TEST(Relay, AFloodThatTheOtherWorkerDoesNotFetchIsBoundedAndPasses) {
    Relay relay;
    const Joined mallory = relay.join(relay.here, "mallory", video_section(Direction::kReceive));
    relay.there.watch_identity = "mallory";
    const Joined bob = relay.join(relay.there, "bob", video_section(Direction::kSend));
    const Joined dave = relay.join(relay.there, "dave", video_section(Direction::kReceive));
    relay.there.watch_identity = "dave";
    const Joined carol = relay.join(relay.there, "carol", video_section(Direction::kSend));

    RtpToSend packet = frame(0, true);
    packet.payload.resize(1150);
    std::uint16_t innocent = 0;
    for (int i = 0; i < 60; ++i) {
        for (int burst = 0; burst < 60; ++burst, ++packet.seq) {
            relay.here.send_rtp(mallory, packet);
        }
        relay.there.send_rtp(dave, frame(innocent, innocent == 0));
        ++innocent;
        relay.here.run_for(milliseconds(33));
        relay.there.run_for(milliseconds(33));
    }
    const sfu::WorkerStats flooded = relay.here.core().stats();
    EXPECT_GT(flooded.limit_bitrate_drops + flooded.relay_packets_dropped, 1'000U);
    EXPECT_GT(flooded.relay_packets_dropped, 0U);
    EXPECT_LE(flooded.relay_packets_sent * packet.payload.size(), relay::RelayRings::kRingBytes);
    EXPECT_LE(relay.there.core().stats().relay_queue_bytes, relay::RelayRings::kRingBytes);
    EXPECT_EQ(carol.client->rtp.size(), innocent);

    relay.run_for(milliseconds(50));
    EXPECT_EQ(relay.there.core().stats().relay_queue_bytes, 0U);
    EXPECT_EQ(relay.there.core().stats().relay_packets_received, flooded.relay_packets_sent);
    const std::size_t before = bob.client->rtp.size();
    for (std::uint16_t i = 0; i < 30; ++i, ++packet.seq) {
        packet.timestamp += 3000;
        packet.payload = vp8_payload(i == 0, 7);
        relay.here.send_rtp(mallory, packet);
        relay.there.send_rtp(dave, frame(innocent, false));
        ++innocent;
        relay.run_for(milliseconds(33));
    }
    EXPECT_EQ(bob.client->rtp.size(), before + 30) << "goes on";
    EXPECT_EQ(carol.client->rtp.size(), innocent);
}

// A section is bound to whoever speaks. On the other worker that is somebody whom nobody there has
// a section for yet: the packets have to come all the same.
TEST(Relay, AListenerElsewhereHearsWhoeverSpeaks) {
    Relay relay;
    std::vector<Joined> people;
    people.reserve(5);
    for (int i = 0; i < 5; ++i) {
        people.push_back(relay.join(
            relay.here, "person" + std::to_string(i), audio_section(Direction::kReceive)));
    }
    const Joined bob = relay.join(relay.there, "bob", audio_section(Direction::kSend));
    std::uint32_t tick = 0;
    const auto talk = [&](std::size_t talker, int ticks) {
        for (int i = 0; i < ticks; ++i, ++tick) {
            for (std::size_t person = 0; person < people.size(); ++person) {
                const bool voice = person == talker && tick % 12 >= 2;
                relay.here.send_rtp(
                    people[person],
                    {.payload_type = kOpusType,
                     .seq = static_cast<std::uint16_t>(65500 + tick),
                     .timestamp = tick * 960,
                     .ssrc = static_cast<std::uint32_t>(7 + person),
                     .mid = "audio",
                     .payload = std::vector<std::byte>(40, static_cast<std::byte>(person)),
                     .level = rtp::AudioLevel{.minus_dbov =
                                                  static_cast<std::uint8_t>(voice ? 30 : 70)}});
            }
            relay.run_for(milliseconds(20));
        }
    };
    for (const std::size_t talker : {4U, 1U, 2U, 3U, 4U}) {
        talk(talker, 150);
        ASSERT_FALSE(bob.client->rtp.empty());
        EXPECT_EQ(bob.client->rtp.back().view.payload[0], static_cast<std::byte>(talker));
    }
    EXPECT_GE(bob.client->rtp.size(), 5U * 140);
    for (std::size_t i = 1; i < bob.client->rtp.size(); ++i) {
        EXPECT_EQ(bob.client->rtp[i].view.seq,
                  static_cast<std::uint16_t>(bob.client->rtp[i - 1].view.seq + 1));
    }
    EXPECT_LT(relay.here.core().stats().relay_packets_sent, 3U * tick + 100)
        << "the loudest three go over, not all five";
}

}  // namespace
}  // namespace isthmus::media::testing
