// One publishes, others watch:
//
//     alice (Opus, VP8) -- 10 ms --> node -- 10 ms --> bob, carol
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/rtx.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kAliceVideo = 0x11111111;
constexpr std::uint32_t kAliceRtx = 0x11111112;
constexpr std::uint32_t kAliceAudio = 0x22222222;
constexpr std::uint32_t kDaveVideo = 0x33333333;

std::vector<sfu::MediaSection> sections(Direction direction) {
    return {audio_section(direction), video_section(direction)};
}

// Packets of one SSRC in the order of arrival.
std::vector<const ReceivedRtp*> of_ssrc(const Client& client, std::uint32_t ssrc) {
    std::vector<const ReceivedRtp*> found;
    for (const ReceivedRtp& packet : client.rtp) {
        if (packet.view.ssrc == ssrc) {
            found.push_back(&packet);
        }
    }
    return found;
}

template <typename Message>
std::vector<Message> messages(const Client& client) {
    std::vector<Message> found;
    for (const auto& compound : client.rtcp) {
        auto reader = rtp::RtcpReader::parse(compound);
        EXPECT_TRUE(reader.has_value());
        while (const auto message = reader->next()) {
            if (const Message* one = std::get_if<Message>(&*message)) {
                found.push_back(*one);
            }
        }
    }
    return found;
}

const sfu::SenderDescription& sender(const Joined& joined, std::string_view mid) {
    return *std::ranges::find(joined.senders, mid, &sfu::SenderDescription::mid);
}

// Sends VP8 frames of one packet each, 33 ms apart; the first is a key frame.
class Camera {
  public:
    Camera(Meeting& meeting, const Joined& publisher, std::uint32_t ssrc, std::uint16_t seq)
        : meeting_(meeting), publisher_(publisher), ssrc_(ssrc), seq_(seq) {}

    void frames(int count, bool key_first = true) {
        for (int i = 0; i < count; ++i) {
            frame(i == 0 && key_first);
        }
    }

    void frame(bool key) {
        meeting_.send_rtp(publisher_, make(key));
        meeting_.run_for(milliseconds(33));
    }

    // The next frame, not sent: lost on the way.
    RtpToSend make(bool key) {
        RtpToSend packet{.seq = seq_++,
                         .timestamp = timestamp_,
                         .ssrc = ssrc_,
                         .marker = true,
                         .payload = vp8_payload(key, filler_++)};
        timestamp_ += 3000;
        return packet;
    }

    [[nodiscard]] std::uint32_t timestamp() const { return timestamp_; }

  private:
    Meeting& meeting_;
    const Joined& publisher_;
    std::uint32_t ssrc_;
    std::uint16_t seq_;
    std::uint32_t timestamp_ = 0xFFFFF000;  // wraps soon
    std::uint8_t filler_ = 0;
};

TEST(Forwarding, AViewerGetsThePublishersPacketsInItsOwnTerms) {
    Meeting meeting(1);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera camera(meeting, alice, kAliceVideo, 65530);  // wraps after six
    camera.frames(20);
    for (std::uint16_t i = 0; i < 10; ++i) {
        meeting.send_rtp(alice,
                         {.payload_type = kOpusType,
                          .seq = static_cast<std::uint16_t>(32765 + i),
                          .timestamp = 960U * i,
                          .ssrc = kAliceAudio,
                          .mid = "audio",
                          .payload = std::vector<std::byte>(80, std::byte{7})});
    }
    meeting.run_for(milliseconds(50));

    const auto video = of_ssrc(*bob.client, sender(bob, "video").ssrc);
    ASSERT_EQ(video.size(), 20U);
    for (std::size_t i = 0; i < video.size(); ++i) {
        const rtp::RtpPacketView& view = video[i]->view;
        EXPECT_EQ(view.seq, static_cast<std::uint16_t>(video[0]->view.seq + i));
        EXPECT_EQ(rtp::distance(video[0]->view.timestamp, view.timestamp),
                  static_cast<std::int32_t>(3000 * i));
        EXPECT_EQ(view.payload_type, kVp8Type);
        EXPECT_TRUE(view.marker);
        const auto sent = vp8_payload(i == 0, static_cast<std::uint8_t>(i));
        EXPECT_TRUE(std::ranges::equal(view.payload, sent));
    }
    EXPECT_EQ(of_ssrc(*bob.client, sender(bob, "audio").ssrc).size(), 10U);
    EXPECT_EQ(bob.client->rtp.size(), 30U) << "nothing but the two streams";
    EXPECT_EQ(alice.client->rtp.size(), 0U) << "nobody hears himself";
}

TEST(Forwarding, ALateViewerBeginsWithAKeyFrameThatWasAskedFor) {
    Meeting meeting(2);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    Camera camera(meeting, alice, kAliceVideo, 100);
    camera.frames(10);
    EXPECT_TRUE(messages<rtp::PictureLoss>(*alice.client).empty());

    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    camera.frames(3, false);
    EXPECT_TRUE(of_ssrc(*bob.client, sender(bob, "video").ssrc).empty())
        << "delta frames are of no use yet";
    const auto requests = messages<rtp::PictureLoss>(*alice.client);
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].media_ssrc, kAliceVideo);

    camera.frames(4);
    const auto video = of_ssrc(*bob.client, sender(bob, "video").ssrc);
    ASSERT_EQ(video.size(), 4U);
    EXPECT_EQ(video[0]->view.payload[1], std::byte{0x10}) << "the key frame first";
}

TEST(Forwarding, ManyWishesForAKeyFrameBecomeFewRequests) {
    Meeting meeting(3);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    std::vector<Joined> viewers;
    viewers.reserve(8);
    for (int i = 0; i < 8; ++i) {
        viewers.push_back(
            meeting.join_connected("viewer" + std::to_string(i), sections(Direction::kSend)));
    }
    Camera camera(meeting, alice, kAliceVideo, 100);
    camera.frames(30);
    const auto before = messages<rtp::PictureLoss>(*alice.client).size();
    for (const Joined& viewer : viewers) {
        std::array<std::byte, 64> buffer{};
        rtp::RtcpWriter writer(buffer);
        ASSERT_TRUE(writer.pli(1, sender(viewer, "video").ssrc));
        meeting.send_rtcp(viewer, writer.bytes());
    }
    meeting.run_for(milliseconds(200));
    EXPECT_EQ(messages<rtp::PictureLoss>(*alice.client).size(), before + 1);
    EXPECT_EQ(meeting.core().stats().key_frame_requests_received, 8U);
}

TEST(Forwarding, APacketLostOnTheWayInIsAskedForAndFitsIntoItsGap) {
    Meeting meeting(4);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera camera(meeting, alice, kAliceVideo, 65533);
    camera.frames(4);
    const RtpToSend lost = camera.make(false);  // number 1, behind the wrap
    camera.frames(2, false);
    const auto nacks = messages<rtp::Nack>(*alice.client);
    ASSERT_FALSE(nacks.empty());
    EXPECT_EQ(nacks[0].media_ssrc, kAliceVideo);
    std::set<std::uint16_t> asked;
    nacks[0].for_each([&asked](std::uint16_t seq) { asked.insert(seq); });
    EXPECT_EQ(asked, std::set<std::uint16_t>{lost.seq});

    // Alice repeats it on her RTX stream.
    RtpToSend rtx{.payload_type = kVp8RtxType,
                  .seq = 9,
                  .timestamp = lost.timestamp,
                  .ssrc = kAliceRtx,
                  .marker = lost.marker,
                  .payload = std::vector<std::byte>(2 + lost.payload.size())};
    ASSERT_GT(rtp::write_rtx_payload(lost.seq, lost.payload, rtx.payload), 0U);
    meeting.send_rtp(alice, rtx);
    meeting.run_for(milliseconds(50));

    const auto video = of_ssrc(*bob.client, sender(bob, "video").ssrc);
    ASSERT_EQ(video.size(), 7U);
    const auto first = video[0]->view.seq;
    EXPECT_EQ(video[6]->view.seq, static_cast<std::uint16_t>(first + 4)) << "the gap is filled";
    EXPECT_TRUE(std::ranges::equal(video[6]->view.payload, lost.payload));
    EXPECT_EQ(meeting.participant("alice")->tracks[1].streams[0].packets_repaired, 1U);
}

TEST(Forwarding, APacketLostOnTheWayOutIsRepeatedOnRtx) {
    Meeting meeting(5);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera camera(meeting, alice, kAliceVideo, 100);
    camera.frames(5);
    const auto video = of_ssrc(*bob.client, sender(bob, "video").ssrc);
    ASSERT_EQ(video.size(), 5U);
    const std::uint16_t missed = video[3]->view.seq;
    const rtp::RtpTimestamp missed_timestamp = video[3]->view.timestamp;

    std::array<std::byte, 64> buffer{};
    rtp::RtcpWriter writer(buffer);
    const std::array asked{rtp::make_extended_seq(0, missed)};
    ASSERT_TRUE(writer.nack(1, sender(bob, "video").ssrc, asked));
    meeting.send_rtcp(bob, writer.bytes());
    meeting.run_for(milliseconds(50));

    const auto rtx = of_ssrc(*bob.client, *sender(bob, "video").rtx_ssrc);
    ASSERT_EQ(rtx.size(), 1U);
    EXPECT_EQ(rtx[0]->view.payload_type, kVp8RtxType);
    EXPECT_EQ(rtx[0]->view.timestamp, missed_timestamp);
    EXPECT_EQ(load_be16(rtx[0]->view.payload.data()), missed);
    EXPECT_TRUE(std::ranges::equal(rtx[0]->view.payload.subspan(2), vp8_payload(false, 3)));
    // Asked for again at once, it is still on its way.
    meeting.send_rtcp(bob, writer.bytes());
    meeting.run_for(milliseconds(5));
    EXPECT_EQ(of_ssrc(*bob.client, *sender(bob, "video").rtx_ssrc).size(), 1U);
}

TEST(Forwarding, WhenThePublisherLeavesTheNextOneContinuesTheStream) {
    Meeting meeting(6);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined dave = meeting.join_connected("dave", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera alices(meeting, alice, kAliceVideo, 100);
    Camera daves(meeting, dave, kDaveVideo, 40000);
    alices.frames(5);
    daves.frames(5);
    const std::uint32_t ssrc = sender(bob, "video").ssrc;
    ASSERT_EQ(of_ssrc(*bob.client, ssrc).size(), 5U) << "alice was there first";

    meeting.leave(alice.connection);
    // Dave's last key frame is so recent that it may be on its way: the wish waits a little.
    daves.frames(8, false);
    EXPECT_EQ(of_ssrc(*bob.client, ssrc).size(), 5U) << "dave begins with a key frame";
    EXPECT_FALSE(messages<rtp::PictureLoss>(*dave.client).empty());
    daves.frames(3);
    const auto video = of_ssrc(*bob.client, ssrc);
    ASSERT_EQ(video.size(), 8U);
    for (std::size_t i = 1; i < video.size(); ++i) {
        EXPECT_EQ(video[i]->view.seq, static_cast<std::uint16_t>(video[i - 1]->view.seq + 1));
        EXPECT_GT(rtp::distance(video[i - 1]->view.timestamp, video[i]->view.timestamp), 0);
    }
}

TEST(Forwarding, AViewerMayWatchOneParticipantOnly) {
    Meeting meeting(7);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined dave = meeting.join_connected("dave", sections(Direction::kReceive));
    meeting.watch_identity = "dave";
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera alices(meeting, alice, kAliceVideo, 100);
    Camera daves(meeting, dave, kDaveVideo, 200);
    alices.frames(3);
    EXPECT_TRUE(bob.client->rtp.empty());
    daves.frames(3);
    EXPECT_EQ(bob.client->rtp.size(), 3U);
}

TEST(Forwarding, AnotherSsrcOfATrackTakesOverAtItsKeyFrame) {
    Meeting meeting(8);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera first(meeting, alice, kAliceVideo, 100);
    Camera second(meeting, alice, kDaveVideo, 7);
    first.frames(3);
    second.frames(2, false);
    first.frames(1, false);
    EXPECT_EQ(bob.client->rtp.size(), 4U);
    second.frames(3);
    ASSERT_EQ(bob.client->rtp.size(), 7U);
    for (std::size_t i = 1; i < 7; ++i) {
        EXPECT_EQ(bob.client->rtp[i].view.seq,
                  static_cast<std::uint16_t>(bob.client->rtp[i - 1].view.seq + 1));
    }
}

TEST(Forwarding, SenderReportsPutSoundAndPictureOfAPublisherOnOneClock) {
    Meeting meeting(9);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    // Alice's wall clock is wrong by years; both streams' reports are about one moment.
    const rtp::NtpTime alices_now{0x83AA7E80'00000000U};
    const auto report = [&](std::uint32_t ssrc, std::uint32_t timestamp) {
        std::array<std::byte, 128> buffer{};
        rtp::RtcpWriter writer(buffer);
        ASSERT_TRUE(writer.sender_report(
            ssrc, {.ntp = alices_now, .rtp = rtp::RtpTimestamp{timestamp}, .packets = 1}, {}));
        meeting.send_rtcp(alice, writer.bytes());
    };
    meeting.send_rtp(
        alice,
        {.seq = 1, .timestamp = 500'000, .ssrc = kAliceVideo, .payload = vp8_payload(true, 1)});
    meeting.send_rtp(alice,
                     {.payload_type = kOpusType,
                      .seq = 1,
                      .timestamp = 90'000,
                      .ssrc = kAliceAudio,
                      .mid = "audio",
                      .payload = std::vector<std::byte>(50)});
    report(kAliceVideo, 500'000);
    report(kAliceAudio, 90'000);
    meeting.run_for(seconds(3));

    // What a receiver works out: the NTP time of the packets that were captured together.
    const auto captured_at = [&](std::string_view mid, double clock_hz) {
        const std::uint32_t ssrc = sender(bob, mid).ssrc;
        const auto packet = of_ssrc(*bob.client, ssrc).at(0)->view.timestamp;
        for (const auto& sr : messages<rtp::SenderReport>(*bob.client)) {
            if (sr.ssrc == ssrc) {
                const double ticks = rtp::distance(packet, sr.info.rtp);
                return static_cast<double>(sr.info.ntp.value) / 4294967296.0 - ticks / clock_hz;
            }
        }
        ADD_FAILURE() << "no report for " << mid;
        return 0.0;
    };
    EXPECT_NEAR(captured_at("video", 90'000), captured_at("audio", 48'000), 0.001);
}

TEST(Forwarding, TheReceiversReportsShowInTheStatistics) {
    Meeting meeting(10);
    const Joined alice = meeting.join_connected("alice", sections(Direction::kReceive));
    const Joined bob = meeting.join_connected("bob", sections(Direction::kSend));
    Camera camera(meeting, alice, kAliceVideo, 100);
    camera.frames(3);
    std::array<std::byte, 128> buffer{};
    rtp::RtcpWriter writer(buffer);
    const rtp::ReportBlock block{
        .ssrc = sender(bob, "video").ssrc, .fraction_lost = 64, .jitter = 900};
    ASSERT_TRUE(writer.receiver_report(7, {&block, 1}));
    meeting.send_rtcp(bob, writer.bytes());
    meeting.run_for(milliseconds(50));
    const auto subscription = meeting.participant("bob")->subscriptions.at(1);
    EXPECT_DOUBLE_EQ(subscription.loss_ratio, 0.25);
    EXPECT_DOUBLE_EQ(subscription.jitter_seconds, 0.01);
    EXPECT_EQ(subscription.packets, 3U);
}

TEST(Forwarding, ThePublisherHearsHowItsPacketsArrive) {
    Meeting meeting(11);
    auto with_twcc = sections(Direction::kReceive);
    const Joined alice = meeting.join_connected("alice", with_twcc);
    Camera camera(meeting, alice, kAliceVideo, 100);
    camera.frames(5);
    static_cast<void>(camera.make(false));
    camera.frames(60, false);
    const auto reports = messages<rtp::ReceiverReport>(*alice.client);
    ASSERT_FALSE(reports.empty());
    std::int32_t lost = 0;
    for (const auto& report : reports) {
        for (const rtp::ReportBlock block : report.blocks) {
            lost = std::max(lost, block.cumulative_lost);
        }
    }
    EXPECT_EQ(lost, 1);
}

}  // namespace
}  // namespace isthmus::media::testing
