// Packets that are lost on the way in, come late, or are asked for again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/random.h"
#include "media/layers/layer_selector.h"
#include "tests/media/layers/receiver_check.h"
#include "tests/media/layers/scalable_source.h"

namespace isthmus::media::layers {
namespace {

using rtp::Codec;

struct Variant {
    const char* mode;
    Codec codec;
    bool descriptors;
};

void set_timestamp(SourcePacketBytes& packet, rtp::RtpTimestamp timestamp) {
    store_be32(packet.rtp.data() + 4, value_of(timestamp));
    packet.view.timestamp = timestamp;
}

class LayerSelectorLate : public testing::TestWithParam<Variant> {
  protected:
    LayerSelectorLate()
        : source({.codec = GetParam().codec,
                  .mode = Mode::parse(GetParam().mode),
                  .descriptors = GetParam().descriptors,
                  .packets_per_frame = 3}),
          path(GetParam().codec) {}

    ScalableSource source;
    ReceiverPath path;
};

// Hands on what it is given, a tenth of it some packets later.
class LateLine {
  public:
    LateLine(ReceiverPath& path, std::uint64_t seed) : path_(path), random_(seed) {}

    void carry(SourcePacketBytes packet) {
        ++count_;
        if (random_.next_u32() % 10 == 0) {
            held_.emplace_back(count_ + 1 + random_.next_u32() % 12, std::move(packet));
        } else {
            path_.take(packet);
        }
        std::erase_if(held_, [this](const auto& late) {
            if (late.first <= count_) {
                path_.take(late.second);
            }
            return late.first <= count_;
        });
    }

    void end() {
        for (const auto& late : held_) {
            path_.take(late.second);
        }
    }

  private:
    ReceiverPath& path_;
    SeededRandom random_;
    std::vector<std::pair<std::size_t, SourcePacketBytes>> held_;  // due at that packet
    std::size_t count_ = 0;
};

TEST_P(LayerSelectorLate, TakesPacketsInAnyOrder) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        ScalableSource own(source.config());
        ReceiverPath one(GetParam().codec);
        const Mode mode = own.config().mode;
        // Whatever is in the middle.
        one.set_target(Target{.source = 1,
                              .layer = {static_cast<std::uint8_t>(mode.spatial / 2),
                                        static_cast<std::uint8_t>(mode.temporal / 2)}});
        one.take(own.picture(true));
        LateLine line(one, seed);
        for (int i = 0; i < 60; ++i) {
            for (SourcePacketBytes& packet : own.picture(false)) {
                line.carry(std::move(packet));
            }
        }
        line.end();
        SCOPED_TRACE(seed);
        // Picture ids keep the place of a picture that came too late to be left out.
        if (GetParam().codec != Codec::kVp8) {
            check_received(one.received, {&own});
        }
        for (const Received& packet : one.received) {
            const LayerId layer = own.frame(packet.frame).layer;
            EXPECT_TRUE(packet.filler || is_within(layer, one.selector.target()->layer));
        }
    }
}

TEST_P(LayerSelectorLate, SendsAgainWhatItSentBefore) {
    path.set_target(Target{.source = 1, .layer = {0, 1}});
    std::vector<SourcePacketBytes> sent = source.picture(true);
    for (int i = 0; i < 20; ++i) {
        for (SourcePacketBytes& packet : source.picture(false)) {
            sent.push_back(std::move(packet));
        }
    }
    path.take(sent);
    ASSERT_FALSE(path.received.empty());
    std::size_t answered = 0;
    for (const SourcePacketBytes& packet : sent) {
        const auto again = path.ask_again(packet);
        const auto before = std::ranges::find_if(path.received, [&](const Received& one) {
            return rtp::seq16_of(packet.seq) == packet.view.seq && again && one.seq == again->seq;
        });
        if (!again) {
            continue;
        }
        ASSERT_NE(before, path.received.end());
        EXPECT_EQ(again->payload, before->payload);
        EXPECT_EQ(again->marker, before->marker);
        EXPECT_EQ(again->timestamp, before->timestamp);
        ++answered;
    }
    EXPECT_EQ(answered, path.received.size());
}

TEST_P(LayerSelectorLate, FillsTheNumberOfAPacketThatIsNotForTheReceiver) {
    path.set_target(Target{.source = 1, .layer = {0, 0}});
    path.take(source.picture(true));
    std::vector<SourcePacketBytes> upper = source.picture(false);
    ASSERT_GT(source.frame(source.frame_count() - 1).layer, (LayerId{0, 0}));
    // The whole picture is lost; what follows it is already out when it is repaired.
    const auto next = source.picture(false);
    const auto after = source.picture(false);
    path.take(next);
    path.take(after);
    path.take(source.picture(false));
    for (const SourcePacketBytes& late : upper) {
        path.take(late);
    }
    if (GetParam().codec != Codec::kVp8) {
        check_received(path.received, {&source});
    }
    EXPECT_TRUE(std::ranges::any_of(path.received, &Received::filler));
}

INSTANTIATE_TEST_SUITE_P(Everything,
                         LayerSelectorLate,
                         testing::Values(Variant{"L1T3", Codec::kVp8, false},
                                         Variant{"L1T3", Codec::kVp8, true},
                                         Variant{"L1T3", Codec::kH264, false},
                                         Variant{"L3T3", Codec::kVp9, false},
                                         Variant{"L3T3_KEY", Codec::kVp9, false},
                                         Variant{"L3T3", Codec::kAv1, true},
                                         Variant{"L3T3_KEY", Codec::kAv1, true}),
                         [](const auto& one) {
                             return std::string(one.param.mode) + "_" +
                                    std::string(rtp::name_of(one.param.codec)) +
                                    (one.param.descriptors ? "_described" : "");
                         });

TEST(LayerSelector, ServesLatePacketsOfTheStreamThatItLeft) {
    ScalableSource low({.codec = Codec::kVp8, .mode = Mode::parse("L1T1"), .source = 1});
    ScalableSource high({.codec = Codec::kVp8,
                         .mode = Mode::parse("L1T1"),
                         .source = 2,
                         .first_seq = 5,
                         .first_timestamp = 9,
                         .first_picture = 100});
    ReceiverPath path(Codec::kVp8);
    path.set_target(Target{.source = 1});
    path.take(low.picture(true));
    const auto broken = low.picture(false);
    path.take(broken[1]);
    path.set_target(Target{.source = 2});
    path.take(high.picture(true));
    path.take(broken[0]);
    check_received(path.received, {&low, &high});
    EXPECT_TRUE(path.ask_again(broken[1]));
}

// Two in ten pictures have the timestamp of the one before.
std::vector<SourcePacketBytes> pictures_that_share_timestamps(ScalableSource& source) {
    std::vector<SourcePacketBytes> all;
    for (int i = 0; i < 300; ++i) {
        auto packets = source.picture(i == 0);
        if (i % 10 == 5 || i % 10 == 6) {
            for (SourcePacketBytes& packet : packets) {
                set_timestamp(packet, all.back().view.timestamp);
            }
        }
        std::ranges::move(packets, std::back_inserter(all));
    }
    return all;
}

class LayerSelectorPictureIds : public testing::TestWithParam<bool> {};

// VP8 pictures that were taken in one tick of the clock, or by a publisher that puts the time of
// sending into them, were taken for one: all but the first were withheld, without a gap in the
// numbers and without a counter.
TEST_P(LayerSelectorPictureIds, TellPicturesApartThatShareATimestamp) {
    ScalableSource source({.codec = Codec::kVp8,
                           .mode = Mode::parse("L1T1"),
                           .descriptors = false,
                           .short_picture_ids = GetParam()});
    ReceiverPath path(Codec::kVp8);
    path.set_target(Target{.source = 1});
    const auto all = pictures_that_share_timestamps(source);
    path.take(all);
    ASSERT_EQ(path.received.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(path.received[i].frame, i / 2);
        EXPECT_EQ(rtp::distance(path.received[0].timestamp, path.received[i].timestamp),
                  rtp::distance(all[0].view.timestamp, all[i].view.timestamp));
    }
    EXPECT_EQ(path.selector.undecodable(), 0U);
    EXPECT_TRUE(path.ask_again(all.back()));
}

INSTANTIATE_TEST_SUITE_P(Lengths, LayerSelectorPictureIds, testing::Bool(), [](const auto& one) {
    return one.param ? "Short" : "Long";
});

// Ids that step back without a key frame leave the picture without a number. It is withheld, which
// is counted, and a key frame asked for, since what follows cannot be shown.
TEST(LayerSelector, AsksForAKeyFrameWherePictureIdsStepBack) {
    ScalableSource before({.codec = Codec::kVp8,
                           .mode = Mode::parse("L1T1"),
                           .descriptors = false,
                           .first_seq = 0,
                           .first_timestamp = 0,
                           .first_picture = 1000});
    ScalableSource after({.codec = Codec::kVp8,
                          .mode = Mode::parse("L1T1"),
                          .descriptors = false,
                          .first_seq = 100,
                          .first_timestamp = 900'000,
                          .first_picture = 500});
    ReceiverPath path(Codec::kVp8);
    path.set_target(Target{.source = 1});
    path.take(before.picture(true));
    path.take(before.picture(false));
    const std::size_t sent = path.received.size();
    static_cast<void>(after.picture(true));  // nobody sees it
    path.take(after.picture(false));
    path.take(after.picture(false));
    EXPECT_EQ(path.received.size(), sent);
    EXPECT_EQ(path.selector.undecodable(), 2U);
    EXPECT_EQ(path.key_frame_requests, 1);
    path.take(after.picture(true));
    EXPECT_GT(path.received.size(), sent);
}

// Anything in the first bytes of the payload and of the descriptor.
void spoil(SourcePacketBytes& packet, RandomSource& random) {
    packet.rtp[12 + random.next_u32() % 4] = static_cast<std::byte>(random.next_u32() & 0xffU);
    for (std::byte& byte : packet.descriptor) {
        if (random.next_u32() % 4 == 0) {
            byte = static_cast<std::byte>(random.next_u32() & 0xffU);
        }
    }
}

TEST(LayerSelector, GetsThroughAnyNumbersThatAPublisherInvents) {
    for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kAv1, Codec::kH264}) {
        SeededRandom random(static_cast<std::uint64_t>(codec) + 1);
        ReceiverPath path(codec);
        path.set_target(Target{.source = 1, .layer = {1, 1}});
        ScalableSource source({.codec = codec, .mode = Mode::parse("L3T3")});
        path.take(source.picture(true));
        for (int i = 0; i < 3000; ++i) {
            for (SourcePacketBytes& packet : source.picture(false)) {
                spoil(packet, random);
                path.take(packet);
            }
            ASSERT_LT(path.received.size(), 40000U);
        }
        // At most one request a picture and, since nothing comes of them, far fewer.
        EXPECT_LT(path.key_frame_requests, 3000);
    }
}

}  // namespace
}  // namespace isthmus::media::layers
