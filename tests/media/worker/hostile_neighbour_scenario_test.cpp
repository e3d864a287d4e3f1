// Two publishers on one viewer's line, one of them a flood. The viewer's bandwidth is measured, so
// that all that she is sent goes through one pacer:
//
//     alice (VP8, 360 kbit/s) --> node -- 3 Mbit/s --> zoe
//     mallory (VP8, 20 Mbit/s) -+
#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "media/rtp/header_extensions.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/twcc_feedback.h"
#include "tests/media/worker/innocents.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

sfu::MediaSection measured_section(const std::string& mid) {
    sfu::MediaSection section = video_section(Direction::kSend);
    section.mid = mid;
    section.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    return section;
}

// Watches two, and says when each packet arrived.
class MeasuredViewer {
  public:
    MeasuredViewer(Meeting& meeting, const simulator::LinkConfig& line)
        : joined(meeting.join_connected(
              "zoe", {measured_section("video"), measured_section("more")}, line)),
          meeting_(meeting),
          extensions_(measured_section("video").extensions) {}

    void report() {
        for (; read_ < joined.client->rtp.size(); ++read_) {
            const ReceivedRtp& packet = joined.client->rtp[read_];
            if (const auto seq = extensions_.parse(packet.view).transport_sequence) {
                twcc_.on_packet(packet.at, *seq);
            }
        }
        twcc_.handle_timeout(meeting_.simulator().now());
        while (twcc_.pending()) {
            std::array<std::byte, 1200> buffer{};
            rtp::RtcpWriter writer(buffer);
            ASSERT_TRUE(twcc_.write_feedback(writer, 1, joined.senders[0].ssrc));
            meeting_.send_rtcp(joined, writer.bytes());
        }
    }

    Joined joined;

  private:
    Meeting& meeting_;
    rtp::HeaderExtensionParser extensions_;
    rtp::TwccFeedback twcc_;
    std::size_t read_ = 0;
};

TEST(HostileNeighbour, AFloodDoesNotPushOthersOutOfOnePacer) {
    Meeting meeting(91);
    Innocents innocents(meeting);
    MeasuredViewer zoe(meeting, {.rate_bps = 3'000'000});
    innocents.frames(150, [&] { zoe.report(); });
    const std::uint32_t alices = zoe.joined.senders[0].ssrc;
    const auto of_alice = [&] {
        return std::ranges::count_if(zoe.joined.client->rtp, [&](const ReceivedRtp& packet) {
            return packet.view.ssrc == alices;
        });
    };
    const Joined mallory = meeting.join_connected("mallory", {video_section(Direction::kReceive)});
    RtpToSend packet{.ssrc = 7, .payload = vp8_payload(true, 1)};
    packet.payload.resize(1100);
    const auto flood = [&] {
        packet.timestamp += 2970;
        for (int i = 0; i < 75; ++i, ++packet.seq) {
            meeting.send_rtp(mallory, packet);
        }
        zoe.report();
    };
    // Until it is known what mallory costs, her packets crowd the line.
    innocents.frames(60, flood);
    const auto crowded = of_alice();
    EXPECT_GE(crowded, 3 * (150 + 60) * 9 / 10);
    innocents.frames(240, flood);
    EXPECT_GE(of_alice() - crowded, 3 * 240 - 3) << "the last may be on its way";
    const auto info = meeting.participant("zoe");
    EXPECT_TRUE(info->subscriptions[0].target.has_value());
    EXPECT_FALSE(info->subscriptions[1].target.has_value()) << "does not fit, and is paused";
    EXPECT_GT(info->downlink.paced, 0U);
    EXPECT_LT(meeting.core().stats().pacer_dropped_expired, 1'000U);
    innocents.expect_unharmed();
}

}  // namespace
}  // namespace isthmus::media::testing
