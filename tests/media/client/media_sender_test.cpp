#include "media/client/media_sender.h"

#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/rtp_packet.h"
#include "media/transport/srtp_session.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::client {
namespace {

using rtp::advance;
using rtp::at_ms;
using rtp::Bytes;
using rtp::ExtendedSeq;
using rtp::ExtensionKind;
using transport::OutDatagram;

constexpr std::uint32_t kSsrc = 0x2000;
constexpr std::uint32_t kRtxSsrc = 0x2001;

// Opens what a batch sealed, as the node would.
class Wire final : public transport::DatagramSink {
  public:
    Wire() : session_(master_, master_, *fanout_) {}

    void send(std::span<const OutDatagram> datagrams) override {
        ++calls;
        for (const OutDatagram& datagram : datagrams) {
            Bytes bytes(datagram.bytes.begin(), datagram.bytes.end());
            const auto plain = session_.unprotect_rtp(bytes);
            ASSERT_TRUE(plain);
            packets.emplace_back(plain->begin(), plain->end());
        }
    }

    [[nodiscard]] rtp::RtpPacketView view(std::size_t index) const {
        return rtp::RtpPacketView::parse(packets.at(index)).value();
    }

    [[nodiscard]] SendContext context() {
        return {.batch = batch_, .key = *key_, .path = path_, .transport_sequence = sequence};
    }

    void flush() { batch_.flush(); }

    std::vector<Bytes> packets;
    int calls = 0;
    std::uint16_t sequence = 65535;

  private:
    transport::SrtpMasterKey master_{};
    std::unique_ptr<transport::SrtpFanout> fanout_ =
        transport::make_srtp_fanout(transport::SrtpEngine::kAuto).value();
    transport::SrtpSession session_;
    std::unique_ptr<transport::SrtpSendKey> key_ = fanout_->make_key(master_);
    PacketBatch batch_{*fanout_, *this};
    transport::Path path_;
};

OutboundStreamConfig video_config() {
    OutboundStreamConfig config{.format = {.payload_type = 96,
                                           .codec = rtp::Codec::kVp8,
                                           .clock_hz = 90000,
                                           .rtx_payload_type = 97,
                                           .nack = true},
                                .mid = "0",
                                .ssrc = kSsrc,
                                .rtx_ssrc = kRtxSsrc};
    config.extensions.set(ExtensionKind::kMid, 4);
    config.extensions.set(ExtensionKind::kTransportSequence, 3);
    return config;
}

const Bytes kBody(100, std::byte{7});

std::vector<PayloadPart> frame_of(std::size_t packets) {
    std::vector<PayloadPart> parts(packets, PayloadPart{.body = kBody});
    parts.back().marker = true;
    parts.back().stamped = true;
    return parts;
}

class Sender {
  public:
    Sender()
        : sender({at_ms(0), rtp::NtpTime{.value = std::uint64_t{5} << 32U}}, "alice", at_ms(1000)) {
        CHECK(sender.add_stream(video_config(), random_) == 0);
    }

    void send(std::int64_t ms, std::size_t packets) { send(ms, packets, ms); }

    void send(std::int64_t ms, std::size_t packets, std::int64_t taken_at_ms) {
        const auto parts = frame_of(packets);
        sender.stream(0).send_frame(
            at_ms(ms), {.taken_at = at_ms(taken_at_ms), .parts = parts}, wire.context());
        wire.flush();
    }

    template <typename Write>
    void hear(std::int64_t ms, Write&& write) {
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        ASSERT_TRUE(write(writer));
        sender.handle_rtcp(at_ms(ms), writer.bytes(), wire.context());
        wire.flush();
    }

    Wire wire;
    MediaSender sender;

  private:
    SeededRandom random_{3};
};

// Two frames with one timestamp are one picture to whoever forwards them: what a sender that was
// late sent at once got lost on the way.
TEST(MediaSender, GivesFramesThatItSendsAtOnceTheTimestampsThatTheyWereTakenAt) {
    Sender alice;
    alice.send(200, 1, 133);
    alice.send(200, 1, 166);
    ASSERT_EQ(alice.wire.packets.size(), 2U);
    EXPECT_EQ(value_of(alice.wire.view(1).timestamp) - value_of(alice.wire.view(0).timestamp),
              33U * 90U);
}

TEST(MediaSender, NumbersPacketsAndStampsTheLastOfAFrame) {
    Sender alice;
    alice.send(100, 3);
    alice.send(200, 1);
    ASSERT_EQ(alice.wire.packets.size(), 4U);
    EXPECT_EQ(alice.wire.calls, 2) << "one call a flush";
    for (std::size_t i = 0; i < 4; ++i) {
        const auto view = alice.wire.view(i);
        EXPECT_EQ(view.ssrc, kSsrc);
        EXPECT_EQ(view.seq, static_cast<std::uint16_t>(alice.wire.view(0).seq + i));
        EXPECT_EQ(view.marker, i >= 2);
        EXPECT_EQ(read_stamp(view.payload).has_value(), i >= 2);
    }
    EXPECT_EQ(distance(alice.wire.view(0).timestamp, alice.wire.view(3).timestamp), 9000);
    EXPECT_EQ(alice.wire.sequence, 3) << "transport-wide numbers wrap";
}

TEST(MediaSender, AnswersANackByRetransmission) {
    Sender alice;
    alice.send(100, 4);
    const auto lost = alice.wire.view(1);
    const std::array seqs = {rtp::make_extended_seq(0, lost.seq),
                             rtp::make_extended_seq(0, static_cast<std::uint16_t>(lost.seq + 1)),
                             rtp::make_extended_seq(0, static_cast<std::uint16_t>(lost.seq + 500))};
    alice.hear(150, [&](rtp::RtcpWriter& writer) { return writer.nack(1, kSsrc, seqs); });
    ASSERT_EQ(alice.wire.packets.size(), 6U) << "what was never sent is not sent again";
    const auto again = alice.wire.view(4);
    EXPECT_EQ(again.ssrc, kRtxSsrc);
    EXPECT_EQ(again.payload_type, 97);
    EXPECT_EQ(again.timestamp, lost.timestamp);
    ASSERT_EQ(again.payload.size(), lost.payload.size() + 2);
    EXPECT_EQ(load_be16(again.payload.data()), lost.seq);
    EXPECT_TRUE(std::ranges::equal(again.payload.subspan(2), lost.payload));
    EXPECT_EQ(alice.sender.stream(0).stats().retransmitted, 2U);
    EXPECT_EQ(alice.sender.stream(0).stats().nacked, 3U);
}

TEST(MediaSender, BoundsWhatOneNackMayAskFor) {
    Sender alice;
    alice.send(0, 1);
    std::vector<ExtendedSeq> seqs;
    seqs.reserve(4000);
    for (std::int64_t i = 0; i < 4000; ++i) {
        seqs.push_back(advance(rtp::make_extended_seq(0, alice.wire.view(0).seq), i));
    }
    alice.hear(10, [&](rtp::RtcpWriter& writer) { return writer.nack(1, kSsrc, seqs); });
    EXPECT_LE(alice.sender.stream(0).stats().nacked, 512U);
    EXPECT_EQ(alice.sender.stream(0).stats().retransmitted, 1U);
}

TEST(MediaSender, WantsAKeyFrameOnceForEachRequest) {
    Sender alice;
    alice.hear(0, [](rtp::RtcpWriter& writer) { return writer.pli(1, kSsrc); });
    EXPECT_TRUE(alice.sender.stream(0).poll_key_frame_request());
    EXPECT_FALSE(alice.sender.stream(0).poll_key_frame_request());
    const rtp::FirItem fir{.ssrc = kSsrc, .command = 1};
    alice.hear(0, [&](rtp::RtcpWriter& writer) { return writer.fir(1, {&fir, 1}); });
    EXPECT_TRUE(alice.sender.stream(0).poll_key_frame_request());
    alice.hear(0, [](rtp::RtcpWriter& writer) { return writer.pli(1, 12345); });
    EXPECT_FALSE(alice.sender.stream(0).poll_key_frame_request()) << "of another stream";
}

TEST(MediaSender, ReportsEverySecondWhatItSent) {
    Sender alice;
    std::array<std::byte, MediaSender::kRtcpBytesMax> buffer{};
    alice.send(500, 3);
    EXPECT_EQ(alice.sender.write_rtcp(at_ms(999), buffer), 0U);
    const std::size_t size = alice.sender.write_rtcp(at_ms(1000), buffer);
    auto reader = rtp::RtcpReader::parse(std::span(buffer).first(size));
    ASSERT_TRUE(reader);
    const auto message = reader->next();
    const auto* report = std::get_if<rtp::SenderReport>(&message.value());
    ASSERT_NE(report, nullptr);
    EXPECT_EQ(report->ssrc, kSsrc);
    EXPECT_EQ(report->info.packets, 3U);
    EXPECT_EQ(report->info.ntp.value >> 32U, 6U) << "one second after the anchor";
    // Half a second after the frame, on its clock.
    EXPECT_EQ(distance(alice.wire.view(0).timestamp, report->info.rtp), 45'000);
    EXPECT_EQ(alice.sender.write_rtcp(at_ms(1001), buffer), 0U);
    EXPECT_EQ(alice.sender.next_timeout(), at_ms(2000));
}

TEST(MediaSender, CountsRtcpThatIsNone) {
    Sender alice;
    alice.sender.handle_rtcp(at_ms(0), rtp::bytes({1, 2}), alice.wire.context());
    EXPECT_EQ(alice.sender.bad(), 1U);
}

TEST(PacketBatch, FlushesByItselfWhenItIsFull) {
    Sender alice;
    const auto parts = frame_of(PacketBatch::kPackets + 5);
    alice.sender.stream(0).send_frame(
        at_ms(0), {.taken_at = at_ms(0), .parts = parts}, alice.wire.context());
    EXPECT_EQ(alice.wire.packets.size(), PacketBatch::kPackets);
    alice.wire.flush();
    EXPECT_EQ(alice.wire.packets.size(), PacketBatch::kPackets + 5);
    alice.wire.flush();
    EXPECT_EQ(alice.wire.calls, 2) << "an empty batch sends nothing";
}

}  // namespace
}  // namespace isthmus::media::client
