// A receiver that abuses its feedback. What it does to itself is its own affair; the work for it
// stays bounded and is counted, the publisher is not bothered, and the others notice nothing:
//
//     alice (VP8) --> node --> bob
//                         +--> mallory, who NACKs, reports, and asks without end
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/rtcp_types.h"
#include "media/rtp/rtcp_writer.h"
#include "tests/media/worker/innocents.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kMallory = 0xBADBAD;

double seconds_of(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// One RTCP packet, written by hand: what no writer of ours would.
Bytes rtcp_packet(std::uint8_t format, std::uint8_t type, std::span<const std::uint16_t> words) {
    Bytes bytes(4 + words.size() * 2);
    bytes[0] = static_cast<std::byte>(0x80U | format);
    bytes[1] = static_cast<std::byte>(type);
    for (std::size_t i = 0; i < words.size(); ++i) {
        store_be16(&bytes[4 + i * 2], words[i]);
    }
    bytes.resize((bytes.size() + 3) / 4 * 4);
    store_be16(&bytes[2], static_cast<std::uint16_t>(bytes.size() / 4 - 1));
    return bytes;
}

std::vector<std::uint16_t> ssrcs(std::uint32_t sender, std::uint32_t media) {
    return {static_cast<std::uint16_t>(sender >> 16U),
            static_cast<std::uint16_t>(sender),
            static_cast<std::uint16_t>(media >> 16U),
            static_cast<std::uint16_t>(media)};
}

// Asks for 300 * 17 numbers from `first` on.
Bytes nack_of_everything(std::uint32_t media, std::uint16_t first) {
    std::vector<std::uint16_t> words = ssrcs(kMallory, media);
    for (int i = 0; i < 300; ++i) {
        words.push_back(first);
        words.push_back(0xffff);
        first = static_cast<std::uint16_t>(first + 17);
    }
    return rtcp_packet(rtp::rtcp::kGenericNack, rtp::rtcp::kTransportLayerFeedback, words);
}

struct Feedback {
    std::uint16_t base = 0;
    std::uint16_t count = 0;
    std::int32_t reference_64ms = 0;
    std::vector<std::uint16_t> chunks_and_deltas;
};

Bytes transport_feedback(std::uint32_t media, const Feedback& feedback) {
    std::vector<std::uint16_t> words = ssrcs(kMallory, media);
    const auto reference = static_cast<std::uint32_t>(feedback.reference_64ms);
    words.insert(words.end(),
                 {feedback.base,
                  feedback.count,
                  static_cast<std::uint16_t>(reference >> 8U),
                  static_cast<std::uint16_t>(reference << 8U)});
    words.insert(words.end(), feedback.chunks_and_deltas.begin(), feedback.chunks_and_deltas.end());
    return rtcp_packet(
        rtp::rtcp::kTransportWideFeedback, rtp::rtcp::kTransportLayerFeedback, words);
}

sfu::MediaSection measured_section() {
    sfu::MediaSection section = video_section(Direction::kSend);
    section.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    return section;
}

class HostileReceiver : public ::testing::Test {
  protected:
    Joined join_mallory(const sfu::MediaSection& section) {
        return join_watching(meeting, "mallory", "alice", {section});
    }

    void send(const Joined& from, const Bytes& packet, int times = 1) {
        for (int i = 0; i < times; ++i) {
            meeting.send_rtcp(from, packet);
        }
    }

    static std::size_t repeated_bytes(const Joined& viewer) {
        std::size_t bytes = 0;
        for (const ReceivedRtp& packet : viewer.client->rtp) {
            bytes +=
                packet.view.ssrc == viewer.senders[0].rtx_ssrc ? packet.view.payload.size() : 0;
        }
        return bytes;
    }

    [[nodiscard]] sfu::DownlinkInfo downlink() { return meeting.participant("mallory")->downlink; }

    Meeting meeting{61};
    Innocents innocents{meeting};
};

TEST_F(HostileReceiver, NacksOfAllThatCameAreAnsweredWithinTheLimits) {
    const Joined mallory = join_mallory(video_section(Direction::kSend));
    const std::uint32_t ssrc = mallory.senders[0].ssrc;
    // What came in the last second, 30 times a second.
    innocents.frames(120, [&] {
        std::vector<rtp::ExtendedSeq> came;
        for (const ReceivedRtp& packet : mallory.client->rtp) {
            if (packet.view.ssrc == ssrc) {
                came.push_back(rtp::make_extended_seq(1, packet.view.seq));
            }
        }
        came.erase(came.begin(), came.end() - std::min<std::ptrdiff_t>(std::ssize(came), 90));
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        if (!came.empty()) {
            ASSERT_TRUE(writer.nack(kMallory, ssrc, came));
            meeting.send_rtcp(mallory, writer.bytes());
        }
    });
    innocents.expect_unharmed();
    const double seconds = seconds_of(innocents.elapsed());
    const std::size_t bytes = repeated_bytes(mallory);
    EXPECT_GT(bytes, 500'000U) << "what is within the limits is sent";
    EXPECT_LT(static_cast<double>(bytes), 250'000 * (seconds + 1) * 1.01);
    const sfu::SubscriptionInfo info = meeting.participant("mallory")->subscriptions[0];
    EXPECT_EQ(info.nacks, info.retransmissions + info.nacks_unanswered);
    EXPECT_GT(info.nacks_unanswered, 1'000U);
    EXPECT_EQ(info.nacks_ignored, 0U);
}

TEST_F(HostileReceiver, NacksOfAllNumbersThereAreCostFewSearches) {
    const Joined mallory = join_mallory(video_section(Direction::kSend));
    const std::uint32_t ssrc = mallory.senders[0].ssrc;
    innocents.frames(120, [&] {
        for (unsigned first = 0; first < 0x10000; first += 300 * 17) {
            send(mallory, nack_of_everything(ssrc, static_cast<std::uint16_t>(first)));
        }
    });
    innocents.expect_unharmed();
    const double seconds = seconds_of(innocents.elapsed());
    EXPECT_LT(static_cast<double>(repeated_bytes(mallory)), 250'000 * (seconds + 1) * 1.01);
    const sfu::SubscriptionInfo info = meeting.participant("mallory")->subscriptions[0];
    EXPECT_GE(info.nacks, 120U * 0x10000);
    EXPECT_EQ(info.nacks, info.retransmissions + info.nacks_unanswered);
    EXPECT_LE(static_cast<double>(info.nacks - info.nacks_ignored), 5'000 * (seconds + 1));
    EXPECT_EQ(meeting.core().stats().nacks_ignored, info.nacks_ignored);
}

TEST_F(HostileReceiver, FeedbackOnWhatWasNeverSentIsRefused) {
    const Joined mallory = join_mallory(measured_section());
    const std::uint32_t ssrc = mallory.senders[0].ssrc;
    // 65535 packets that did not arrive, in nine chunks.
    const Bytes huge = transport_feedback(
        ssrc, {.count = 0xffff, .chunks_and_deltas = std::vector<std::uint16_t>(9, 0x1fff)});
    // 60000 statuses in one chunk of seven.
    const Bytes truncated =
        transport_feedback(ssrc, {.count = 60'000, .chunks_and_deltas = {0xc000, 0}});
    const Bytes no_chunks = transport_feedback(ssrc, {.count = 100, .chunks_and_deltas = {}});
    std::uint16_t base = 0;
    innocents.frames(120, [&] {
        send(mallory, huge, 20);
        send(mallory, truncated, 5);
        send(mallory, no_chunks, 5);
        // Seven that "arrived", far from all that was sent.
        send(mallory,
             transport_feedback(ssrc,
                                {.base = static_cast<std::uint16_t>(base++ + 30'000),
                                 .count = 7,
                                 .chunks_and_deltas = {0x2007, 0x0404, 0x0404, 0x0404, 0x0400}}));
    });
    innocents.expect_unharmed();
    const sfu::DownlinkInfo info = downlink();
    EXPECT_TRUE(info.measured);
    EXPECT_GE(info.feedback_refused, 120U * 20 - 1);
    EXPECT_GT(info.feedback_unknown, 0U);
    EXPECT_GE(meeting.core().stats().rtcp_malformed, 120U * 10);
    EXPECT_EQ(info.throughput_bps, std::nullopt) << "nothing of it was believed";
    EXPECT_GE(mallory.client->rtp.size(), 3U * 100) << "media goes on";
}

TEST_F(HostileReceiver, FeedbackToldAgainOrInImpossibleTimeIsSurvived) {
    const Joined mallory = join_mallory(measured_section());
    const std::uint32_t ssrc = mallory.senders[0].ssrc;
    SeededRandom random(5);
    std::uint16_t base = 0;
    innocents.frames(300, [&] {
        // The three packets of the frame before, each -8.2 s after the one before it.
        const Bytes backwards =
            transport_feedback(ssrc,
                               {.base = base,
                                .count = 3,
                                .reference_64ms = static_cast<std::int32_t>(random.next_u32()),
                                .chunks_and_deltas = {0x4003, 0x8000, 0x8000, 0x8000}});
        send(mallory, backwards, 4);
        // And +8.2 s.
        send(mallory,
             transport_feedback(ssrc,
                                {.base = base,
                                 .count = 3,
                                 .reference_64ms = static_cast<std::int32_t>(random.next_u32()),
                                 .chunks_and_deltas = {0x4003, 0x7fff, 0x7fff, 0x7fff}}));
        base = static_cast<std::uint16_t>(base + 3);
    });
    innocents.expect_unharmed();
    const sfu::DownlinkInfo info = downlink();
    EXPECT_GT(info.feedback_repeated + info.feedback_refused, 300U);
    EXPECT_GT(info.target_bps, 0);
    EXPECT_LT(info.target_bps, 1e9);
    EXPECT_LE(info.layer_choices, 50 * seconds_of(innocents.elapsed()) + 2);
    EXPECT_LT(info.padding_packets, mallory.client->rtp.size() / 2 + 200);
}

TEST_F(HostileReceiver, RembOfNothingAndOfEverythingIsTakenForWhatItCanMean) {
    const Joined mallory = join_watching(
        meeting, "mallory", "", {audio_section(Direction::kSend), video_section(Direction::kSend)});
    // Loud enough that even the least estimate is less than what has to be sent.
    const Joined carol = meeting.join_connected("carol", {audio_section(Direction::kReceive)});
    std::uint16_t spoken = 0;
    const auto speak = [&] {
        meeting.send_rtp(carol,
                         {.payload_type = kOpusType,
                          .seq = spoken,
                          .timestamp = spoken * 1584U,
                          .ssrc = 9,
                          .mid = "audio",
                          .payload = Bytes(1000)});
        ++spoken;
    };
    const auto remb = [](std::uint64_t bps) {
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        while (writer.remb(kMallory, bps, {})) {
        }
        return Bytes(writer.bytes().begin(), writer.bytes().end());
    };
    innocents.frames(60, [&] {
        speak();
        send(mallory, remb(0), 10);
    });
    const sfu::DownlinkInfo starved = downlink();
    EXPECT_TRUE(starved.measured);
    EXPECT_GT(starved.target_bps, 0);
    EXPECT_LE(starved.layer_choices, 50 * seconds_of(innocents.elapsed()) + 2)
        << "600 messages a frame, each less than is used";
    innocents.frames(60, [&] {
        speak();
        send(mallory, remb(std::uint64_t{1} << 63U));
    });
    EXPECT_GT(downlink().target_bps, starved.target_bps) << "not taken for a negative number";
    innocents.expect_unharmed();
    EXPECT_GE(std::ranges::count_if(mallory.client->rtp,
                                    [&](const ReceivedRtp& packet) {
                                        return packet.view.ssrc == mallory.senders[0].ssrc;
                                    }),
              spoken - 2)
        << "sound is never held back";
}

TEST_F(HostileReceiver, Rfc8888FeedbackThatNobodyAskedForChangesNothing) {
    const Joined mallory = join_mallory(measured_section());
    std::array<std::byte, 1200> buffer{};
    rtp::RtcpWriter writer(buffer);
    const std::vector<rtp::PacketMetric> lost(400);
    const rtp::RtcpWriter::StreamMetrics metrics{
        .ssrc = mallory.senders[0].ssrc, .begin_seq = 65'000, .packets = lost};
    ASSERT_TRUE(writer.congestion_feedback(kMallory, 0xffff'ffff, {&metrics, 1}));
    const Bytes packet(writer.bytes().begin(), writer.bytes().end());
    innocents.frames(60, [&] { send(mallory, packet, 20); });
    innocents.expect_unharmed();
    EXPECT_EQ(downlink().loss_ratio, 0);
    EXPECT_EQ(meeting.core().stats().rtcp_malformed, 0U);
}

TEST_F(HostileReceiver, PliAndFirFloodsReachThePublisherAsAFewRequests) {
    const Joined mallory = join_mallory(video_section(Direction::kSend));
    const std::uint32_t ssrc = mallory.senders[0].ssrc;
    std::array<std::byte, 1200> buffer{};
    rtp::RtcpWriter writer(buffer);
    std::vector<rtp::FirItem> items(60);
    for (std::size_t i = 0; i < items.size(); ++i) {
        items[i] = {.ssrc = ssrc, .command = static_cast<std::uint8_t>(i)};
    }
    ASSERT_TRUE(writer.fir(kMallory, items));
    while (writer.pli(kMallory, ssrc)) {
    }
    const Bytes flood(writer.bytes().begin(), writer.bytes().end());
    innocents.frames(150, [&] { send(mallory, flood, 10); });
    innocents.expect_unharmed();
    const sfu::WorkerStats stats = meeting.core().stats();
    EXPECT_GT(stats.key_frame_requests_received, 150U * 10 * 100);
    // Ten at once, and one every two seconds; alice answers each.
    EXPECT_LE(static_cast<double>(innocents.asked()), seconds_of(innocents.elapsed()) / 2 + 12);
    EXPECT_GE(stats.key_frame_requests_ignored, stats.key_frame_requests_received - 20);
    EXPECT_EQ(stats.key_frame_requests_sent, innocents.asked());
}

}  // namespace
}  // namespace isthmus::media::testing
