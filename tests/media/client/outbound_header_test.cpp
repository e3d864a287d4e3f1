#include "media/client/outbound_header.h"

#include <array>

#include <gtest/gtest.h>

#include "media/rtp/rtp_packet.h"

namespace isthmus::media::client {
namespace {

using rtp::ExtensionIds;
using rtp::ExtensionKind;
using rtp::HeaderExtensionParser;
using rtp::HeaderExtensions;
using rtp::RtpPacketView;

constexpr rtp::RtpHeaderFields kFields{.payload_type = 96,
                                       .marker = true,
                                       .seq = 65535,
                                       .timestamp = rtp::RtpTimestamp{0xfedcba98},
                                       .ssrc = 0x01020304};

TEST(OutboundHeader, WritesWhatAParserReads) {
    ExtensionIds ids;
    ids.set(ExtensionKind::kMid, 4);
    ids.set(ExtensionKind::kRid, 10);
    ids.set(ExtensionKind::kAbsSendTime, 2);
    ids.set(ExtensionKind::kTransportSequence, 3);
    ids.set(ExtensionKind::kAudioLevel, 1);
    const HeaderExtensions values{.mid = "12",
                                  .rid = "h",
                                  .repaired_rid = "h",
                                  .abs_send_time = 0x123456,
                                  .transport_sequence = 65535,
                                  .audio_level = rtp::AudioLevel{.minus_dbov = 33, .voice = true}};
    std::array<std::byte, rtp::kRtpHeaderBytesMax> out{};
    const std::size_t bytes = write_outbound_header(kFields, ids, values, out);
    const auto view = RtpPacketView::parse(std::span(out).first(bytes));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->payload_type, 96);
    EXPECT_TRUE(view->marker);
    EXPECT_EQ(view->seq, 65535);
    EXPECT_EQ(value_of(view->timestamp), 0xfedcba98U);
    EXPECT_EQ(view->ssrc, 0x01020304U);
    EXPECT_TRUE(view->payload.empty());
    const HeaderExtensions read = HeaderExtensionParser(ids).parse(*view);
    EXPECT_EQ(read.mid, "12");
    EXPECT_EQ(read.rid, "h");
    EXPECT_TRUE(read.repaired_rid.empty()) << "not negotiated";
    EXPECT_EQ(read.abs_send_time, 0x123456U);
    EXPECT_EQ(read.transport_sequence, 65535);
    EXPECT_EQ(read.audio_level, values.audio_level);
}

TEST(OutboundHeader, HasNoExtensionBlockWhereNothingWasNegotiated) {
    std::array<std::byte, rtp::kRtpHeaderBytesMax> out{};
    const std::size_t bytes = write_outbound_header(kFields, ExtensionIds{}, {.mid = "video"}, out);
    EXPECT_EQ(bytes, rtp::kRtpFixedHeaderBytes);
}

TEST(OutboundHeader, LeavesOutWhatOneByteElementsCannotHold) {
    ExtensionIds ids;
    ids.set(ExtensionKind::kMid, 15);
    ids.set(ExtensionKind::kRid, 10);
    std::array<std::byte, rtp::kRtpHeaderBytesMax> out{};
    const std::size_t bytes = write_outbound_header(
        kFields, ids, {.mid = "0", .rid = "a-rid-of-more-than-16-characters"}, out);
    EXPECT_EQ(bytes, rtp::kRtpFixedHeaderBytes);
}

}  // namespace
}  // namespace isthmus::media::client
