#include "tests/media/worker/innocents.h"

#include <utility>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/rtcp_reader.h"

namespace isthmus::media::testing {
namespace {

constexpr std::uint32_t kAliceSsrc = 0xA11CE;
constexpr std::size_t kPacketBytes = 500;

std::vector<std::byte> payload_of(std::uint32_t number, bool key_frame, bool first) {
    std::vector<std::byte> payload = vp8_payload(key_frame, static_cast<std::uint8_t>(number));
    if (!first) {
        payload[0] = std::byte{0x00};  // goes on with the partition
    }
    payload.resize(kPacketBytes, std::byte{0x5a});
    store_be32(&payload[kPacketBytes - 4], number);
    return payload;
}

}  // namespace

Joined join_watching(Meeting& meeting,
                     const std::string& identity,
                     const std::string& watched,
                     std::vector<sfu::MediaSection> sections) {
    const std::string before = std::exchange(meeting.watch_identity, watched);
    Joined joined = meeting.join_connected(identity, std::move(sections));
    meeting.watch_identity = before;
    return joined;
}

Innocents::Innocents(Meeting& meeting)
    : meeting_(meeting),
      alice_(meeting.join_connected("alice", {video_section(sfu::Direction::kReceive)})),
      bob_(join_watching(meeting, "bob", "alice", {video_section(sfu::Direction::kSend)})) {}

void Innocents::frames(int count, const std::function<void()>& meanwhile) {
    for (int i = 0; i < count; ++i) {
        send_frame();
        meanwhile();
        meeting_.run_for(kFrame);
        late_frames_ += bob_.client->rtp.size() != sent_ ? 1 : 0;
        read_requests();
    }
}

void Innocents::send_frame() {
    const bool key_frame = std::exchange(key_frame_, false);
    for (int i = 0; i < kPackets; ++i) {
        meeting_.send_rtp(alice_,
                          {.seq = seq_++,
                           .timestamp = static_cast<std::uint32_t>(frames_) * 2970U,
                           .ssrc = kAliceSsrc,
                           .marker = i + 1 == kPackets,
                           .payload = payload_of(sent_++, key_frame, i == 0)});
    }
    ++frames_;
}

void Innocents::read_requests() {
    for (; rtcp_read_ < alice_.client->rtcp.size(); ++rtcp_read_) {
        auto reader = rtp::RtcpReader::parse(alice_.client->rtcp[rtcp_read_]);
        while (const auto message = reader ? reader->next() : std::nullopt) {
            const bool wanted = std::holds_alternative<rtp::PictureLoss>(*message) ||
                                std::holds_alternative<rtp::FullIntraRequest>(*message);
            asked_ += wanted ? 1 : 0;
            key_frame_ = key_frame_ || wanted;
        }
    }
}

void Innocents::expect_unharmed() const {
    EXPECT_EQ(late_frames_, 0) << "of " << frames_;
    const std::vector<ReceivedRtp>& received = bob_.client->rtp;
    ASSERT_EQ(received.size(), sent_);
    for (std::uint32_t i = 0; i < sent_; ++i) {
        const rtp::RtpPacketView& view = received[i].view;
        ASSERT_EQ(view.seq, static_cast<std::uint16_t>(received[0].view.seq + i));
        ASSERT_EQ(view.payload.size(), kPacketBytes);
        ASSERT_EQ(load_be32(&view.payload[kPacketBytes - 4]), i);
        ASSERT_EQ(view.marker, i % kPackets == kPackets - 1);
        const std::uint32_t after = value_of(view.timestamp) - value_of(received[0].view.timestamp);
        ASSERT_EQ(after, i / kPackets * 2970U);
    }
}

}  // namespace isthmus::media::testing
