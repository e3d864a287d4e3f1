// One camera in three sizes, a line that carries the second, and viewers that say in different ways
// how it goes:
//
//     alice (VP8 simulcast: 0.3, 0.6 and 1.2 Mbit/s) --> node -- 0.9 Mbit/s --> zoe
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/media/worker/layered_camera.h"
#include "tests/media/worker/reporting_viewer.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

constexpr std::int64_t kLineBps = 900'000;
constexpr simulator::LinkConfig kNarrow{
    .delay = milliseconds(20), .rate_bps = kLineBps, .queue_bytes = 30'000};

enum class Says : std::uint8_t { kTransportWide, kByStream, kNothing };

sfu::MediaSection watched(Says says) {
    sfu::MediaSection section = layered_section(Direction::kSend, rtp::Codec::kVp8);
    section.formats[0].transport_cc = says == Says::kTransportWide;
    section.congestion_feedback = says == Says::kByStream;
    if (says == Says::kTransportWide) {
        section.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    }
    return section;
}

// What came of it in the last seconds.
struct Outcome {
    double bits_per_second = 0;
    double lost = 0;                // of the packets
    double large_share = 0;         // of the time in which the largest size was to be sent
    double medium_share = 0;        // and the second
    double loss_told = 0;           // the most at any time
    client::InboundStats received;  // in all
    sfu::DownlinkInfo downlink;
};

class FeedbackOn : public ::testing::TestWithParam<Says> {};

// `each_second` is what the viewer does besides.
Outcome play(Says says,
             int seconds,
             const simulator::LinkConfig& line = kNarrow,
             const std::function<void(ReportingViewer&)>& each_second = {}) {
    Meeting meeting(51);
    LayeredCamera camera(meeting, {.mode = "L1T1", .packets_per_frame = 1, .filler_bytes = 1150});
    ReportingViewer zoe(meeting, "zoe", {watched(says)}, line);
    Outcome outcome;
    client::InboundStats before;
    std::uint64_t bytes_before = 0;
    const int last = std::min(seconds, 10) * 30;
    int large = 0;
    int medium = 0;
    for (int i = 0; i < seconds * 30; ++i) {
        if (i == seconds * 30 - last) {
            before = zoe.stats(0);
            bytes_before = zoe.bytes();
        }
        camera.picture();
        for (int part = 0; part < 3; ++part) {
            meeting.run_for(milliseconds(11));
            zoe.react();
        }
        if (i % 30 == 29 && each_second) {
            each_second(zoe);
        }
        if (i % 15 == 0) {
            const auto told = meeting.participant("zoe");
            outcome.loss_told = std::max(outcome.loss_told, told->downlink.loss_ratio);
            const auto target = told->subscriptions[0].target;
            const bool counts = i >= seconds * 30 - last && target.has_value();
            large += counts && target->spatial == 2 ? 15 : 0;
            medium += counts && target->spatial == 1 ? 15 : 0;
        }
    }
    outcome.received = zoe.stats(0);
    outcome.downlink = meeting.participant("zoe")->downlink;
    const double time = last * 0.033;
    outcome.bits_per_second = static_cast<double>(zoe.bytes() - bytes_before) * 8 / time;
    const auto packets = static_cast<double>(outcome.received.packets - before.packets);
    const auto lost = static_cast<double>(outcome.received.lost - before.lost);
    outcome.lost = lost / std::max(packets + lost, 1.0);
    outcome.large_share = static_cast<double>(large) / last;
    outcome.medium_share = static_cast<double>(medium) / last;
    return outcome;
}

TEST_P(FeedbackOn, PacketsFindsTheLineAndTheLayerThatFits) {
    const Outcome narrow = play(GetParam(), 20);
    EXPECT_TRUE(narrow.downlink.measured);
    EXPECT_GT(narrow.medium_share, 0.9);
    EXPECT_EQ(narrow.large_share, 0);
    EXPECT_GT(narrow.bits_per_second, 500'000);
    EXPECT_LT(narrow.bits_per_second, kLineBps);
    EXPECT_LT(narrow.lost, 0.01);
    EXPECT_EQ(narrow.downlink.feedback_refused, 0U);
    EXPECT_GT(narrow.downlink.probes, 0U);
    ASSERT_TRUE(narrow.downlink.throughput_bps);
    EXPECT_NEAR(*narrow.downlink.throughput_bps, narrow.bits_per_second, 150'000);
    ASSERT_TRUE(narrow.downlink.round_trip_seconds);
    EXPECT_LT(*narrow.downlink.round_trip_seconds, 0.3);
    const Outcome wide = play(GetParam(), 10, {.delay = milliseconds(20), .rate_bps = 5'000'000});
    EXPECT_GT(wide.downlink.target_bps, 1.3e6);
    EXPECT_GT(wide.large_share, 0.7);
}

TEST_P(FeedbackOn, PacketsIsHeardInSpiteOfLoss) {
    const Outcome lossy =
        play(GetParam(), 20, {.delay = milliseconds(20), .loss = 0.03, .rate_bps = 5'000'000});
    EXPECT_GT(lossy.large_share, 0.9);
    EXPECT_GT(lossy.loss_told, 0);
    EXPECT_GT(lossy.received.repaired, 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds,
                         FeedbackOn,
                         ::testing::Values(Says::kTransportWide, Says::kByStream),
                         [](const auto& kind) {
                             return kind.param == Says::kByStream ? "ByStream" : "TransportWide";
                         });

TEST(NoFeedbackOnPackets, ReportsOfLossBringTheViewerToTheLayerThatFits) {
    const Outcome narrow = play(Says::kNothing, 40);
    EXPECT_TRUE(narrow.downlink.measured);
    EXPECT_LT(narrow.lost, 0.1);
    EXPECT_GT(narrow.bits_per_second, 350'000);
    // Loss is told late, and the keys of a session, which are chance, move what is lost: between
    // 0.5 and 0.7 in most runs.
    EXPECT_GT(narrow.medium_share, 0.3);
    EXPECT_LT(narrow.large_share, 0.25) << "it is tried now and then";
}

TEST(NoFeedbackOnPackets, NothingIsHeldBackFromWhoLosesNothing) {
    const Outcome wide = play(Says::kNothing, 5, {.rate_bps = 5'000'000});
    EXPECT_FALSE(wide.downlink.measured);
    EXPECT_EQ(wide.downlink.paced, 0U);
    EXPECT_GT(wide.large_share, 0.9);
}

// A receiver that estimates by itself as libwebrtc's does: no more than half above what arrives,
// and less than the line where that is full.
TEST(NoFeedbackOnPackets, RembBringsTheViewerToTheLayerThatFits) {
    std::uint64_t bytes = 0;
    const auto remb = [&bytes](ReportingViewer& zoe) {
        const double arrived = static_cast<double>(zoe.bytes() - bytes) * 8 / 0.99;
        bytes = zoe.bytes();
        const double full = 0.9 * kLineBps;
        zoe.say_remb(static_cast<std::uint64_t>(arrived > full ? arrived * 0.85
                                                               : std::min(arrived * 1.5, full)));
    };
    const Outcome narrow = play(Says::kNothing, 30, kNarrow, remb);
    EXPECT_TRUE(narrow.downlink.measured);
    EXPECT_LT(narrow.lost, 0.02);
    EXPECT_GT(narrow.medium_share, 0.8);
    EXPECT_GT(narrow.bits_per_second, 500'000);
    bytes = 0;
    const auto wide_remb = [&bytes](ReportingViewer& zoe) {
        const double arrived = static_cast<double>(zoe.bytes() - bytes) * 8 / 0.99;
        bytes = zoe.bytes();
        zoe.say_remb(static_cast<std::uint64_t>(arrived * 1.5));
    };
    const Outcome wide = play(Says::kNothing, 20, {.rate_bps = 5'000'000}, wide_remb);
    EXPECT_GT(wide.large_share, 0.9) << "though nobody ever said more than half above it";
}

}  // namespace
}  // namespace isthmus::media::testing
