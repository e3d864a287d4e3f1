#include "media/rtp/rtp_header_writer.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

constexpr RtpHeaderFields kFields = {.payload_type = 102,
                                     .marker = true,
                                     .seq = 0x8001,
                                     .timestamp = RtpTimestamp{0xfffffff0},
                                     .ssrc = 0xcafe0001,
                                     .transport_sequence = 0xfedc,
                                     .abs_send_time = 0xabcdef};

ExtensionIds ids_from(std::uint8_t first) {
    ExtensionIds ids;
    for (std::size_t i = 0; i < kExtensionKinds; ++i) {
        ids.set(static_cast<ExtensionKind>(i), static_cast<std::uint8_t>(first + i));
    }
    return ids;
}

struct Written {
    std::array<std::byte, kRtpHeaderBytesMax> buffer{};
    RtpPacketView view;
    HeaderExtensions values;
};

// Fills the buffer with noise first, so that bytes left unwritten show.
void write_and_read(const RtpHeaderWriter& writer,
                    const ExtensionIds& ids,
                    const HeaderExtensions& values,
                    std::span<const std::byte> csrcs,
                    Written& written) {
    written.buffer.fill(std::byte{0xa5});
    const std::size_t size = writer.write(kFields, csrcs, values, written.buffer);
    ASSERT_LE(size, written.buffer.size());
    const auto view = RtpPacketView::parse(std::span(written.buffer).first(size));
    ASSERT_TRUE(view);
    written.view = *view;
    written.values = HeaderExtensionParser(ids).parse(*view);
    EXPECT_TRUE(view->payload.empty());
    EXPECT_TRUE(for_each_extension(
        view->extension_profile, view->extension, [](std::uint8_t, std::span<const std::byte>) {}));
}

HeaderExtensions full_values(const Bytes& descriptor) {
    return {.mid = "publisher",
            .rid = "h",
            .repaired_rid = "h",
            .abs_send_time = 1,
            .transport_sequence = 2,
            .audio_level = AudioLevel{.minus_dbov = 33, .voice = true},
            .video_orientation = 0x0d,
            .playout_delay = PlayoutDelay{.min_10ms = 1, .max_10ms = 0xfff},
            .dependency_descriptor = descriptor};
}

TEST(RtpHeaderWriter, WritesTheFixedHeaderAloneWithoutExtensions) {
    Written written;
    write_and_read(RtpHeaderWriter{}, ExtensionIds{}, {}, {}, written);
    EXPECT_EQ(written.view.payload_type, 102);
    EXPECT_TRUE(written.view.marker);
    EXPECT_EQ(written.view.seq, 0x8001);
    EXPECT_EQ(value_of(written.view.timestamp), 0xfffffff0U);
    EXPECT_EQ(written.view.ssrc, 0xcafe0001U);
    EXPECT_EQ(written.view.extension_profile, 0);
    EXPECT_EQ(written.buffer[0], std::byte{0x80});
}

TEST(RtpHeaderWriter, SaysEverythingInTheReceiversIds) {
    const ExtensionIds ids = ids_from(3);
    const Bytes descriptor = bytes({1, 2, 3});
    Written written;
    write_and_read(RtpHeaderWriter(ids, "v0"), ids, full_values(descriptor), {}, written);
    EXPECT_EQ(written.view.extension_profile, kOneByteExtensionProfile);
    EXPECT_EQ(written.values.mid, "v0");
    EXPECT_EQ(written.values.rid, "");
    EXPECT_EQ(written.values.repaired_rid, "");
    EXPECT_EQ(written.values.abs_send_time, 0xabcdefU);
    EXPECT_EQ(written.values.transport_sequence, 0xfedc);
    EXPECT_EQ(written.values.audio_level, (AudioLevel{.minus_dbov = 33, .voice = true}));
    EXPECT_EQ(written.values.video_orientation, 0x0d);
    EXPECT_EQ(written.values.playout_delay, (PlayoutDelay{.min_10ms = 1, .max_10ms = 0xfff}));
    EXPECT_EQ(written.values.dependency_descriptor.size(), 3U);
}

TEST(RtpHeaderWriter, LeavesOutWhatTheReceiverDidNotNegotiate) {
    ExtensionIds ids;
    ids.set(ExtensionKind::kMid, 4);
    const Bytes descriptor = bytes({1, 2, 3});
    Written written;
    const RtpHeaderWriter writer(ids, "1");
    write_and_read(writer, ids, full_values(descriptor), {}, written);
    EXPECT_EQ(written.view.extension.size(), 4U);
    EXPECT_EQ(written.values.mid, "1");
    EXPECT_FALSE(writer.wants_transport_sequence());
    EXPECT_FALSE(writer.wants_abs_send_time());
}

TEST(RtpHeaderWriter, LeavesOutWhatThePublisherDidNotSay) {
    const ExtensionIds ids = ids_from(1);
    Written written;
    const RtpHeaderWriter writer(ids, "1");
    write_and_read(writer, ids, {}, {}, written);
    EXPECT_TRUE(writer.wants_transport_sequence());
    EXPECT_TRUE(writer.wants_abs_send_time());
    EXPECT_FALSE(written.values.audio_level);
    EXPECT_FALSE(written.values.playout_delay);
    EXPECT_TRUE(written.values.dependency_descriptor.empty());
    EXPECT_EQ(written.values.transport_sequence, 0xfedc);
}

TEST(RtpHeaderWriter, UsesTwoBytesForAnIdAboveFourteen) {
    for (const int first : {1, 6}) {
        const ExtensionIds ids = ids_from(static_cast<std::uint8_t>(first));
        Written written;
        write_and_read(RtpHeaderWriter(ids, "1"), ids, {}, {}, written);
        EXPECT_EQ(written.view.extension_profile, kOneByteExtensionProfile) << first;
    }
    const ExtensionIds ids = ids_from(7);  // the last is 15
    Written written;
    write_and_read(RtpHeaderWriter(ids, "1"), ids, full_values({}), {}, written);
    EXPECT_EQ(written.view.extension_profile, kTwoByteExtensionProfile);
    EXPECT_EQ(written.values.mid, "1");
    EXPECT_EQ(written.values.playout_delay, (PlayoutDelay{.min_10ms = 1, .max_10ms = 0xfff}));
}

TEST(RtpHeaderWriter, UsesTwoBytesOnlyForPacketsWithALongDescriptor) {
    const ExtensionIds ids = ids_from(1);
    const RtpHeaderWriter writer(ids, "1");
    for (const std::size_t size : {1U, 16U, 17U, 255U}) {
        const Bytes descriptor(size, std::byte{0x5a});
        Written written;
        write_and_read(writer, ids, full_values(descriptor), {}, written);
        EXPECT_EQ(written.view.extension_profile,
                  size <= 16 ? kOneByteExtensionProfile : kTwoByteExtensionProfile);
        EXPECT_EQ(written.values.dependency_descriptor.size(), size);
        EXPECT_EQ(written.values.mid, "1");
        EXPECT_EQ(written.values.transport_sequence, 0xfedc);
        EXPECT_EQ(written.values.abs_send_time, 0xabcdefU);
    }
}

TEST(RtpHeaderWriter, UsesTwoBytesForALongMidAndNoneForALongerOne) {
    const ExtensionIds ids = ids_from(1);
    Written written;
    write_and_read(RtpHeaderWriter(ids, std::string(16, 'm')), ids, {}, {}, written);
    EXPECT_EQ(written.view.extension_profile, kOneByteExtensionProfile);
    EXPECT_EQ(written.values.mid, std::string(16, 'm'));
    write_and_read(RtpHeaderWriter(ids, std::string(17, 'm')), ids, {}, {}, written);
    EXPECT_EQ(written.view.extension_profile, kTwoByteExtensionProfile);
    EXPECT_EQ(written.values.mid, std::string(17, 'm'));
    write_and_read(RtpHeaderWriter(ids, std::string(33, 'm')), ids, {}, {}, written);
    EXPECT_EQ(written.view.extension_profile, kOneByteExtensionProfile);
    EXPECT_EQ(written.values.mid, "");
}

TEST(RtpHeaderWriter, KeepsContributingSources) {
    Bytes csrcs(kCsrcsMax * 4);
    for (std::size_t i = 0; i < csrcs.size(); ++i) {
        csrcs[i] = static_cast<std::byte>(i);
    }
    const ExtensionIds ids = ids_from(1);
    Written written;
    write_and_read(RtpHeaderWriter(ids, "1"), ids, full_values({}), csrcs, written);
    EXPECT_TRUE(std::ranges::equal(written.view.csrcs, csrcs));
    EXPECT_EQ(written.values.mid, "1");
}

TEST(RtpHeaderWriter, StaysWithinItsBoundAtItsLargest) {
    const ExtensionIds ids = ids_from(200);
    const Bytes csrcs(kCsrcsMax * 4);
    const Bytes descriptor(255);
    std::array<std::byte, kRtpHeaderBytesMax> buffer{};
    const std::size_t size = RtpHeaderWriter(ids, std::string(kMidBytesMax, 'm'))
                                 .write(kFields, csrcs, full_values(descriptor), buffer);
    EXPECT_EQ(size, kRtpHeaderBytesMax);
}

TEST(RtpHeaderWriter, FillsUpToAWordWithZeros) {
    ExtensionIds ids;
    ids.set(ExtensionKind::kMid, 1);
    for (std::size_t length = 1; length <= 16; ++length) {
        std::array<std::byte, kRtpHeaderBytesMax> buffer{};
        buffer.fill(std::byte{0xa5});
        const std::size_t size =
            RtpHeaderWriter(ids, std::string(length, 'm')).write(kFields, {}, {}, buffer);
        EXPECT_EQ(size % 4, 0U);
        EXPECT_EQ(size, 12 + 4 + (1 + length + 3) / 4 * 4);
        for (std::size_t i = 12 + 4 + 1 + length; i < size; ++i) {
            EXPECT_EQ(buffer[i], std::byte{0});
        }
    }
}

}  // namespace
}  // namespace isthmus::media::rtp
