// What gives way where a viewer's line is short. The viewer says herself what she can take (REMB):
//
//     alice (camera, simulcast)       --> node --> zoe
//     dave  (screen share, simulcast) -+
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_writer.h"
#include "tests/media/worker/layered_camera.h"

namespace isthmus::media::testing {
namespace {

using layers::LayerId;
using sfu::Direction;
using sfu::TrackSource;
using std::chrono::milliseconds;

// On the line, with headers: see sfu::BandwidthShare.
constexpr double kOverhead = 1.06;

class ShareOfTheLine : public ::testing::Test {
  protected:
    static sfu::MediaSection watched(const std::string& mid) {
        sfu::MediaSection section = layered_section(Direction::kSend, rtp::Codec::kVp8);
        section.mid = mid;
        section.flexfec_payload_type = 49;
        return section;
    }

    void say(std::uint64_t bits_per_second) {
        std::array<std::byte, 200> buffer{};
        rtp::RtcpWriter writer(buffer);
        const std::array ssrcs = {zoe_.senders[0].ssrc, zoe_.senders[1].ssrc};
        ASSERT_TRUE(writer.remb(1, bits_per_second, ssrcs));
        meeting_.send_rtcp(zoe_, writer.bytes());
    }

    // What she lost of each stream since she said so last.
    void say_lost(double share) {
        std::array<std::byte, 200> buffer{};
        rtp::RtcpWriter writer(buffer);
        std::array<rtp::ReportBlock, 2> blocks{};
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            blocks[i] = {.ssrc = zoe_.senders[i].ssrc,
                         .fraction_lost = static_cast<std::uint8_t>(share * 256)};
        }
        ASSERT_TRUE(writer.receiver_report(1, blocks));
        meeting_.send_rtcp(zoe_, writer.bytes());
    }

    // `bits_per_second` is what the viewer says of her line in each report.
    void run(int pictures, double bits_per_second) {
        for (int i = 0; i < pictures; ++i) {
            camera_.picture();
            screen_.picture();
            meeting_.run_for(milliseconds(33));
            if (i % 30 == 0) {
                say(static_cast<std::uint64_t>(bits_per_second));
            }
        }
    }

    // Of the layer, as it is sent to somebody.
    double rate_of(const std::string& identity, LayerId id) {
        const auto info = meeting_.participant(identity);
        for (const sfu::LayerInfo& layer : info->tracks[0].layers) {
            if (layer.spatial == id.spatial && layer.temporal == id.temporal) {
                return layer.bitrate_bps * kOverhead;
            }
        }
        ADD_FAILURE() << "no such layer";
        return 0;
    }

    std::optional<LayerId> target_of(std::size_t section) {
        const auto info = meeting_.participant("zoe");
        const auto target = info->subscriptions[section].target;
        return target ? std::optional(LayerId{target->spatial, target->temporal}) : std::nullopt;
    }

    Meeting meeting_{41};
    Joined zoe_ = meeting_.join_connected("zoe", {watched("first"), watched("second")});
    LayeredCamera camera_{meeting_, {.identity = "alice", .filler_bytes = 1000}};
    LayeredCamera screen_{
        meeting_, {.identity = "dave", .filler_bytes = 1000, .source = TrackSource::kScreenShare}};
};

TEST_F(ShareOfTheLine, AScreenKeepsItsSizeAndACameraItsMotion) {
    run(120, 29e6);
    ASSERT_EQ(target_of(0), (LayerId{2, 2}));
    ASSERT_EQ(target_of(1), (LayerId{2, 2}));
    // What is sent already may stay until the line has a fifth less than it needs.
    const double slow_screen = rate_of("dave", {2, 0});
    const double slow_camera = rate_of("alice", {0, 0});
    run(60, slow_screen * 0.95 + slow_camera * 0.8);
    EXPECT_EQ(target_of(1), (LayerId{2, 0})) << "the screen gives up pictures";
    ASSERT_TRUE(target_of(0));
    EXPECT_EQ(target_of(0)->spatial, 0) << "the camera gives up size";
}

TEST_F(ShareOfTheLine, ACameraIsPausedBeforeAScreen) {
    run(120, 29e6);
    run(60, rate_of("dave", {0, 0}) * 1.02);
    EXPECT_FALSE(target_of(0)) << "the camera";
    ASSERT_TRUE(target_of(1));
    // And not above the screen's smallest layer, since there is no room for more.
    EXPECT_EQ(target_of(1), (LayerId{0, 0}));
    const auto dave = meeting_.participant("dave");
    EXPECT_EQ(dave->tracks[0].source, TrackSource::kScreenShare);
    EXPECT_EQ(meeting_.participant("alice")->tracks[0].source, TrackSource::kCamera);
}

// What broke: layers were made to fit the line, and repair packets came on top.
TEST_F(ShareOfTheLine, RepairPacketsArePaidForOutOfTheLine) {
    run(120, 29e6);
    // What is sent already may stay, with a tenth to spare.
    const double line = 0.9 * (rate_of("alice", {2, 2}) + rate_of("dave", {2, 2}));
    run(60, line);
    ASSERT_EQ(target_of(0), (LayerId{2, 2}));
    ASSERT_EQ(target_of(1), (LayerId{2, 2}));
    // Not enough to be cut for, but repair packets for a quarter of the rate.
    for (int i = 0; i < 4; ++i) {
        say_lost(0.08);
        run(15, line);
    }
    EXPECT_GT(meeting_.participant("zoe")->subscriptions[1].repair_packets, 0U);
    EXPECT_EQ(target_of(1), (LayerId{2, 2})) << "the screen is the last to give way";
    ASSERT_TRUE(target_of(0));
    EXPECT_LT(*target_of(0), (LayerId{2, 2}));
}

// What was lost of a camera's motion for the sake of its size: 7.5 pictures a second of the next
// larger size cost less than 30 of the smaller.
TEST_F(ShareOfTheLine, NoLargerSizeOfACameraIsSentWithAQuarterOfItsPictures) {
    run(120, 29e6);
    const double screen = rate_of("dave", {0, 0});
    for (int tenths = 3; tenths < 25; tenths += 2) {
        const double camera = rate_of("alice", {1, 0}) * tenths / 10;
        run(40, screen + camera);
        if (const auto target = target_of(0); target && target->spatial > 0) {
            EXPECT_GT(target->temporal, 0) << tenths;
        }
    }
}

}  // namespace
}  // namespace isthmus::media::testing
