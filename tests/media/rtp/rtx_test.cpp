#include "media/rtp/rtx.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

TEST(RestoreRtx, GivesTheOriginalBackByteForByte) {
    for (const int seq : {0, 127, 32767, 65535}) {
        RtpParts original{.payload_type = 96,
                          .marker = true,
                          .seq = static_cast<std::uint16_t>(seq),
                          .ssrc = 0xaaaa,
                          .csrcs = {7},
                          .extension_profile = 0xbede,
                          .extension = bytes({0x10, 0x31, 0, 0}),
                          .payload = bytes({9, 8, 7, 6})};
        const Bytes expected = make_rtp(original);

        RtpParts rtx = original;
        rtx.payload_type = 97;
        rtx.ssrc = 0xbbbb;
        rtx.seq = 4711;
        rtx.payload.resize(6);
        ASSERT_EQ(write_rtx_payload(original.seq, original.payload, rtx.payload), 6U);
        Bytes packet = make_rtp(rtx);

        const auto restored = restore_rtx(packet, 0xaaaa, 96);
        ASSERT_TRUE(restored);
        EXPECT_TRUE(std::ranges::equal(*restored, expected));
    }
}

TEST(RestoreRtx, LeavesPaddingToTheParser) {
    Bytes packet = make_rtp({.payload = bytes({0x12, 0x34, 5}), .padding = 4});
    const auto restored = restore_rtx(packet, 1, 2);
    ASSERT_TRUE(restored);
    const auto view = RtpPacketView::parse(*restored);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->seq, 0x1234);
    EXPECT_EQ(view->payload.size(), 1U);
    EXPECT_EQ(view->padding_bytes, 4);
}

TEST(RestoreRtx, TellsProbesFromPackets) {
    Bytes padding = make_rtp({.padding = 200});
    EXPECT_EQ(restore_rtx(padding, 1, 2).error(), RtxError::kEmpty);
    Bytes half = make_rtp({.payload = bytes({1})});
    EXPECT_EQ(restore_rtx(half, 1, 2).error(), RtxError::kEmpty);
    Bytes only_number = make_rtp({.payload = bytes({1, 2})});
    EXPECT_TRUE(restore_rtx(only_number, 1, 2));
}

TEST(RestoreRtx, RefusesWhatIsNotRtp) {
    Bytes packet = bytes({1, 2, 3});
    EXPECT_EQ(restore_rtx(packet, 1, 2).error(), RtxError::kMalformed);
}

TEST(WriteRtxPayload, WritesNothingWithoutRoom) {
    Bytes out(5);
    EXPECT_EQ(write_rtx_payload(1, bytes({1, 2, 3, 4}), out), 0U);
    EXPECT_EQ(write_rtx_payload(0xfffe, bytes({1, 2, 3}), out), 5U);
    EXPECT_EQ(out, bytes({0xff, 0xfe, 1, 2, 3}));
    EXPECT_EQ(write_rtx_payload(7, {}, out), 2U);
}

}  // namespace
}  // namespace isthmus::media::rtp
