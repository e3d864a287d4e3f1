// What a participant does with each RTCP message, and with those that are none.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/rtp_packet.h"
#include "tests/media/sfu/connected_peer.h"

namespace isthmus::media::sfu::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kPublisherSsrc = 0x1111;
constexpr std::uint32_t kViewerSsrc = 0x7777;
constexpr std::uint32_t kNobody = 0xdead;

MediaSection video(Direction direction) {
    MediaSection section{.mid = "v",
                         .kind = rtp::MediaKind::kVideo,
                         .direction = direction,
                         .formats = {{.payload_type = 96,
                                      .codec = rtp::Codec::kVp8,
                                      .clock_hz = 90'000,
                                      .fmtp = {},
                                      .rtx_payload_type = 97,
                                      .nack = true,
                                      .pli = true,
                                      .fir = true}}};
    section.rtcp_reduced_size = true;
    return section;
}

Bytes bytes_of(std::initializer_list<unsigned> values) {
    Bytes bytes;
    for (const unsigned value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

// One VP8 packet (RFC 7741): a whole frame.
Bytes video_packet(std::uint16_t seq, bool key_frame) {
    Bytes packet(12);
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{0x80 | 96};
    store_be16(&packet[2], seq);
    store_be32(&packet[4], seq * 3000U);
    store_be32(&packet[8], kPublisherSsrc);
    const Bytes payload = bytes_of({0x10, key_frame ? 0x10U : 0x11U, 0, 0, 0x9D, 0x01, 0x2A, 1, 1});
    packet.insert(packet.end(), payload.begin(), payload.end());
    packet.resize(packet.size() + 20);
    return packet;
}

class ParticipantRtcp : public ::testing::Test {
  protected:
    // What `write` puts into one compound.
    template <typename Write>
    Bytes compound(Write&& write) {
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        write(writer);
        EXPECT_FALSE(writer.empty());
        return {writer.bytes().begin(), writer.bytes().end()};
    }

    // The viewer follows the stream from then on.
    void publish(std::uint16_t first, std::uint16_t count) {
        for (std::uint16_t i = 0; i < count; ++i) {
            publisher_.send_rtp(video_packet(static_cast<std::uint16_t>(first + i), i == 0));
        }
        viewer_.settle();
    }

    // All messages of one kind that the peer has received.
    template <typename Message>
    static std::vector<Message> messages(const std::vector<Bytes>& packets) {
        std::vector<Message> found;
        for (const Bytes& packet : packets) {
            auto reader = rtp::RtcpReader::parse(packet).value();
            while (const auto message = reader.next()) {
                if (const auto* wanted = std::get_if<Message>(&*message)) {
                    found.push_back(*wanted);
                }
            }
        }
        return found;
    }

    std::vector<std::uint32_t> key_frames_asked_for() {
        publisher_.settle();
        std::vector<std::uint32_t> ssrcs;
        for (const rtp::PictureLoss& loss : messages<rtp::PictureLoss>(publisher_.take_rtcp())) {
            ssrcs.push_back(loss.media_ssrc);
        }
        return ssrcs;
    }

    PeerSurroundings shared_;
    ConnectedPeer publisher_{shared_, "alice", video(Direction::kReceive)};
    ConnectedPeer viewer_{shared_, "bob", video(Direction::kSend)};
    std::uint32_t ssrc_ = viewer_.sender().ssrc;
    std::uint32_t rtx_ssrc_ = viewer_.sender().rtx_ssrc.value();
};

TEST_F(ParticipantRtcp, AReceiverReportTellsLossJitterAndRoundTrip) {
    publish(10, 5);
    const rtp::NtpClock ntp(
        Instant{}, rtp::ntp_from_unix(std::chrono::nanoseconds(PeerSurroundings::kUnixNsAtZero)));
    const std::uint32_t sent_at = ntp.to_ntp(shared_.now).middle();
    shared_.now += std::chrono::milliseconds(100);
    const std::array blocks = {rtp::ReportBlock{.ssrc = ssrc_,
                                                .fraction_lost = 64,
                                                .jitter = 900,
                                                .last_sr = sent_at,
                                                .delay_since_last_sr = 65'536 * 40 / 1000},
                               rtp::ReportBlock{.ssrc = rtx_ssrc_, .fraction_lost = 255},
                               rtp::ReportBlock{.ssrc = kNobody, .fraction_lost = 255}};
    viewer_.send_rtcp(compound([&](rtp::RtcpWriter& writer) {
        EXPECT_TRUE(writer.receiver_report(kViewerSsrc, blocks));
    }));
    EXPECT_DOUBLE_EQ(viewer_.subscription().loss_ratio, 0.25);
    EXPECT_NEAR(viewer_.subscription().jitter_seconds, 0.01, 1e-9);
    EXPECT_NEAR(viewer_.subscription().rtt_seconds.value_or(0), 0.06, 0.001);
}

TEST_F(ParticipantRtcp, ANackIsAnsweredWithWhatIsStillThere) {
    publish(10, 5);
    const std::vector<Bytes> sent = viewer_.take_rtp();
    ASSERT_THAT(sent, SizeIs(5));
    const auto wanted = rtp::RtpPacketView::parse(sent[2]).value();
    // The third, and one that was never sent.
    const std::array seqs = {rtp::ExtendedSeq{wanted.seq},
                             rtp::ExtendedSeq{static_cast<std::uint16_t>(wanted.seq + 10)}};
    viewer_.send_rtcp(compound(
        [&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.nack(kViewerSsrc, ssrc_, seqs)); }));
    viewer_.settle();
    const std::vector<Bytes> again = viewer_.take_rtp();
    ASSERT_THAT(again, SizeIs(1));
    const auto repeated = rtp::RtpPacketView::parse(again[0]).value();
    EXPECT_EQ(repeated.ssrc, rtx_ssrc_);
    EXPECT_EQ(repeated.payload_type, 97);
    ASSERT_EQ(repeated.payload.size(), wanted.payload.size() + 2);
    EXPECT_EQ(load_be16(repeated.payload.data()), wanted.seq);
    EXPECT_TRUE(std::ranges::equal(repeated.payload.subspan(2), wanted.payload));
    EXPECT_EQ(shared_.stats.nacks_received, 2U);
    EXPECT_EQ(shared_.stats.retransmissions, 1U);
}

TEST_F(ParticipantRtcp, ANackForAStreamThatMayNotBeAskedForIsIgnored) {
    publish(10, 5);
    static_cast<void>(viewer_.take_rtp());
    const std::array seqs = {rtp::ExtendedSeq{1}};
    for (const std::uint32_t media : {rtx_ssrc_, kNobody, kPublisherSsrc}) {
        viewer_.send_rtcp(compound(
            [&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.nack(kViewerSsrc, media, seqs)); }));
    }
    viewer_.settle();
    EXPECT_THAT(viewer_.take_rtp(), IsEmpty());
    EXPECT_EQ(shared_.stats.nacks_received, 0U);
    EXPECT_EQ(shared_.stats.rtcp_malformed, 0U);
}

TEST_F(ParticipantRtcp, APictureLossReachesThePublisher) {
    publish(10, 2);
    shared_.now += std::chrono::seconds(1);
    ASSERT_THAT(key_frames_asked_for(), IsEmpty());
    for (const std::uint32_t media : {ssrc_, rtx_ssrc_, kNobody}) {
        viewer_.send_rtcp(compound(
            [&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.pli(kViewerSsrc, media)); }));
    }
    EXPECT_THAT(key_frames_asked_for(), ElementsAre(kPublisherSsrc));
    EXPECT_EQ(shared_.stats.key_frame_requests_received, 2U);
    EXPECT_EQ(viewer_.subscription().key_frame_requests, 2U);
}

TEST_F(ParticipantRtcp, AFullIntraRequestCountsForEachStreamOfOurs) {
    publish(10, 2);
    shared_.now += std::chrono::seconds(1);
    const std::array items = {rtp::FirItem{.ssrc = kNobody, .command = 1},
                              rtp::FirItem{.ssrc = ssrc_, .command = 1}};
    viewer_.send_rtcp(
        compound([&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.fir(kViewerSsrc, items)); }));
    EXPECT_THAT(key_frames_asked_for(), ElementsAre(kPublisherSsrc));
    EXPECT_EQ(shared_.stats.key_frame_requests_received, 1U);
}

TEST_F(ParticipantRtcp, ASenderReportPutsTheStreamOnTheNodesClock) {
    publish(10, 2);
    shared_.now += std::chrono::seconds(1);
    viewer_.settle();
    EXPECT_THAT(messages<rtp::SenderReport>(viewer_.take_rtcp()), IsEmpty());
    const rtp::SenderInfo info{.ntp = rtp::NtpTime{0x1234'5678'9ABC'DEF0U},
                               .rtp = rtp::RtpTimestamp{90'000},
                               .packets = 2,
                               .octets = 100};
    publisher_.send_rtcp(compound([&](rtp::RtcpWriter& writer) {
        EXPECT_TRUE(writer.sender_report(kPublisherSsrc, info, {}));
    }));
    shared_.now += std::chrono::seconds(2);
    viewer_.settle();
    const std::vector<Bytes> to_viewer = viewer_.take_rtcp();
    const auto reports = messages<rtp::SenderReport>(to_viewer);
    ASSERT_THAT(reports, SizeIs(1));
    EXPECT_EQ(reports[0].ssrc, ssrc_);
    EXPECT_EQ(reports[0].info.packets, 2U);
    // The publisher hears which report of its own the node's answers.
    publisher_.settle();
    const std::vector<Bytes> to_publisher = publisher_.take_rtcp();
    const auto answers = messages<rtp::ReceiverReport>(to_publisher);
    ASSERT_THAT(answers, SizeIs(1));
    ASSERT_EQ(answers[0].blocks.size(), 1U);
    const rtp::ReportBlock block = *answers[0].blocks.begin();
    EXPECT_EQ(block.ssrc, kPublisherSsrc);
    EXPECT_EQ(block.last_sr, info.ntp.middle());
    EXPECT_NEAR(block.delay_since_last_sr, 2 * 65'536, 66);
}

TEST_F(ParticipantRtcp, WhatIsUnknownOrOfNoUseChangesNothing) {
    publish(10, 2);
    static_cast<void>(viewer_.take_rtp());
    const SubscriptionInfo before = viewer_.subscription();
    const std::array<std::uint32_t, 1> ssrcs = {ssrc_};
    viewer_.send_rtcp(compound([&](rtp::RtcpWriter& writer) {
        EXPECT_TRUE(writer.cname(kViewerSsrc, "viewer"));
        EXPECT_TRUE(writer.receiver_reference_time(kViewerSsrc, rtp::NtpTime{1}));
        EXPECT_TRUE(writer.remb(kViewerSsrc, 1'000'000, ssrcs));
        EXPECT_TRUE(writer.bye(ssrcs));
    }));
    // APP, and packets of types that nobody has defined, alone and before a PLI.
    viewer_.send_rtcp(bytes_of({0x80, 204, 0, 2, 0, 0, 0, 7, 'a', 'p', 'p', '!'}));
    viewer_.send_rtcp(bytes_of({0x9F, 223, 0, 1, 0, 0, 0, 7}));
    Bytes mixed = bytes_of({0x80, 210, 0, 1, 0, 0, 0, 7});
    const Bytes pli =
        compound([&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.pli(kViewerSsrc, kNobody)); });
    mixed.insert(mixed.end(), pli.begin(), pli.end());
    viewer_.send_rtcp(mixed);
    viewer_.settle();
    EXPECT_EQ(shared_.stats.rtcp_received, 4U);
    EXPECT_EQ(shared_.stats.rtcp_malformed, 0U);
    EXPECT_EQ(shared_.stats.key_frame_requests_received, 0U);
    EXPECT_THAT(viewer_.take_rtp(), IsEmpty());
    EXPECT_EQ(viewer_.subscription().packets, before.packets);
    EXPECT_TRUE(viewer_.participant().connected());
}

// The frame of the whole compound is checked before any of it is believed.
TEST_F(ParticipantRtcp, ACompoundWithABrokenFrameIsRefusedWhole) {
    publish(10, 2);
    shared_.now += std::chrono::seconds(1);
    const Bytes pli =
        compound([&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.pli(kViewerSsrc, ssrc_)); });
    const std::vector<Bytes> tails = {
        bytes_of({0x80, 201, 0, 9, 0, 0, 0, 7}),    // longer than what is there
        bytes_of({0x40, 201, 0, 1, 0, 0, 0, 7}),    // version 1
        bytes_of({0xA0, 201, 0, 1, 0, 0, 0, 200}),  // more padding than packet
        bytes_of({0x80, 201, 0, 0, 0x80, 201}),     // ends within a header
    };
    std::uint64_t refused = 0;
    for (const Bytes& tail : tails) {
        Bytes broken = pli;
        broken.insert(broken.end(), tail.begin(), tail.end());
        viewer_.send_rtcp(broken);
        EXPECT_EQ(shared_.stats.rtcp_malformed, ++refused) << refused;
    }
    EXPECT_EQ(shared_.stats.rtcp_received, tails.size());
    EXPECT_THAT(key_frames_asked_for(), IsEmpty());
}

TEST_F(ParticipantRtcp, APacketThatContradictsItsLengthIsSkippedAndTheRestCounts) {
    publish(10, 2);
    shared_.now += std::chrono::seconds(1);
    // A receiver report that promises two blocks and has none.
    Bytes mixed = bytes_of({0x82, 201, 0, 1, 0, 0, 0, 7});
    const Bytes pli =
        compound([&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.pli(kViewerSsrc, ssrc_)); });
    mixed.insert(mixed.end(), pli.begin(), pli.end());
    viewer_.send_rtcp(mixed);
    EXPECT_EQ(shared_.stats.rtcp_malformed, 1U);
    EXPECT_THAT(key_frames_asked_for(), ElementsAre(kPublisherSsrc));
}

TEST_F(ParticipantRtcp, WhatIsNotAuthenticIsNotRead) {
    publish(10, 2);
    shared_.now += std::chrono::seconds(1);
    viewer_.send_forged_rtcp(
        compound([&](rtp::RtcpWriter& writer) { EXPECT_TRUE(writer.pli(kViewerSsrc, ssrc_)); }));
    EXPECT_EQ(shared_.stats.rtcp_received, 0U);
    EXPECT_EQ(viewer_.participant().transport().counters().srtp_auth_failures, 1U);
    EXPECT_THAT(key_frames_asked_for(), IsEmpty());
}

}  // namespace
}  // namespace isthmus::media::sfu::testing
