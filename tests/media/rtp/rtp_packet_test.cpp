#include "media/rtp/rtp_packet.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

TEST(RtpPacket, ReadsEveryFieldOfAFullHeader) {
    const Bytes packet = make_rtp({.payload_type = 111,
                                   .marker = true,
                                   .seq = 0xfffe,
                                   .timestamp = 0x89abcdef,
                                   .ssrc = 0xdeadbeef,
                                   .csrcs = {1, 2},
                                   .extension_profile = 0xbede,
                                   .extension = bytes({0x10, 0xff, 0, 0}),
                                   .payload = bytes({1, 2, 3}),
                                   .padding = 5});
    const auto view = RtpPacketView::parse(packet);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->payload_type, 111);
    EXPECT_TRUE(view->marker);
    EXPECT_EQ(view->seq, 0xfffe);
    EXPECT_EQ(value_of(view->timestamp), 0x89abcdefU);
    EXPECT_EQ(view->ssrc, 0xdeadbeefU);
    EXPECT_EQ(view->csrcs.size(), 8U);
    EXPECT_EQ(view->extension_profile, 0xbede);
    EXPECT_EQ(view->extension.size(), 4U);
    EXPECT_EQ(view->payload.size(), 3U);
    EXPECT_EQ(view->payload.data(), packet.data() + 12 + 8 + 4 + 4);
    EXPECT_EQ(view->padding_bytes, 5);
}

TEST(RtpPacket, AcceptsAnEmptyPayload) {
    const auto view = RtpPacketView::parse(make_rtp({}));
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->payload.empty());
}

TEST(RtpPacket, AcceptsNothingButPadding) {
    const Bytes packet = make_rtp({.padding = 255});
    const auto view = RtpPacketView::parse(packet);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->payload.empty());
    EXPECT_EQ(view->padding_bytes, 255);
}

TEST(RtpPacket, RefusesEveryTruncation) {
    const Bytes packet = make_rtp({.csrcs = {1, 2, 3},
                                   .extension_profile = 0xbede,
                                   .extension = bytes({0x10, 1, 0, 0, 0, 0, 0, 0})});
    for (std::size_t size = 0; size < packet.size(); ++size) {
        const auto view = RtpPacketView::parse(std::span(packet).first(size));
        ASSERT_FALSE(view) << size;
        EXPECT_EQ(view.error(),
                  size < 12   ? RtpError::kTooShort
                  : size < 24 ? RtpError::kTruncatedCsrcs
                              : RtpError::kTruncatedExtension)
            << size;
    }
    EXPECT_TRUE(RtpPacketView::parse(packet));
}

TEST(RtpPacket, RefusesOtherVersions) {
    for (const int version : {0, 1, 3}) {
        Bytes packet = make_rtp({});
        packet[0] = static_cast<std::byte>(version << 6);
        const auto view = RtpPacketView::parse(packet);
        ASSERT_FALSE(view);
        EXPECT_EQ(view.error(), RtpError::kBadVersion);
    }
}

TEST(RtpPacket, RefusesPaddingThatCannotBe) {
    Bytes packet = make_rtp({.payload = bytes({1, 2, 3})});
    packet[0] |= std::byte{0x20};
    for (const int count : {0, 4, 255}) {
        packet.back() = static_cast<std::byte>(count);
        const auto view = RtpPacketView::parse(packet);
        ASSERT_FALSE(view) << count;
        EXPECT_EQ(view.error(), RtpError::kBadPadding);
    }
    packet.back() = std::byte{3};
    EXPECT_TRUE(RtpPacketView::parse(packet));

    Bytes header_only = make_rtp({});
    header_only[0] |= std::byte{0x20};
    EXPECT_EQ(RtpPacketView::parse(header_only).error(), RtpError::kBadPadding);
}

}  // namespace
}  // namespace isthmus::media::rtp
