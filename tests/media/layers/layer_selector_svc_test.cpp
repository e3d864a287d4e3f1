// One stream with layers in it, for every family of scalability modes and every codec that has
// them: what a receiver gets while its target moves can always be decoded.
#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "media/layers/layer_selector.h"
#include "tests/media/layers/receiver_check.h"
#include "tests/media/layers/scalable_source.h"
#include "tests/media/rtp/descriptor_writer.h"

namespace isthmus::media::layers {
namespace {

using rtp::Codec;

struct Variant {
    const char* mode;
    Codec codec;
    bool descriptors;
    bool flexible;
};

std::string name_of(const testing::TestParamInfo<Variant>& info) {
    return std::string(info.param.mode) + "_" + std::string(rtp::name_of(info.param.codec)) +
           (info.param.descriptors ? "_described" : "") + (info.param.flexible ? "" : "_groups");
}

class LayerSelectorModes : public testing::TestWithParam<Variant> {
  protected:
    LayerSelectorModes()
        : source({.codec = GetParam().codec,
                  .mode = Mode::parse(GetParam().mode),
                  .flexible = GetParam().flexible,
                  .descriptors = GetParam().descriptors}),
          path(GetParam().codec) {}

    void target(LayerId layer) { path.set_target(Target{.source = 1, .layer = layer}); }

    // Pictures until one more key frame is asked for; then the key frame comes.
    void pictures(int count) {
        for (int i = 0; i < count; ++i) {
            const bool key = first || path.key_frame_requests > answered;
            answered = path.key_frame_requests;
            first = false;
            keys += key ? 1 : 0;
            path.take(source.picture(key));
        }
    }

    // Fails where something is wrong; the summary is for those who want to know more.
    // NOLINTNEXTLINE(modernize-use-nodiscard)
    Summary check() const { return check_received(path.received, {&source}); }

    [[nodiscard]] LayerId top() const {
        return {.spatial = static_cast<std::uint8_t>(source.config().mode.spatial - 1),
                .temporal = static_cast<std::uint8_t>(source.config().mode.temporal - 1)};
    }

    ScalableSource source;
    ReceiverPath path;
    int answered = 0;
    int keys = 0;
    bool first = true;
};

// Modes with more than one temporal, and with more than one spatial layer.
class LayerSelectorRates : public LayerSelectorModes {};

class LayerSelectorSizes : public LayerSelectorModes {};

// Which spatial layers one who watches `spatial` is sent, in a delta picture.
bool is_needed(const Mode& mode, std::uint8_t layer, std::uint8_t spatial) {
    return layer == spatial || (layer < spatial && mode.inter_layer == InterLayer::kAlways);
}

// How many frames of 40 pictures in that layer one who watches `target` is sent.
int frames_needed(const Mode& mode, LayerId layer, LayerId target) {
    // 40, 20 or 10 of them are in a layer.
    constexpr std::array<int, 3> kOfThree = {10, 10, 20};
    const int all = mode.temporal == 1 ? 40 : mode.temporal == 2 ? 20 : kOfThree.at(layer.temporal);
    if (layer.temporal <= target.temporal && is_needed(mode, layer.spatial, target.spatial)) {
        return all;
    }
    // The key picture's lower layers.
    return layer.temporal == 0 && layer.spatial < target.spatial &&
                   mode.inter_layer == InterLayer::kKeyPictures
               ? 1
               : 0;
}

void expect_frames_needed(const Summary& got, const Mode& mode, LayerId target) {
    for (std::uint8_t s = 0; s < mode.spatial; ++s) {
        for (std::uint8_t t = 0; t < mode.temporal; ++t) {
            const auto found = got.frames.find({s, t});
            EXPECT_EQ(found == got.frames.end() ? 0 : found->second,
                      frames_needed(mode, {s, t}, target))
                << "target S" << int{target.spatial} << "T" << int{target.temporal} << ", layer S"
                << int{s} << "T" << int{t};
        }
    }
}

TEST_P(LayerSelectorModes, SendsEveryTargetExactlyWhatItNeeds) {
    const Mode mode = source.config().mode;
    for (std::uint8_t s = 0; s < mode.spatial; ++s) {
        for (std::uint8_t t = 0; t < mode.temporal; ++t) {
            ScalableSource own(source.config());
            ReceiverPath one(GetParam().codec);
            one.set_target(Target{.source = 1, .layer = {s, t}});
            for (int i = 0; i < 40; ++i) {
                one.take(own.picture(i == 0));
            }
            const Summary got = check_received(one.received, {&own});
            expect_frames_needed(got, mode, {s, t});
            EXPECT_EQ(one.selector.undecodable(), 0U);
            EXPECT_EQ(one.key_frame_requests, 0);
        }
    }
}

TEST_P(LayerSelectorModes, LeavesTheTopLayerAsItIs) {
    target(kTopLayer);
    pictures(100);
    check();
    const bool whole_covers_all = source.config().mode.inter_layer == InterLayer::kAlways ||
                                  source.config().mode.spatial == 1;
    for (const Received& packet : path.received) {
        // Where lower layers are left out their targets are told to be gone; VP9 has no such field.
        EXPECT_TRUE(!packet.rewritten || (!whole_covers_all && source.config().descriptors));
    }
    EXPECT_EQ(static_cast<int>(path.received.size()) > 0, true);
}

TEST_P(LayerSelectorModes, FollowsATargetThatMovesAnywhere) {
    // Every pair of targets, each for a while, twice around.
    const Mode mode = source.config().mode;
    std::vector<LayerId> targets;
    for (std::uint8_t s = 0; s < mode.spatial; ++s) {
        for (std::uint8_t t = 0; t < mode.temporal; ++t) {
            targets.push_back({s, t});
        }
    }
    for (const LayerId from : targets) {
        for (const LayerId to : targets) {
            target(from);
            pictures(11);
            target(to);
            pictures(17);
            const Received& last = path.received.back();
            EXPECT_LE(source.frame(last.frame).layer, to);
            EXPECT_EQ(source.frame(last.frame).layer.spatial, to.spatial)
                << "S" << int{from.spatial} << " to S" << int{to.spatial};
        }
    }
    check();
    EXPECT_EQ(path.selector.undecodable(), 0U);
}

TEST_P(LayerSelectorRates, GoesDownInRateWithTheNextPicture) {
    target(kTopLayer);
    pictures(9);
    target({.spatial = top().spatial, .temporal = 0});
    const std::size_t before = path.received.size();
    pictures(12);
    check();
    for (std::size_t i = before; i < path.received.size(); ++i) {
        EXPECT_EQ(source.frame(path.received[i].frame).layer.temporal, 0);
    }
    EXPECT_EQ(path.key_frame_requests, 0);
}

TEST_P(LayerSelectorRates, GoesUpInRateWithoutAKeyFrame) {
    target({.spatial = top().spatial, .temporal = 0});
    pictures(6);
    target(top());
    pictures(6);
    const std::size_t before = path.received.size();
    pictures(8);
    const Summary got = check();
    EXPECT_EQ(path.key_frame_requests, 0);
    EXPECT_EQ(keys, 1);
    EXPECT_TRUE(got.frames.contains({top().spatial, top().temporal}));
    int pictures_after = 0;
    std::set<std::uint32_t> timestamps;
    for (std::size_t i = before; i < path.received.size(); ++i) {
        timestamps.insert(value_of(path.received[i].timestamp));
    }
    pictures_after = static_cast<int>(timestamps.size());
    EXPECT_EQ(pictures_after, 8) << "all pictures of the full rate";
}

TEST_P(LayerSelectorSizes, GoesUpInSizeAtAKeyFrameThatItAsksFor) {
    target({.spatial = 0, .temporal = top().temporal});
    pictures(10);
    target(top());
    const std::size_t before = path.received.size();
    // Nobody answers for a while: small pictures go on, and the request is repeated seldom.
    for (int i = 0; i < 60; ++i) {
        path.take(source.picture(false));
    }
    EXPECT_GE(path.key_frame_requests, 2);
    EXPECT_LE(path.key_frame_requests, 7);
    for (std::size_t i = before; i < path.received.size(); ++i) {
        EXPECT_EQ(source.frame(path.received[i].frame).layer.spatial, 0);
    }
    path.take(source.picture(true));
    path.take(source.picture(false));
    const Summary got = check();
    EXPECT_EQ(source.frame(path.received.back().frame).layer.spatial, top().spatial);
    EXPECT_EQ(got.pictures, 72);
}

TEST_P(LayerSelectorSizes, GoesDownInSizeAtOnceWhereTheLowerLayerIsThere) {
    target(top());
    pictures(10);
    target({.spatial = 0, .temporal = top().temporal});
    const std::size_t before = path.received.size();
    path.take(source.picture(false));
    path.take(source.picture(false));
    if (source.config().mode.inter_layer == InterLayer::kAlways) {
        EXPECT_EQ(path.key_frame_requests, 0);
        for (std::size_t i = before; i < path.received.size(); ++i) {
            EXPECT_EQ(source.frame(path.received[i].frame).layer.spatial, 0);
        }
    } else {
        EXPECT_EQ(source.frame(path.received.back().frame).layer.spatial, top().spatial);
        pictures(3);
        EXPECT_EQ(path.key_frame_requests, 1);
        EXPECT_EQ(source.frame(path.received.back().frame).layer.spatial, 0);
    }
    check();
}

TEST_P(LayerSelectorModes, PausesAfterAPictureAndResumesAtAKeyFrame) {
    target(top());
    pictures(5);
    path.set_target(std::nullopt);
    const std::size_t before = path.received.size();
    pictures(50);
    EXPECT_EQ(path.received.size(), before);
    EXPECT_EQ(path.selector.following(), std::nullopt);
    target(top());
    pictures(20);
    EXPECT_GT(path.received.size(), before);
    EXPECT_EQ(keys, 2);
    check();
}

TEST_P(LayerSelectorSizes, GoesOnWithWhatIsLeftWhenThePublisherStopsItsUpperLayers) {
    target(kTopLayer);
    pictures(8);
    bool key = false;
    for (int i = 0; i < 20; ++i) {
        const int asked = path.key_frame_requests;
        path.take(source.picture(key, 1));
        key = path.key_frame_requests > asked;
    }
    EXPECT_EQ(source.frame(path.received.back().frame).layer.spatial, 0);
    const int asked = path.key_frame_requests;
    for (int i = 0; i < 200; ++i) {
        path.take(source.picture(false, 1));
    }
    EXPECT_EQ(path.key_frame_requests, asked) << "what is not there is not asked for";
    check();
}

// Every mode that browsers offer, in every way that they describe it.
const std::vector<Variant> kVariants = {
    {"L1T1", Codec::kVp8, false, true},     {"L1T2", Codec::kVp8, false, true},
    {"L1T3", Codec::kVp8, false, true},     {"L1T3", Codec::kVp8, true, true},
    {"L1T2", Codec::kH264, true, true},     {"L1T3", Codec::kH264, false, true},
    {"L1T3", Codec::kH264, true, true},     {"L1T1", Codec::kVp9, false, true},
    {"L1T3", Codec::kVp9, false, true},     {"L1T3", Codec::kVp9, false, false},
    {"L2T1", Codec::kVp9, false, true},     {"L2T2_KEY", Codec::kVp9, false, true},
    {"L3T1", Codec::kVp9, false, false},    {"L3T3", Codec::kVp9, false, true},
    {"L3T3", Codec::kVp9, false, false},    {"L3T3", Codec::kVp9, true, true},
    {"L3T3_KEY", Codec::kVp9, false, true}, {"L3T3_KEY", Codec::kVp9, false, false},
    {"L3T3_KEY", Codec::kVp9, true, true},  {"S3T3", Codec::kVp9, false, true},
    {"S3T3", Codec::kVp9, true, true},      {"L1T1", Codec::kAv1, true, true},
    {"L1T3", Codec::kAv1, true, true},      {"L2T1", Codec::kAv1, true, true},
    {"L2T2_KEY", Codec::kAv1, true, true},  {"L3T1", Codec::kAv1, true, true},
    {"L3T3", Codec::kAv1, true, true},      {"L3T3_KEY", Codec::kAv1, true, true},
    {"S2T1", Codec::kAv1, true, true},      {"S3T3", Codec::kAv1, true, true},
};

std::vector<Variant> variants_where(bool (*holds)(const Mode&)) {
    std::vector<Variant> found;
    std::ranges::copy_if(kVariants, std::back_inserter(found), [holds](const Variant& one) {
        return holds(Mode::parse(one.mode));
    });
    return found;
}

INSTANTIATE_TEST_SUITE_P(Everything, LayerSelectorModes, testing::ValuesIn(kVariants), name_of);
INSTANTIATE_TEST_SUITE_P(SeveralRates,
                         LayerSelectorRates,
                         testing::ValuesIn(variants_where([](const Mode& mode) {
                             return mode.temporal > 1;
                         })),
                         name_of);
INSTANTIATE_TEST_SUITE_P(SeveralSizes,
                         LayerSelectorSizes,
                         testing::ValuesIn(variants_where([](const Mode& mode) {
                             return mode.spatial > 1;
                         })),
                         name_of);

}  // namespace
}  // namespace isthmus::media::layers
