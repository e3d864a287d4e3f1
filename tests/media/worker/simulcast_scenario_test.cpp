// One publishes in several sizes, others watch in the size that suits them:
//
//     alice (VP8 simulcast, or AV1 L3T3) -- 10 ms --> node -- 10 ms, some lossy --> viewers
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "media/rtp/header_extensions.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/rtx.h"
#include "tests/media/layers/receiver_check.h"
#include "tests/media/worker/layered_camera.h"

namespace isthmus::media::testing {
namespace {

using layers::LayerId;
using layers::Received;
using layers::ScalableSource;
using layers::Summary;
using sfu::Direction;
using std::chrono::milliseconds;

// A camera in front of which time passes.
class Camera : public LayeredCamera {
  public:
    Camera(Meeting& meeting,
           rtp::Codec codec,
           std::string_view mode,
           std::size_t encodings,
           bool encrypted = false)
        : LayeredCamera(
              meeting,
              {.codec = codec, .mode = mode, .encodings = encodings, .encrypted = encrypted}),
          meeting_(meeting) {}

    void picture() {
        LayeredCamera::picture();
        meeting_.run_for(milliseconds(33));
    }

  private:
    Meeting& meeting_;
};

// A viewer that asks again for what it misses.
class Viewer {
  public:
    Viewer(Meeting& meeting,
           const std::string& name,
           rtp::Codec codec,
           const simulator::LinkConfig& line = {})
        : meeting_(meeting),
          joined_(meeting.join_connected(name, {layered_section(Direction::kSend, codec)}, line)) {
        rtp::ExtensionIds ids;
        ids.set(rtp::ExtensionKind::kDependencyDescriptor, kDescriptorId);
        extensions_ = rtp::HeaderExtensionParser(ids);
    }

    void want(const sfu::LayerWish& wish) {
        EXPECT_TRUE(meeting_.set_layer_wish(joined_.connection, "video", wish));
    }

    // Takes what has arrived; asks for the rest.
    void collect() {
        for (const ReceivedRtp& packet : joined_.client->rtp) {
            take(packet);
        }
        joined_.client->rtp.clear();
        std::vector<rtp::ExtendedSeq> missing;
        for (std::uint64_t seq = first_; !packets_.empty() && seq < packets_.rbegin()->first;
             ++seq) {
            if (!packets_.contains(seq)) {
                missing.push_back(rtp::ExtendedSeq{seq});
            }
        }
        if (missing.empty()) {
            return;
        }
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        EXPECT_TRUE(writer.nack(1, joined_.senders[0].ssrc, missing));
        meeting_.send_rtcp(joined_, writer.bytes());
    }

    Summary check(const Camera& camera) {
        std::vector<Received> received;
        received.reserve(packets_.size());
        for (const auto& [seq, packet] : packets_) {
            received.push_back(packet);
        }
        std::vector<const ScalableSource*> sources;
        sources.reserve(camera.sources.size());
        for (const ScalableSource& source : camera.sources) {
            sources.push_back(&source);
        }
        return layers::check_received(received, sources);
    }

    // The frames of the last `count` packets are of these layers and this source.
    [[nodiscard]] Received last() const { return packets_.rbegin()->second; }

    [[nodiscard]] std::size_t size() const { return packets_.size(); }

    std::size_t retransmitted = 0;

  private:
    void take(const ReceivedRtp& packet) {
        const bool rtx = packet.view.ssrc == joined_.senders[0].rtx_ssrc;
        ASSERT_TRUE(rtx || packet.view.ssrc == joined_.senders[0].ssrc);
        auto payload = packet.view.payload;
        std::uint16_t number = packet.view.seq;
        if (rtx) {
            number = load_be16(payload.data());
            payload = payload.subspan(rtp::kRtxOsnBytes);
            ++retransmitted;
        }
        const std::uint64_t seq = numbers_.unwrap(number);
        if (packets_.empty()) {
            first_ = seq;
        }
        Received one;
        if (payload.empty()) {
            one.filler = true;
        } else {
            one = layers::identify(payload);
        }
        one.seq = rtp::ExtendedSeq{seq};
        one.timestamp = packet.view.timestamp;
        one.marker = packet.view.marker;
        one.payload.assign(payload.begin(), payload.end());
        const auto described = extensions_.parse(packet.view).dependency_descriptor;
        one.descriptor.assign(described.begin(), described.end());
        packets_.emplace(seq, std::move(one));
    }

    Meeting& meeting_;
    Joined joined_;
    rtp::HeaderExtensionParser extensions_;
    layers::Unwrapper<16> numbers_;
    std::uint64_t first_ = 0;
    std::map<std::uint64_t, Received> packets_;
};

void run(Camera& camera, const std::vector<Viewer*>& viewers, int pictures) {
    for (int i = 0; i < pictures; ++i) {
        camera.picture();
        for (Viewer* viewer : viewers) {
            viewer->collect();
        }
    }
}

TEST(Simulcast, EveryViewerGetsTheSizeThatItWants) {
    Meeting meeting(1);
    Camera camera(meeting, rtp::Codec::kVp8, "L1T3", 3);
    Viewer large(meeting, "large", rtp::Codec::kVp8);
    Viewer small(meeting, "small", rtp::Codec::kVp8);
    Viewer slow(meeting, "slow", rtp::Codec::kVp8);
    small.want({.max_spatial = 0});
    slow.want({.max_spatial = 1, .max_temporal = 0});
    run(camera, {&large, &small, &slow}, 60);
    EXPECT_EQ(large.last().source, 3U);
    EXPECT_EQ(small.last().source, 1U);
    EXPECT_EQ(slow.last().source, 2U);
    const Summary of_small = small.check(camera);
    EXPECT_EQ(of_small.sources, (std::set<std::uint32_t>{1}));
    const Summary of_slow = slow.check(camera);
    EXPECT_FALSE(of_slow.frames.contains({0, 2}));
    large.check(camera);
    const auto info = meeting.participant("slow");
    ASSERT_TRUE(info && info->subscriptions[0].current);
    EXPECT_EQ(info->subscriptions[0].current->spatial, 1);
    EXPECT_EQ(info->subscriptions[0].current->temporal, 0);
}

// Encrypted end to end by the client: rids and dependency descriptors say all that the node needs.
TEST(Simulcast, EveryViewerGetsTheSizeThatItWantsOfWhatIsNoiseToTheNode) {
    for (const rtp::Codec codec : {rtp::Codec::kVp8, rtp::Codec::kAv1}) {
        Meeting meeting(2);
        const bool simulcast = codec == rtp::Codec::kVp8;
        Camera camera(meeting, codec, simulcast ? "L1T3" : "L3T3", simulcast ? 3 : 1, true);
        Viewer large(meeting, "large", codec);
        Viewer small(meeting, "small", codec);
        small.want({.max_spatial = 0, .max_temporal = 0});
        run(camera, {&large, &small}, 60);
        // Who comes later catches up from a key frame, and from no other packet.
        Viewer late(meeting, "late", codec);
        run(camera, {&large, &small, &late}, 30);
        const Summary of_large = large.check(camera);
        const Summary of_small = small.check(camera);
        const Summary of_late = late.check(camera);
        EXPECT_FALSE(of_small.frames.contains({0, 1}));
        EXPECT_GT(late.size(), 20U);
        if (simulcast) {
            EXPECT_EQ(large.last().source, 3U);
            EXPECT_EQ(of_small.sources, (std::set<std::uint32_t>{1}));
            EXPECT_EQ(late.last().source, 3U);
        } else {
            EXPECT_TRUE(of_large.frames.contains({2, 2}));
            EXPECT_FALSE(of_small.frames.contains({1, 0}));
        }
        const auto alice = meeting.participant("alice");
        for (const sfu::StreamInfo& stream : alice->tracks[0].streams) {
            EXPECT_LE(stream.key_frames, 6U) << "noise does not look like key frames";
            EXPECT_EQ(stream.bad_payloads, 0U);
        }
    }
}

TEST(Simulcast, AViewerMovesBetweenSizesAndAsksTheRightStreamForAKeyFrame) {
    Meeting meeting(2);
    Camera camera(meeting, rtp::Codec::kVp8, "L1T3", 3);
    Viewer bob(meeting, "bob", rtp::Codec::kVp8);
    run(camera, {&bob}, 40);
    EXPECT_EQ(bob.last().source, 3U);
    for (const std::uint8_t size : std::vector<std::uint8_t>{0, 2, 1, 0, 1, 2}) {
        const std::map<std::uint32_t, int> before = camera.requests;
        bob.want({.max_spatial = size});
        run(camera, {&bob}, 20);
        EXPECT_EQ(bob.last().source, size + 1U);
        for (std::uint32_t i = 0; i < 3; ++i) {
            const auto old = before.find(0x1000 + i);
            EXPECT_EQ(camera.requests[0x1000 + i] - (old == before.end() ? 0 : old->second),
                      i == size ? 1 : 0)
                << "of encoding " << i;
        }
    }
    bob.want({.paused = true});
    run(camera, {&bob}, 2);
    const std::size_t paused_at = bob.size();
    run(camera, {&bob}, 20);
    EXPECT_EQ(bob.size(), paused_at);
    bob.want({});
    run(camera, {&bob}, 20);
    EXPECT_EQ(bob.last().source, 3U);
    bob.check(camera);
}

TEST(Simulcast, AViewerThatLosesPacketsStillSeesEveryPicture) {
    Meeting meeting(3);
    Camera camera(meeting, rtp::Codec::kVp8, "L1T3", 3);
    Viewer bob(meeting, "bob", rtp::Codec::kVp8, {.loss = 0.05});
    for (const std::uint8_t size : std::vector<std::uint8_t>{2, 0, 1, 2, 0}) {
        bob.want({.max_spatial = size, .max_temporal = static_cast<std::uint8_t>(size + 1)});
        run(camera, {&bob}, 40);
    }
    run(camera, {&bob}, 10);
    EXPECT_GT(bob.retransmitted, 0U);
    meeting.run_for(milliseconds(100));
    bob.collect();
    meeting.run_for(milliseconds(100));
    bob.collect();
    bob.check(camera);
}

TEST(Simulcast, GoesOnWithASmallerSizeWhereThePublisherStopsTheLargest) {
    Meeting meeting(4);
    Camera camera(meeting, rtp::Codec::kVp8, "L1T1", 3);
    Viewer bob(meeting, "bob", rtp::Codec::kVp8);
    run(camera, {&bob}, 30);
    EXPECT_EQ(bob.last().source, 3U);
    camera.on = 2;
    run(camera, {&bob}, 40);
    EXPECT_EQ(bob.last().source, 2U);
    camera.on = 3;
    run(camera, {&bob}, 40);
    EXPECT_EQ(bob.last().source, 3U) << "and back";
    bob.check(camera);
}

TEST(Svc, EveryViewerGetsTheLayersThatItWants) {
    Meeting meeting(5);
    Camera camera(meeting, rtp::Codec::kAv1, "L3T3", 1);
    Viewer large(meeting, "large", rtp::Codec::kAv1);
    Viewer small(meeting, "small", rtp::Codec::kAv1, {.loss = 0.03});
    small.want({.max_width = 640, .max_temporal = 1});
    run(camera, {&large, &small}, 40);
    large.want({.max_spatial = 0});
    run(camera, {&large, &small}, 20);
    EXPECT_EQ(camera.sources[0].frame(large.last().frame).layer.spatial, 0);
    large.want({});
    run(camera, {&large, &small}, 20);
    EXPECT_EQ(camera.sources[0].frame(large.last().frame).layer.spatial, 2);
    meeting.run_for(milliseconds(100));
    small.collect();
    meeting.run_for(milliseconds(100));
    small.collect();
    large.check(camera);
    const Summary of_small = small.check(camera);
    EXPECT_TRUE(of_small.frames.contains({1, 1}));
    for (const auto& [layer, count] : of_small.frames) {
        EXPECT_TRUE(layers::is_within(layer, {.spatial = 1, .temporal = 1}));
    }
    const auto alice = meeting.participant("alice");
    ASSERT_TRUE(alice);
    ASSERT_EQ(alice->tracks[0].layers.size(), 9U);
    EXPECT_EQ(alice->tracks[0].layers[8].width, 1280U);
}

TEST(Simulcast, RidsThatWereNeverAnnouncedAndTenThousandSsrcsAreTurnedAway) {
    Meeting meeting(6);
    Camera camera(meeting, rtp::Codec::kVp8, "L1T1", 3);
    Viewer bob(meeting, "bob", rtp::Codec::kVp8);
    run(camera, {&bob}, 10);
    const auto before = meeting.core().stats().rtp_unroutable;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        // No rid, or none of ours: a section of three encodings cannot place it.
        meeting.send_rtp(*camera.publisher,
                         {.seq = 1, .ssrc = 0x9000'0000 + i, .payload = vp8_payload(true, 0)});
    }
    meeting.run_for(milliseconds(50));
    EXPECT_EQ(meeting.core().stats().rtp_unroutable - before, 10'000U);
    const auto alice = meeting.participant("alice");
    ASSERT_TRUE(alice);
    EXPECT_EQ(alice->tracks[0].streams.size(), 3U);
    run(camera, {&bob}, 10);
    EXPECT_EQ(bob.last().source, 3U);
    bob.check(camera);
}

}  // namespace
}  // namespace isthmus::media::testing
