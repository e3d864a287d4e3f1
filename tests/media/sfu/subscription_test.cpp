// How a subscription begins in the middle of a video: with what came since the last key frame,
// where that is recent, and with a request for a new one where it is not.
#include "media/sfu/subscription.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtp_packet.h"
#include "tests/media/sfu/connected_peer.h"

namespace isthmus::media::sfu::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kSmall = 0x1111;
constexpr std::uint32_t kLarge = 0x2222;

MediaSection video(Direction direction) {
    return {.mid = "v",
            .kind = rtp::MediaKind::kVideo,
            .direction = direction,
            .formats = {{.payload_type = 96,
                         .codec = rtp::Codec::kVp8,
                         .clock_hz = 90'000,
                         .fmtp = {},
                         .rtx_payload_type = 97,
                         .nack = true,
                         .pli = true}}};
}

MediaSection simulcast() {
    MediaSection section = video(Direction::kReceive);
    section.ssrcs = {kSmall, kLarge};
    section.encodings = {{.rid = {}, .ssrc = kSmall, .rtx_ssrc = {}},
                         {.rid = {}, .ssrc = kLarge, .rtx_ssrc = {}}};
    return section;
}

struct Frame {
    std::uint16_t seq = 0;
    bool key = false;
    std::uint32_t ssrc = kLarge;
};

// One VP8 packet (RFC 7741) that is a whole frame. Its last two bytes are its number, so that a
// viewer's test does not depend on what was rewritten.
Bytes packet_of(const Frame& frame) {
    Bytes packet(12);
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{0x80 | 96};
    store_be16(&packet[2], frame.seq);
    // Goes on where the number wraps.
    store_be32(&packet[4], static_cast<std::uint32_t>(static_cast<std::int16_t>(frame.seq) * 3000));
    store_be32(&packet[8], frame.ssrc);
    const unsigned width = frame.ssrc == kLarge ? 2 : 1;
    for (const unsigned value :
         {0x10U, frame.key ? 0x10U : 0x11U, 0U, 0U, 0x9DU, 1U, 0x2AU, 0U, width, 0U, width}) {
        packet.push_back(static_cast<std::byte>(value));
    }
    packet.resize(packet.size() + (frame.ssrc == kLarge ? 200 : 20));
    packet.push_back(static_cast<std::byte>(frame.seq >> 8U));
    packet.push_back(static_cast<std::byte>(frame.seq & 0xffU));
    return packet;
}

// A packet at the viewer.
struct Seen {
    std::uint16_t number = 0;  // as its publisher numbered it
    std::uint16_t seq = 0;
    std::uint32_t timestamp = 0;
};

class SubscriptionBegins : public ::testing::Test {
  protected:
    // One frame after another, 33 ms apart; everybody has theirs afterwards.
    void send(const std::vector<Frame>& frames) {
        for (const Frame& frame : frames) {
            alice_->send_rtp(packet_of(frame));
            shared_.batch.flush(*alice_);
            shared_.now += milliseconds(33);
        }
    }

    void send_together(const std::vector<Frame>& frames) {
        std::vector<Bytes> packets;
        std::ranges::transform(frames, std::back_inserter(packets), packet_of);
        alice_->send_rtp_together(packets);
        shared_.batch.flush(*alice_);
    }

    static std::vector<Seen> seen_by(ConnectedPeer& viewer) {
        std::vector<Seen> seen;
        for (const Bytes& bytes : viewer.take_rtp()) {
            const auto packet = rtp::RtpPacketView::parse(bytes).value();
            seen.push_back({.number = load_be16(&packet.payload[packet.payload.size() - 2]),
                            .seq = packet.seq,
                            .timestamp = value_of(packet.timestamp)});
        }
        return seen;
    }

    static std::vector<std::uint16_t> numbers_of(const std::vector<Seen>& seen) {
        std::vector<std::uint16_t> numbers;
        std::ranges::transform(seen, std::back_inserter(numbers), &Seen::number);
        return numbers;
    }

    // Since the last call.
    int key_frames_asked_for() {
        alice_->settle();
        int asked = 0;
        for (const Bytes& compound : alice_->take_rtcp()) {
            auto reader = rtp::RtcpReader::parse(compound).value();
            while (const auto message = reader.next()) {
                asked += std::holds_alternative<rtp::PictureLoss>(*message) ? 1 : 0;
            }
        }
        return asked;
    }

    // Alice publishes, bob watches from the beginning.
    void begin(MediaSection section) {
        alice_ = std::make_unique<ConnectedPeer>(shared_, "alice", std::move(section));
        bob_ = std::make_unique<ConnectedPeer>(shared_, "bob", video(Direction::kSend));
    }

    ConnectedPeer& join_carol() {
        carol_ = std::make_unique<ConnectedPeer>(shared_, "carol", video(Direction::kSend));
        return *carol_;
    }

    PeerSurroundings shared_;
    std::unique_ptr<ConnectedPeer> alice_;
    std::unique_ptr<ConnectedPeer> bob_;
    std::unique_ptr<ConnectedPeer> carol_;
};

TEST_F(SubscriptionBegins, WithAllThatCameSinceTheKeyFrame) {
    begin(video(Direction::kReceive));
    send({{65'530, true}, {65'531}, {65'532}, {65'533, true}, {65'534}, {65'535}, {0}});
    static_cast<void>(key_frames_asked_for());
    ConnectedPeer& carol = join_carol();
    EXPECT_THAT(seen_by(carol), IsEmpty()) << "before the next packet nothing is due";
    send({{1}, {2}});
    const std::vector<Seen> seen = seen_by(carol);
    EXPECT_THAT(numbers_of(seen), ElementsAre(65'533, 65'534, 65'535, 0, 1, 2));
    for (std::size_t i = 1; i < seen.size(); ++i) {
        EXPECT_EQ(seen[i].seq, static_cast<std::uint16_t>(seen[0].seq + i));
        EXPECT_EQ(static_cast<std::uint16_t>((seen[i].timestamp - seen[0].timestamp) / 3000), i);
    }
    EXPECT_EQ(key_frames_asked_for(), 0) << "nobody else is disturbed";
    EXPECT_EQ(carol.subscription().packets, 6U);
    EXPECT_THAT(seen_by(*bob_), SizeIs(9));
}

TEST_F(SubscriptionBegins, WithAKeyFrameOfTheSameBatch) {
    begin(video(Direction::kReceive));
    send({{10, true}, {11}, {12}});
    ConnectedPeer& carol = join_carol();
    send_together({{13, true}, {14}});
    // The newest key frame will do: nothing of the picture before it is needed.
    EXPECT_THAT(numbers_of(seen_by(carol)), ElementsAre(13, 14));
    EXPECT_EQ(carol.subscription().packets, 2U);
}

TEST_F(SubscriptionBegins, WithAGapWhereAPacketIsMissingAndFillsItWhenThatComes) {
    begin(video(Direction::kReceive));
    send({{100, true}, {101}, {103}});
    ConnectedPeer& carol = join_carol();
    send({{104}});
    std::vector<Seen> seen = seen_by(carol);
    ASSERT_THAT(numbers_of(seen), ElementsAre(100, 101, 103, 104));
    EXPECT_EQ(seen[2].seq, static_cast<std::uint16_t>(seen[1].seq + 2)) << "it asks for it again";
    const std::uint16_t missing = static_cast<std::uint16_t>(seen[1].seq + 1);
    send({{102}});
    seen = seen_by(carol);
    ASSERT_THAT(numbers_of(seen), ElementsAre(102));
    EXPECT_EQ(seen[0].seq, missing);
}

TEST_F(SubscriptionBegins, WithARequestWhereTheKeyFrameIsLongAgo) {
    begin(video(Direction::kReceive));
    send({{10, true}});
    for (std::uint16_t seq = 11; seq < 40; ++seq) {
        send({{seq}});
    }
    static_cast<void>(key_frames_asked_for());
    ConnectedPeer& carol = join_carol();
    EXPECT_EQ(key_frames_asked_for(), 1);
    send({{40}, {41}});
    EXPECT_THAT(seen_by(carol), IsEmpty()) << "nothing that cannot be shown";
    EXPECT_TRUE(carol.subscription().waiting_for_key_frame);
    send({{42, true}, {43}});
    EXPECT_THAT(numbers_of(seen_by(carol)), ElementsAre(42, 43));
}

// What broke, found with a browser that subscribed again: nobody watched for two packets, which
// nobody stored, and the gap behind the key frame could never be filled.
TEST_F(SubscriptionBegins, WithTheNextKeyFrameWhereNobodyWatchedSinceTheLast) {
    begin(video(Direction::kReceive));
    send({{10, true}, {11}});
    bob_->leave();
    bob_.reset();
    send({{12}, {13}});
    ConnectedPeer& carol = join_carol();
    send({{14}});
    EXPECT_THAT(seen_by(carol), IsEmpty());
    EXPECT_TRUE(carol.subscription().waiting_for_key_frame);
    send({{15, true}, {16}});
    EXPECT_THAT(numbers_of(seen_by(carol)), ElementsAre(15, 16));
}

// What broke, found by the fuzz target of the worker: the batch in which a viewer caught up had
// the same packets as well, behind one of another encoding, and they were encrypted twice under one
// index.
TEST_F(SubscriptionBegins, WithEachPacketOnceWhereTheBatchHasThemToo) {
    begin(simulcast());
    for (std::uint16_t i = 0; i < 12; ++i) {
        send({{static_cast<std::uint16_t>(500 + i), i == 0, kSmall},
              {static_cast<std::uint16_t>(900 + i), i == 0, kLarge}});
    }
    send({{512, false, kSmall}, {912, true, kLarge}, {913, false, kLarge}});
    ConnectedPeer& carol = join_carol();
    send_together({{513, false, kSmall}, {914, false, kLarge}, {915, false, kLarge}});
    EXPECT_THAT(numbers_of(seen_by(carol)), ElementsAre(912, 913, 914, 915));
    // Her client would have thrown repeated ones away; what was sent is counted here.
    EXPECT_EQ(carol.subscription().packets, 4U);
    send({{916, false, kLarge}});
    EXPECT_THAT(numbers_of(seen_by(carol)), ElementsAre(916));
}

}  // namespace
}  // namespace isthmus::media::sfu::testing
