// Viewers who come while a video runs are sent what has come since its last key frame, which waits
// for their pacer while probes look for their bandwidth:
//
//     alice (VP8, 8 packets a frame, 2.3 Mbit/s) --> node -- 5 ms, nothing is lost --> zoe
//
// Probes were padded with the newest packet, as RTX, while older ones still waited: the viewer took
// all of those for lost and asked for them again.
#include <chrono>

#include <gtest/gtest.h>

#include "tests/media/worker/layered_camera.h"
#include "tests/media/worker/reporting_viewer.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

constexpr simulator::LinkConfig kLine{.delay = milliseconds(5)};

sfu::MediaSection watched() {
    sfu::MediaSection section = layered_section(Direction::kSend, rtp::Codec::kVp8);
    section.formats[0].transport_cc = true;
    section.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    return section;
}

struct Outcome {
    client::InboundStats received;
    sfu::DownlinkInfo downlink;
    std::uint64_t expired = 0;
};

// Zoe comes so many frames after the key frame that another viewer brought about.
Outcome play(int frames_late) {
    Meeting meeting(static_cast<std::uint64_t>(60 + frames_late));
    LayeredCamera camera(
        meeting, {.mode = "L1T1", .encodings = 1, .packets_per_frame = 8, .filler_bytes = 1130});
    ReportingViewer early(meeting, "early", {watched()}, kLine);
    for (int i = 0; i < frames_late; ++i) {
        camera.picture();
        meeting.run_for(milliseconds(33));
        early.react();
    }
    ReportingViewer zoe(meeting, "zoe", {watched()}, kLine);
    for (int i = 0; i < 90; ++i) {
        camera.picture();
        for (int part = 0; part < 11; ++part) {
            meeting.run_for(milliseconds(3));
            zoe.react();
            early.react();
        }
    }
    return {.received = zoe.stats(0),
            .downlink = meeting.participant("zoe")->downlink,
            .expired = meeting.core().stats().pacer_dropped_expired};
}

TEST(LateJoin, NothingIsAskedForAgainWhereNothingIsLost) {
    std::uint64_t padding = 0;
    for (int late = 1; late <= 20; ++late) {
        const Outcome outcome = play(late);
        EXPECT_GT(outcome.downlink.paced, 0U) << late;
        EXPECT_GT(outcome.downlink.probes, 0U) << late;
        EXPECT_EQ(outcome.received.nacks, 0U) << late;
        EXPECT_EQ(outcome.received.lost, 0U) << late;
        EXPECT_EQ(outcome.received.key_frame_requests, 0U) << late;
        EXPECT_EQ(outcome.expired, 0U) << late;
        EXPECT_GE(outcome.received.frames.frames, 88U) << late;
        padding += outcome.downlink.padding_packets;
    }
    EXPECT_GT(padding, 0U) << "or there is nothing to see";
}

}  // namespace
}  // namespace isthmus::media::testing
