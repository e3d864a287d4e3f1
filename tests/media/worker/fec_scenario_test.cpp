// Video with FlexFEC:
//
//     alice (VP8) -- 5 ms --> node -- 5 ms --> bob, who takes flexfec-03 and loses packets
//
// The loss is the test's: bob gets everything, and what counts as lost is taken away afterwards.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/rtcp_writer.h"
#include "tests/media/rtp/flexfec_decoder.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using rtp::testing::FlexfecDecoder;
using sfu::Direction;
using std::chrono::milliseconds;

constexpr simulator::LinkConfig kLine{.delay = milliseconds(5)};
constexpr std::uint8_t kFlexfecType = 49;

sfu::MediaSection fec_section() {
    sfu::MediaSection section = video_section(Direction::kSend);
    section.flexfec_payload_type = kFlexfecType;
    // Without an estimate: the loss that is reported here would have the video wait.
    section.formats[0].transport_cc = false;
    // As browsers have them: what is written while sending differs from packet to packet.
    section.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    section.extensions.set(rtp::ExtensionKind::kAbsSendTime, 2);
    return section;
}

class Fec : public ::testing::Test {
  protected:
    void frames(int count, int packets) {
        for (int i = 0; i < count; ++i) {
            for (int p = 0; p < packets; ++p) {
                RtpToSend packet{.seq = seq_++,
                                 .timestamp = timestamp_,
                                 .ssrc = 77,
                                 .marker = p + 1 == packets,
                                 .payload = vp8_payload(first_, static_cast<std::uint8_t>(seq_))};
                packet.payload.resize(400 + seq_ * 37U % 700);
                meeting.send_rtp(alice, packet);
                first_ = false;
            }
            timestamp_ += 3000;
            meeting.run_for(milliseconds(33));
        }
    }

    void report(double loss, int times) {
        for (int i = 0; i < times; ++i) {
            std::array<std::byte, 128> buffer{};
            rtp::RtcpWriter writer(buffer);
            const rtp::ReportBlock block{.ssrc = bob.senders[0].ssrc,
                                         .fraction_lost = static_cast<std::uint8_t>(loss * 256)};
            ASSERT_TRUE(writer.receiver_report(7, {&block, 1}));
            meeting.send_rtcp(bob, writer.bytes());
            meeting.run_for(milliseconds(10));
        }
    }

    [[nodiscard]] std::size_t repairs() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(bob.client->rtp, [&](const ReceivedRtp& packet) {
                return packet.view.ssrc == *bob.senders[0].fec_ssrc;
            }));
    }

    // These clients send no transport-wide feedback: the rate stays as it is.
    static constexpr DataRate kRate = DataRate::kbps(20'000);
    Meeting meeting{41, {.congestion = {.start = kRate, .min = kRate, .max = kRate}}};
    Joined alice = meeting.join_connected("alice", {video_section(Direction::kReceive)}, kLine);
    Joined bob = meeting.join_connected("bob", {fec_section()}, kLine);

  private:
    std::uint16_t seq_ = 65500;  // wraps
    std::uint32_t timestamp_ = 0xFFFF0000;
    bool first_ = true;
};

TEST_F(Fec, BeginsWithTheLossAndEndsWithIt) {
    frames(20, 4);
    EXPECT_EQ(repairs(), 0U);
    report(0.15, 5);
    frames(20, 4);
    const std::size_t during = repairs();
    EXPECT_GE(during, 20U);
    EXPECT_LE(during, 27U);
    EXPECT_EQ(meeting.core().stats().repair_packets, during);
    EXPECT_EQ(meeting.participant("bob")->subscriptions[0].repair_packets, during);
    report(0, 60);
    frames(20, 4);
    EXPECT_EQ(repairs(), during);
}

TEST_F(Fec, RestoresWhatIsLostToTheBit) {
    report(0.15, 5);
    frames(60, 4);
    std::map<std::uint16_t, const ReceivedRtp*> media;
    std::vector<const ReceivedRtp*> repair;
    for (const ReceivedRtp& packet : bob.client->rtp) {
        if (packet.view.ssrc == bob.senders[0].ssrc) {
            media[packet.view.seq] = &packet;
        } else if (packet.view.ssrc != bob.senders[0].rtx_ssrc) {  // which probes
            ASSERT_EQ(packet.view.ssrc, *bob.senders[0].fec_ssrc);
            EXPECT_EQ(packet.view.payload_type, kFlexfecType);
            repair.push_back(&packet);
        }
    }
    ASSERT_EQ(media.size(), 240U);
    ASSERT_GE(repair.size(), 60U);
    for (std::size_t i = 1; i < repair.size(); ++i) {
        EXPECT_EQ(repair[i]->view.seq, static_cast<std::uint16_t>(repair[i - 1]->view.seq + 1));
    }
    // Bursts of three in a row, once in thirty packets: one of each group.
    FlexfecDecoder decoder;
    std::set<std::uint16_t> lost;
    std::size_t index = 0;
    for (const auto& [seq, packet] : media) {
        if (index % 30 >= 27 && index < 230) {
            lost.insert(seq);
        } else {
            decoder.add_media(packet->bytes);
        }
        ++index;
    }
    std::size_t restored = 0;
    for (const ReceivedRtp* packet : repair) {
        if (const auto made = decoder.recover(packet->view.payload)) {
            const std::uint16_t seq = load_be16(&(*made)[2]);
            ASSERT_TRUE(lost.contains(seq));
            EXPECT_EQ(*made, media.at(seq)->bytes);
            lost.erase(seq);
            ++restored;
        }
    }
    EXPECT_EQ(restored, 21U);
    EXPECT_TRUE(lost.empty());
}

TEST_F(Fec, IsNotSentToThoseWhoDidNotTakeIt) {
    const Joined carol = meeting.join_connected("carol", {video_section(Direction::kSend)}, kLine);
    EXPECT_FALSE(carol.senders[0].fec_ssrc.has_value());
    report(0.15, 5);
    frames(20, 4);
    for (const ReceivedRtp& packet : carol.client->rtp) {
        EXPECT_EQ(packet.view.ssrc, carol.senders[0].ssrc);
    }
}

}  // namespace
}  // namespace isthmus::media::testing
