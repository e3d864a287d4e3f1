#include "media/layers/layer_meter.h"

#include <gtest/gtest.h>

#include "media/layers/layer_reader.h"
#include "tests/media/layers/scalable_source.h"

namespace isthmus::media::layers {
namespace {

using std::chrono::milliseconds;

class LayerMeterTest : public testing::Test {
  protected:
    // Pictures for a while, 30 ms apart; each packet counts a thousand bytes.
    void run(ScalableSource& source, int pictures, std::uint8_t spatial_layers = 0) {
        for (int i = 0; i < pictures; ++i) {
            for (const SourcePacketBytes& packet : source.picture(false, spatial_layers)) {
                meter.on_packet(now,
                                reader.read(source.config().codec, packet.view, packet.descriptor),
                                packet.view.timestamp,
                                1000);
            }
            now += milliseconds(30);
        }
    }

    Instant now{};
    LayerReader reader;
    LayerMeter meter;
};

TEST_F(LayerMeterTest, AddsUpWhatATargetNeeds) {
    ScalableSource source({.codec = rtp::Codec::kAv1, .mode = Mode::parse("L2T2")});
    for (const auto& packet : source.picture(true)) {
        meter.on_packet(now,
                        reader.read(rtp::Codec::kAv1, packet.view, packet.descriptor),
                        packet.view.timestamp,
                        1000);
    }
    run(source, 100);
    const auto& measured = meter.measure(now);
    ASSERT_EQ(measured.size(), 4U);
    // A frame is 2000 bytes, 33 pictures a second: 533 kbit/s for each spatial layer.
    EXPECT_EQ(measured[0].layer, (LayerId{0, 0}));
    EXPECT_NEAR(measured[0].bits_per_second, 267e3, 20e3);
    EXPECT_NEAR(measured[1].bits_per_second, 533e3, 30e3);
    EXPECT_NEAR(measured[2].bits_per_second, 533e3, 30e3);
    EXPECT_EQ(measured[3].layer, (LayerId{1, 1}));
    EXPECT_NEAR(measured[3].bits_per_second, 1067e3, 40e3);
    EXPECT_NEAR(measured[2].pictures_per_second, 16.7, 1.5);
    EXPECT_NEAR(measured[3].pictures_per_second, 33.3, 1.5);
}

TEST_F(LayerMeterTest, DoesNotChargeForLayersThatOthersNeed) {
    ScalableSource source({.codec = rtp::Codec::kVp9, .mode = Mode::parse("L2T1_KEY")});
    for (const auto& packet : source.picture(true)) {
        reader.read(rtp::Codec::kVp9, packet.view, packet.descriptor);
    }
    run(source, 100);
    const auto& measured = meter.measure(now);
    ASSERT_EQ(measured.size(), 2U);
    EXPECT_NEAR(measured[1].bits_per_second, measured[0].bits_per_second, 20e3);
}

TEST_F(LayerMeterTest, NoticesALayerThatStops) {
    ScalableSource source(
        {.codec = rtp::Codec::kVp9, .mode = Mode::parse("L2T1"), .descriptors = false});
    run(source, 40);
    EXPECT_TRUE(meter.measure(now)[1].alive);
    run(source, 40, 1);
    EXPECT_TRUE(meter.measure(now)[0].alive);
    EXPECT_FALSE(meter.measure(now)[1].alive);
    run(source, 40);
    EXPECT_TRUE(meter.measure(now)[1].alive);
    // Nothing at all is a quiet line, not a layer that is gone.
    now += milliseconds(5000);
    EXPECT_TRUE(meter.measure(now)[1].alive);
}

TEST_F(LayerMeterTest, BoundsWhatItRemembers) {
    for (std::uint8_t s = 0; s < 8; ++s) {
        for (std::uint8_t t = 0; t < 8; ++t) {
            PacketLayers packet;
            packet.layer = {s, t};
            packet.needed_by = LayerSet::all();
            meter.on_packet(now, packet, rtp::RtpTimestamp{s * 8U + t}, 100);
        }
    }
    EXPECT_EQ(meter.measure(now).size(), 16U);
}

}  // namespace
}  // namespace isthmus::media::layers
