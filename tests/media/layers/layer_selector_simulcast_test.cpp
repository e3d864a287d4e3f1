// Several streams of one picture: a receiver changes between them at key frames and sees one.
#include <array>

#include <gtest/gtest.h>

#include "media/layers/layer_selector.h"
#include "tests/media/layers/receiver_check.h"
#include "tests/media/layers/scalable_source.h"

namespace isthmus::media::layers {
namespace {

using rtp::Codec;

// Three encodings of one camera; a picture is one of each. Streams are 1, 2 and 3.
class Camera {
  public:
    Camera(Codec codec, const char* mode, bool descriptors, bool short_ids = false) {
        for (std::uint32_t i = 0; i < 3; ++i) {
            streams.emplace_back(
                SourceConfig{.codec = codec,
                             .mode = Mode::parse(mode),
                             .descriptors = descriptors,
                             .short_picture_ids = short_ids,
                             .source = i + 1,
                             .ssrc = 0x1000 + i,
                             .first_seq = static_cast<std::uint16_t>(65530 + i * 3000),
                             .first_timestamp = 0xfffffc00 + i * 777777,
                             .first_picture = static_cast<std::uint16_t>(32764 - i * 9999),
                             .first_tl0 = static_cast<std::uint8_t>(254 - i * 100),
                             .first_frame_number = static_cast<std::uint16_t>(65533 - i * 21000)});
        }
    }

    void picture(ReceiverPath& path, std::array<bool, 3> keys = {}) {
        for (std::size_t i = 0; i < streams.size(); ++i) {
            path.take(streams[i].picture(keys[i]));
        }
    }

    void pictures(ReceiverPath& path, int count) {
        for (int i = 0; i < count; ++i) {
            picture(path);
        }
    }

    // Fails where something is wrong; the summary is for those who want to know more.
    // NOLINTNEXTLINE(modernize-use-nodiscard)
    Summary check(const ReceiverPath& path) const {
        return check_received(path.received, {&streams[0], &streams[1], &streams[2]});
    }

    std::deque<ScalableSource> streams;
};

struct Variant {
    Codec codec;
    const char* mode;
    bool descriptors;
    bool short_ids;
};

class LayerSelectorSimulcast : public testing::TestWithParam<Variant> {
  protected:
    LayerSelectorSimulcast()
        : camera(GetParam().codec, GetParam().mode, GetParam().descriptors, GetParam().short_ids),
          path(GetParam().codec) {}

    Camera camera;
    ReceiverPath path;
};

TEST_P(LayerSelectorSimulcast, ChangesAtKeyFramesOfTheNewStreamOnly) {
    path.set_target(Target{.source = 1});
    camera.picture(path, {true, true, true});
    camera.pictures(path, 10);
    EXPECT_FALSE(std::ranges::any_of(path.received, &Received::rewritten))
        << "followed from its beginning";
    path.set_target(Target{.source = 3});
    camera.pictures(path, 5);
    EXPECT_EQ(path.selector.following(), 1U);
    EXPECT_EQ(path.received.back().source, 1U) << "the old one goes on";
    EXPECT_GE(path.key_frame_requests, 1);
    camera.picture(path, {true, true, false});
    EXPECT_EQ(path.selector.following(), 1U) << "the others' key frames are of no use";
    camera.picture(path, {false, false, true});
    EXPECT_EQ(path.selector.following(), 3U);
    camera.pictures(path, 20);
    path.set_target(Target{.source = 2});
    camera.picture(path, {false, true, false});
    camera.pictures(path, 20);
    path.set_target(Target{.source = 1});
    camera.picture(path, {true, false, false});
    camera.pictures(path, 20);
    const Summary got = camera.check(path);
    EXPECT_EQ(got.sources, (std::set<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(path.selector.undecodable(), 0U);
}

TEST_P(LayerSelectorSimulcast, ChangesAHundredTimesAroundEveryWrap) {
    path.set_target(Target{.source = 1});
    camera.picture(path, {true, true, true});
    for (std::uint32_t i = 0; i < 100; ++i) {
        const std::uint32_t to = 1 + (i * 7 + i / 3) % 3;
        const auto temporal = static_cast<std::uint8_t>(i % 3);
        path.set_target(Target{.source = to, .layer = {kTopLayer.spatial, temporal}});
        camera.pictures(path, static_cast<int>(i % 5));
        camera.picture(path, {true, true, true});
        camera.pictures(path, 9);
    }
    camera.check(path);
}

TEST_P(LayerSelectorSimulcast, LowersTheRateOfAStreamThatItIsToLeave) {
    path.set_target(Target{.source = 3});
    camera.picture(path, {true, true, true});
    camera.pictures(path, 7);
    path.set_target(Target{.source = 1, .layer = {0, 0}});
    const std::size_t before = path.received.size();
    camera.pictures(path, 8);
    for (std::size_t i = before; i < path.received.size(); ++i) {
        EXPECT_EQ(camera.streams[2].frame(path.received[i].frame).layer.temporal, 0);
    }
    camera.check(path);
}

TEST_P(LayerSelectorSimulcast, AsksSeldomForAKeyFrameThatDoesNotCome) {
    camera.picture(path, {true, true, true});  // before anybody watches
    path.set_target(Target{.source = 2});
    camera.pictures(path, 1000);
    EXPECT_GE(path.key_frame_requests, 8);
    EXPECT_LE(path.key_frame_requests, 11) << "after 1, 2, 4, 8, ... pictures";
    EXPECT_TRUE(path.received.empty());
}

INSTANTIATE_TEST_SUITE_P(Everything,
                         LayerSelectorSimulcast,
                         testing::Values(Variant{Codec::kVp8, "L1T1", false, false},
                                         Variant{Codec::kVp8, "L1T3", false, false},
                                         Variant{Codec::kVp8, "L1T3", false, true},
                                         Variant{Codec::kVp8, "L1T3", true, false},
                                         Variant{Codec::kH264, "L1T1", false, false},
                                         Variant{Codec::kH264, "L1T3", false, false},
                                         Variant{Codec::kH264, "L1T3", true, false},
                                         Variant{Codec::kVp9, "L1T3", false, false},
                                         Variant{Codec::kVp9, "L1T3", true, false},
                                         Variant{Codec::kAv1, "L1T1", true, false},
                                         Variant{Codec::kAv1, "L1T3", true, false}),
                         [](const auto& one) {
                             return std::string(rtp::name_of(one.param.codec)) + "_" +
                                    one.param.mode + (one.param.descriptors ? "_described" : "") +
                                    (one.param.short_ids ? "_short" : "");
                         });

}  // namespace
}  // namespace isthmus::media::layers
