#include "media/client/media_receiver.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "media/client/payload_stamp.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtx.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::client {
namespace {

using rtp::append;
using rtp::at_ms;
using rtp::bytes;
using rtp::Bytes;
using rtp::ExtensionKind;
using rtp::make_rtp;

constexpr std::uint32_t kVideo = 0x1000;
constexpr std::uint32_t kVideoRtx = 0x1001;
constexpr std::uint32_t kOwn = 0x77;

ClientSection video_section() {
    ClientSection section{.mid = "1",
                          .kind = rtp::MediaKind::kVideo,
                          .receive = true,
                          .formats = {{.payload_type = 96,
                                       .codec = rtp::Codec::kVp8,
                                       .clock_hz = 90000,
                                       .rtx_payload_type = 97,
                                       .nack = true,
                                       .pli = true,
                                       .transport_cc = true}},
                          .rtcp_reduced_size = true,
                          .ssrc = kVideo,
                          .rtx_ssrc = kVideoRtx};
    section.extensions.set(ExtensionKind::kMid, 4);
    section.extensions.set(ExtensionKind::kTransportSequence, 3);
    return section;
}

Bytes vp8(bool key, std::uint8_t fill = 0) {
    Bytes payload = key ? bytes({0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2})
                        : bytes({0x10, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    payload.resize(60, std::byte{fill});
    return payload;
}

// One packet a frame.
Bytes video(std::uint16_t seq, bool key = false) {
    return make_rtp({.marker = true,
                     .seq = seq,
                     .timestamp = seq * 3000U,
                     .ssrc = kVideo,
                     .payload = vp8(key)});
}

Bytes retransmission(std::uint16_t rtx_seq, std::uint16_t original) {
    Bytes payload(62);
    const Bytes inner = vp8(false);
    EXPECT_EQ(rtp::write_rtx_payload(original, inner, payload), payload.size());
    return make_rtp({.payload_type = 97,
                     .marker = true,
                     .seq = rtx_seq,
                     .timestamp = original * 3000U,
                     .ssrc = kVideoRtx,
                     .payload = payload});
}

// What the receiver wrote, message by message.
struct Written {
    std::vector<std::uint16_t> nacks;
    int plis = 0;
    int reports = 0;
    int names = 0;
    std::vector<rtp::ReportBlock> blocks;
    std::vector<std::uint16_t> told;  // transport-wide numbers that arrived
    // RFC 8888: SSRC and number of what arrived.
    std::vector<std::pair<std::uint32_t, std::uint16_t>> told_by_stream;
};

void note_arrivals(Written& written, const rtp::TransportFeedback& feedback) {
    EXPECT_TRUE(feedback.for_each([&](std::uint16_t seq, auto delta) {
        if (delta) {
            written.told.push_back(seq);
        }
    }));
}

void note_arrivals(Written& written, const rtp::CongestionFeedback& by_stream) {
    EXPECT_TRUE(by_stream.for_each_block([&](const rtp::CongestionBlock& block) {
        std::uint16_t seq = block.begin_seq;
        for (const rtp::PacketMetric metric : block.packets) {
            if (metric.received) {
                written.told_by_stream.emplace_back(block.ssrc, seq);
            }
            ++seq;
        }
    }));
}

void note(Written& written, const rtp::RtcpMessage& message) {
    if (const auto* nack = std::get_if<rtp::Nack>(&message)) {
        nack->for_each([&](std::uint16_t seq) { written.nacks.push_back(seq); });
    } else if (std::holds_alternative<rtp::PictureLoss>(message)) {
        ++written.plis;
    } else if (const auto* report = std::get_if<rtp::ReceiverReport>(&message)) {
        ++written.reports;
        for (const rtp::ReportBlock block : report->blocks) {
            written.blocks.push_back(block);
        }
    } else if (std::holds_alternative<rtp::CanonicalName>(message)) {
        ++written.names;
    } else if (const auto* feedback = std::get_if<rtp::TransportFeedback>(&message)) {
        note_arrivals(written, *feedback);
    } else if (const auto* by_stream = std::get_if<rtp::CongestionFeedback>(&message)) {
        note_arrivals(written, *by_stream);
    }
}

Written written_by(MediaReceiver& receiver, std::int64_t ms) {
    Written written;
    receiver.handle_timeout(at_ms(ms));
    std::array<std::byte, MediaReceiver::kRtcpBytesMax> buffer{};
    while (const std::size_t size = receiver.write_rtcp(at_ms(ms), buffer)) {
        auto reader = rtp::RtcpReader::parse(std::span(buffer).first(size));
        EXPECT_TRUE(reader);
        while (const auto message = reader->next()) {
            note(written, *message);
        }
    }
    return written;
}

class Receiver {
  public:
    explicit Receiver(ClientSection section = video_section())
        : receiver(std::span(&section, 1), kOwn, "viewer", at_ms(100'000)) {}

    std::optional<ReceivedPayload> take(std::int64_t ms, Bytes packet) {
        return receiver.handle_rtp(at_ms(ms), packet);
    }

    [[nodiscard]] InboundStats stats(std::int64_t ms) const {
        return receiver.streams().at(0).stats(at_ms(ms));
    }

    MediaReceiver receiver;
};

TEST(MediaReceiver, AsksForALostPacketAndTakesItsRetransmission) {
    for (const std::uint16_t first :
         std::initializer_list<std::uint16_t>{10, 127, 32766, 65534, 65535}) {
        Receiver viewer;
        const auto seq = [first](int i) { return static_cast<std::uint16_t>(first + i); };
        viewer.take(0, video(seq(0), true));
        viewer.take(33, video(seq(2)));
        const Written written = written_by(viewer.receiver, 40);
        ASSERT_EQ(written.nacks, std::vector{seq(1)}) << first;
        EXPECT_EQ(written.reports, 0) << "reduced size";
        const auto payload = viewer.take(60, retransmission(500, seq(1)));
        ASSERT_TRUE(payload);
        EXPECT_EQ(payload->bytes, 60U);
        EXPECT_EQ(viewer.stats(60).lost, 1U);
        EXPECT_EQ(viewer.stats(60).repaired, 1U);
        EXPECT_EQ(viewer.stats(60).frames.frames, 3U);
        EXPECT_TRUE(written_by(viewer.receiver, 300).nacks.empty());
        // The same one again changes nothing.
        viewer.take(70, retransmission(501, seq(1)));
        EXPECT_EQ(viewer.stats(70).repaired, 1U);
    }
}

TEST(MediaReceiver, TellsArrivalsByStreamWhereThatWasAgreedOn) {
    ClientSection section = video_section();
    section.formats[0].transport_cc = false;
    section.congestion_feedback = true;
    Receiver client(section);
    client.take(0, video(65'535, true));
    client.take(10, video(1));
    client.take(20, retransmission(7, 0));
    const Written written = written_by(client.receiver, 100);
    EXPECT_THAT(written.told_by_stream,
                testing::ElementsAre(
                    std::pair{kVideo, 65'535}, std::pair{kVideo, 1}, std::pair{kVideoRtx, 7}));
    EXPECT_TRUE(written.told.empty());
    EXPECT_TRUE(written_by(client.receiver, 300).told_by_stream.empty()) << "nothing new";
}

TEST(MediaReceiver, AsksForAKeyFrameWhereTheStreamBeginsWithout) {
    Receiver viewer;
    viewer.take(0, video(1));
    EXPECT_EQ(written_by(viewer.receiver, 100).plis, 0) << "it may be on its way";
    viewer.take(100, video(2));
    EXPECT_EQ(viewer.receiver.next_timeout(), at_ms(200));
    EXPECT_EQ(written_by(viewer.receiver, 200).plis, 1);
    EXPECT_EQ(written_by(viewer.receiver, 250).plis, 0);
    viewer.take(300, video(3, true));
    EXPECT_EQ(written_by(viewer.receiver, 900).plis, 0);
    EXPECT_EQ(viewer.stats(900).key_frame_requests, 1U);
    EXPECT_EQ(viewer.stats(900).first_frame_at, at_ms(300));
}

TEST(MediaReceiver, AsksForAKeyFrameWhereRepairDoesNotCome) {
    Receiver viewer;
    viewer.take(0, video(65530, true));
    viewer.take(40, video(65532));
    int plis = 0;
    for (int ms = 45; ms < 500; ms += 5) {
        plis += written_by(viewer.receiver, ms).plis;
    }
    EXPECT_EQ(plis, 0);
    EXPECT_EQ(written_by(viewer.receiver, 540).plis, 1);
    // It once asked at every look from then on.
    viewer.take(545, video(65533));
    for (int ms = 545; ms < 600; ms += 5) {
        plis += written_by(viewer.receiver, ms).plis;
    }
    EXPECT_EQ(plis, 0);
    EXPECT_GT(viewer.receiver.next_timeout(), at_ms(595));
    viewer.take(600, video(65534, true));
    for (int ms = 600; ms < 2000; ms += 5) {
        plis += written_by(viewer.receiver, ms).plis;
    }
    EXPECT_EQ(plis, 0);
    EXPECT_GE(viewer.stats(2000).nacks, 2U);
}

TEST(MediaReceiver, NeitherNacksNorAsksWhereThatWasNotNegotiated) {
    ClientSection section = video_section();
    section.formats[0].nack = false;
    section.formats[0].pli = false;
    Receiver viewer(section);
    viewer.take(0, video(1));
    viewer.take(10, video(5));
    const Written written = written_by(viewer.receiver, 1000);
    EXPECT_TRUE(written.nacks.empty());
    EXPECT_EQ(written.plis, 0);
}

TEST(MediaReceiver, BeginsEveryCompoundWithAReportWithoutReducedSize) {
    ClientSection section = video_section();
    section.rtcp_reduced_size = false;
    Receiver viewer(section);
    viewer.take(0, video(1, true));
    viewer.take(10, video(3));
    const Written written = written_by(viewer.receiver, 20);
    EXPECT_EQ(written.nacks.size(), 1U);
    EXPECT_EQ(written.reports, 1);
    EXPECT_EQ(written.names, 1);
}

TEST(MediaReceiver, ReportsEverySecond) {
    Receiver viewer;
    viewer.take(0, video(1, true));
    viewer.take(10, video(2));
    EXPECT_EQ(written_by(viewer.receiver, 99'999).reports, 0);
    const Written written = written_by(viewer.receiver, 100'000);
    EXPECT_EQ(written.reports, 1);
    ASSERT_EQ(written.blocks.size(), 1U);
    EXPECT_EQ(written.blocks[0].ssrc, kVideo);
    EXPECT_EQ(viewer.receiver.next_timeout(), at_ms(101'000));
}

TEST(MediaReceiver, TellsTransportWideWhatArrived) {
    Receiver viewer;
    for (const std::uint16_t number : std::initializer_list<std::uint16_t>{65534, 65535, 1}) {
        Bytes extension = bytes({0x31, number >> 8, number & 0xff, 0});
        viewer.take(0,
                    make_rtp({.marker = true,
                              .seq = number,
                              .ssrc = kVideo,
                              .extension_profile = 0xbede,
                              .extension = extension,
                              .payload = vp8(true)}));
    }
    EXPECT_EQ(written_by(viewer.receiver, 300).told, (std::vector<std::uint16_t>{65534, 65535, 1}));
}

TEST(MediaReceiver, FindsAStreamByItsMid) {
    ClientSection section = video_section();
    section.ssrc.reset();
    section.rtx_ssrc.reset();
    Receiver viewer(section);
    Bytes unknown = make_rtp({.seq = 1, .ssrc = 9, .payload = vp8(true)});
    EXPECT_FALSE(viewer.take(0, unknown));
    EXPECT_EQ(viewer.receiver.counters().unknown, 1U);
    const Bytes mid = bytes({0x40, '1', 0, 0});
    const auto with_mid =
        [&](std::uint8_t type, std::uint32_t ssrc, std::uint16_t seq, Bytes payload) {
            return make_rtp({.payload_type = type,
                             .marker = true,
                             .seq = seq,
                             .ssrc = ssrc,
                             .extension_profile = 0xbede,
                             .extension = mid,
                             .payload = std::move(payload)});
        };
    EXPECT_TRUE(viewer.take(1, with_mid(96, 9, 1, vp8(true))));
    EXPECT_TRUE(
        viewer.take(2, make_rtp({.marker = true, .seq = 3, .ssrc = 9, .payload = vp8(false)})))
        << "known from then on";
    Bytes rtx_payload(62);
    static_cast<void>(rtp::write_rtx_payload(2, vp8(false), rtx_payload));
    EXPECT_TRUE(viewer.take(3, with_mid(97, 10, 1, rtx_payload)));
    EXPECT_EQ(viewer.stats(3).repaired, 1U);
    EXPECT_EQ(viewer.receiver.streams().size(), 1U);
}

ClientSection video_section_of(std::string mid, std::uint32_t ssrc) {
    ClientSection section = video_section();
    section.mid = std::move(mid);
    section.ssrc = ssrc;
    section.rtx_ssrc.reset();
    return section;
}

Bytes video_of(std::uint32_t ssrc, std::uint16_t seq) {
    return make_rtp({.marker = true,
                     .seq = seq,
                     .timestamp = seq * 3000U,
                     .ssrc = ssrc,
                     .payload = vp8(seq == 1)});
}

TEST(MediaReceiver, HearsSectionsThatALaterAnswerAdds) {
    std::vector<ClientSection> sections = {video_section_of("1", 0x1000)};
    MediaReceiver receiver(sections, kOwn, "me", at_ms(1000));
    Bytes early = video_of(0x2000, 1);
    EXPECT_FALSE(receiver.handle_rtp(at_ms(0), early));
    EXPECT_EQ(receiver.counters().unknown, 1U);
    sections.push_back(video_section_of("2", 0x2000));
    receiver.set_sections(sections);
    Bytes first = video_of(0x1000, 1);
    Bytes second = video_of(0x2000, 1);
    EXPECT_TRUE(receiver.handle_rtp(at_ms(1), first));
    EXPECT_TRUE(receiver.handle_rtp(at_ms(1), second));
    EXPECT_EQ(receiver.streams().size(), 2U);
}

// What is answered inactive rests: nobody waits for its picture, and its figures stay.
TEST(MediaReceiver, AsksForNoKeyFrameInASectionThatEnded) {
    std::vector<ClientSection> sections = {video_section_of("1", 0x1000)};
    MediaReceiver ended(sections, kOwn, "me", at_ms(1'000'000));
    MediaReceiver going_on(sections, kOwn, "me", at_ms(1'000'000));
    for (MediaReceiver* receiver : {&ended, &going_on}) {
        Bytes packet = video_of(0x1000, 2);  // no key frame
        EXPECT_TRUE(receiver->handle_rtp(at_ms(0), packet));
    }
    sections[0].receive = false;
    ended.set_sections(sections);
    EXPECT_GT(written_by(going_on, 2000).plis, 0);
    EXPECT_EQ(written_by(ended, 2000).plis, 0);
    ASSERT_EQ(ended.streams().size(), 1U);
    EXPECT_EQ(ended.streams()[0].stats(at_ms(2000)).packets, 1U);
}

// A section's answer may give the stream another SSRC.
TEST(MediaReceiver, TakesTheSameSsrcInAnotherSection) {
    std::vector<ClientSection> sections = {video_section_of("1", 0x1000),
                                           video_section_of("2", 0x2000)};
    MediaReceiver receiver(sections, kOwn, "me", at_ms(1000));
    sections[0].ssrc = 0x3000;
    sections[1].ssrc = 0x1000;
    receiver.set_sections(sections);
    for (const std::uint32_t ssrc : {0x1000U, 0x3000U}) {
        Bytes packet = video_of(ssrc, 1);
        EXPECT_TRUE(receiver.handle_rtp(at_ms(1), packet)) << ssrc;
    }
}

TEST(MediaReceiver, DoesNotGrowWithInventedSsrcs) {
    ClientSection section = video_section();
    Receiver viewer(section);
    const Bytes mid = bytes({0x40, '1', 0, 0});
    for (std::uint32_t ssrc = 1; ssrc < 5000; ++ssrc) {
        viewer.take(0,
                    make_rtp({.ssrc = 0x9000 + ssrc,
                              .extension_profile = 0xbede,
                              .extension = mid,
                              .payload = vp8(false)}));
    }
    EXPECT_LE(viewer.receiver.streams().size(), 4096U);
    EXPECT_GT(viewer.receiver.counters().unknown, 900U);
}

TEST(MediaReceiver, ReadsStampsAndCountsPadding) {
    Receiver viewer;
    Bytes payload = vp8(true);
    payload.resize(payload.size() + kStampBytes);
    write_stamp(at_ms(7), payload.data() + payload.size() - kStampBytes);
    const auto received =
        viewer.take(20, make_rtp({.marker = true, .seq = 1, .ssrc = kVideo, .payload = payload}));
    ASSERT_TRUE(received);
    EXPECT_EQ(received->sent_at, at_ms(7));
    EXPECT_EQ(received->kind, rtp::MediaKind::kVideo);
    EXPECT_FALSE(viewer.take(21, make_rtp({.seq = 2, .ssrc = kVideo, .padding = 40})));
    EXPECT_EQ(viewer.receiver.counters().paddings, 1U);
    EXPECT_EQ(viewer.stats(21).packets, 2U) << "padding has a number like any packet";
}

TEST(MediaReceiver, CountsWhatIsNoPacket) {
    Receiver viewer;
    EXPECT_FALSE(viewer.take(0, bytes({0x80, 96, 0})));
    viewer.receiver.handle_rtcp(at_ms(0), bytes({1, 2, 3}));
    EXPECT_EQ(viewer.receiver.counters().bad, 2U);
}

}  // namespace
}  // namespace isthmus::media::client
