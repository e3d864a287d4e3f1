// Sound with redundancy (RFC 2198):
//
//     alice (Opus, or RED) -- 5 ms --> node -- 5 ms --> bob, who takes RED, and carol, who does not
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/red.h"
#include "media/rtp/rtcp_writer.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

constexpr simulator::LinkConfig kLine{.delay = milliseconds(5)};
constexpr std::uint8_t kRedType = 63;
constexpr std::uint32_t kAlice = 0xA11CE;

sfu::MediaSection red_section(Direction direction) {
    sfu::MediaSection section = audio_section(direction);
    section.formats[0].red_payload_type = kRedType;
    return section;
}

std::vector<std::byte> frame(std::uint32_t number) {
    std::vector<std::byte> payload(40 + number % 7, std::byte{0x55});
    store_be32(payload.data(), number);
    return payload;
}

class Microphone {
  public:
    Microphone(Meeting& meeting, const Joined& publisher)
        : meeting_(meeting), publisher_(publisher) {}

    void plain(int count) {
        for (int i = 0; i < count; ++i) {
            send(kOpusType, frame(number_));
        }
    }

    // Each with the frame before, whose blocks are called `block_type`.
    void red(int count) {
        for (int i = 0; i < count; ++i) {
            const auto before = frame(number_ - 1);
            const rtp::EarlierFrame earlier{.timestamp_offset = 960, .payload = before};
            std::vector<std::byte> payload(600);
            payload.resize(rtp::write_red_prefix(kOpusType, {&earlier, 1}, payload));
            const auto own = frame(number_);
            payload.insert(payload.end(), own.begin(), own.end());
            send(kRedType, payload);
        }
    }

    void lose() { ++number_; }

    void send(std::uint8_t type, std::vector<std::byte> payload) {
        // Numbers and time wrap soon.
        meeting_.send_rtp(publisher_,
                          {.payload_type = type,
                           .seq = static_cast<std::uint16_t>(65530 + number_),
                           .timestamp = 0xFFFFF000U + number_ * 960,
                           .ssrc = kAlice,
                           .mid = "audio",
                           .payload = std::move(payload),
                           .level = rtp::AudioLevel{.minus_dbov = 33, .voice = true}});
        ++number_;
        meeting_.run_for(milliseconds(20));
    }

  private:
    Meeting& meeting_;
    const Joined& publisher_;
    std::uint32_t number_ = 1;
};

void report_loss(Meeting& meeting, const Joined& from, double ratio, int times) {
    for (int i = 0; i < times; ++i) {
        std::array<std::byte, 128> buffer{};
        rtp::RtcpWriter writer(buffer);
        const rtp::ReportBlock block{.ssrc = from.senders[0].ssrc,
                                     .fraction_lost = static_cast<std::uint8_t>(ratio * 256)};
        ASSERT_TRUE(writer.receiver_report(7, {&block, 1}));
        meeting.send_rtcp(from, writer.bytes());
        meeting.run_for(milliseconds(10));
    }
}

std::uint32_t number_of(std::span<const std::byte> frame_bytes) {
    return load_be32(frame_bytes.data());
}

TEST(Red, PublishedRedGoesAsItIsToThoseWhoTakeItAndUnwrappedToOthers) {
    Meeting meeting(31);
    const Joined alice = meeting.join_connected("alice", {red_section(Direction::kReceive)}, kLine);
    const Joined bob = meeting.join_connected("bob", {red_section(Direction::kSend)}, kLine);
    const Joined carol = meeting.join_connected("carol", {audio_section(Direction::kSend)}, kLine);
    Microphone microphone(meeting, alice);
    microphone.red(20);

    ASSERT_EQ(bob.client->rtp.size(), 20U);
    ASSERT_EQ(carol.client->rtp.size(), 20U);
    for (std::uint32_t i = 0; i < 20; ++i) {
        const rtp::RtpPacketView& wrapped = bob.client->rtp[i].view;
        EXPECT_EQ(wrapped.payload_type, kRedType);
        const auto red = rtp::RedPayload::parse(wrapped.payload);
        ASSERT_TRUE(red.has_value());
        EXPECT_TRUE(std::ranges::equal(red->primary, frame(i + 1)));
        EXPECT_TRUE(std::ranges::equal(red->earlier()[0].payload, frame(i)));
        const rtp::RtpPacketView& plain = carol.client->rtp[i].view;
        EXPECT_EQ(plain.payload_type, kOpusType);
        EXPECT_TRUE(std::ranges::equal(plain.payload, frame(i + 1)));
    }
}

TEST(Red, BlocksAreRenamedForAReceiverWithOtherPayloadTypes) {
    Meeting meeting(32);
    const Joined alice = meeting.join_connected("alice", {red_section(Direction::kReceive)}, kLine);
    auto section = red_section(Direction::kSend);
    section.formats[0].payload_type = 109;
    section.formats[0].red_payload_type = 121;
    const Joined bob = meeting.join_connected("bob", {section}, kLine);
    Microphone microphone(meeting, alice);
    microphone.red(5);
    ASSERT_EQ(bob.client->rtp.size(), 5U);
    const rtp::RtpPacketView& packet = bob.client->rtp[4].view;
    EXPECT_EQ(packet.payload_type, 121);
    const auto red = rtp::RedPayload::parse(packet.payload);
    ASSERT_TRUE(red.has_value());
    EXPECT_EQ(red->primary_type, 109);
    EXPECT_EQ(red->earlier()[0].payload_type, 109);
    EXPECT_TRUE(std::ranges::equal(red->primary, frame(5)));
    EXPECT_TRUE(std::ranges::equal(red->earlier()[0].payload, frame(4)));
}

TEST(Red, BrokenRedGoesToNobody) {
    Meeting meeting(33);
    const Joined alice = meeting.join_connected("alice", {red_section(Direction::kReceive)}, kLine);
    const Joined bob = meeting.join_connected("bob", {red_section(Direction::kSend)}, kLine);
    Microphone microphone(meeting, alice);
    microphone.send(kRedType, {std::byte{0xEF}, std::byte{0x0F}, std::byte{0xFF}});
    microphone.send(kRedType, {std::byte{0x01}, std::byte{0x0F}, std::byte{0xFF}});
    EXPECT_TRUE(bob.client->rtp.empty());
    EXPECT_EQ(meeting.core().stats().rtp_bad_payloads, 2U);
    microphone.red(2);
    EXPECT_EQ(bob.client->rtp.size(), 2U);
}

TEST(Red, IsMadeForAReceiverThatLosesPackets) {
    Meeting meeting(34);
    const Joined alice =
        meeting.join_connected("alice", {audio_section(Direction::kReceive)}, kLine);
    const Joined bob = meeting.join_connected("bob", {red_section(Direction::kSend)}, kLine);
    const Joined carol = meeting.join_connected("carol", {red_section(Direction::kSend)}, kLine);
    Microphone microphone(meeting, alice);
    microphone.plain(10);
    for (const ReceivedRtp& packet : bob.client->rtp) {
        EXPECT_EQ(packet.view.payload_type, kOpusType);
    }
    report_loss(meeting, bob, 0.06, 5);
    microphone.plain(10);
    ASSERT_EQ(bob.client->rtp.size(), 20U);
    for (std::uint32_t i = 10; i < 20; ++i) {
        const rtp::RtpPacketView& packet = bob.client->rtp[i].view;
        EXPECT_EQ(packet.payload_type, kRedType);
        const auto red = rtp::RedPayload::parse(packet.payload);
        ASSERT_TRUE(red.has_value());
        ASSERT_EQ(red->earlier().size(), 1U);
        EXPECT_EQ(number_of(red->earlier()[0].payload), i);
        EXPECT_TRUE(std::ranges::equal(red->earlier()[0].payload, frame(i)));
        EXPECT_EQ(red->earlier()[0].timestamp_offset, 960);
        EXPECT_TRUE(std::ranges::equal(red->primary, frame(i + 1)));
        EXPECT_EQ(packet.seq, static_cast<std::uint16_t>(bob.client->rtp[0].view.seq + i));
    }
    report_loss(meeting, bob, 0.30, 5);
    microphone.plain(3);
    const auto two = rtp::RedPayload::parse(bob.client->rtp.back().view.payload);
    ASSERT_TRUE(two.has_value());
    ASSERT_EQ(two->earlier().size(), 2U);
    EXPECT_EQ(two->earlier()[0].timestamp_offset, 1920);
    EXPECT_EQ(number_of(two->earlier()[0].payload) + 2, number_of(two->primary));
    EXPECT_EQ(carol.client->rtp.back().view.payload_type, kOpusType) << "hers arrive";

    report_loss(meeting, bob, 0, 60);
    microphone.plain(1);
    EXPECT_EQ(bob.client->rtp.back().view.payload_type, kOpusType);
}

// A client decrypts what comes in a packet as one frame, before it undoes RED.
TEST(Red, IsNotMadeOfSoundThatIsEncryptedEndToEnd) {
    Meeting meeting(37);
    sfu::MediaSection section = red_section(Direction::kReceive);
    section.encrypted = true;
    const Joined alice = meeting.join_connected("alice", {section}, kLine);
    const Joined bob = meeting.join_connected("bob", {red_section(Direction::kSend)}, kLine);
    Microphone microphone(meeting, alice);
    microphone.plain(10);
    report_loss(meeting, bob, 0.3, 5);
    microphone.plain(20);
    ASSERT_EQ(bob.client->rtp.size(), 30U);
    EXPECT_TRUE(std::ranges::all_of(bob.client->rtp, [](const ReceivedRtp& one) {
        return one.view.payload_type == kOpusType;
    }));
}

TEST(Red, WhatTheNodeNeverGotIsNotRepeated) {
    Meeting meeting(35);
    const Joined alice =
        meeting.join_connected("alice", {audio_section(Direction::kReceive)}, kLine);
    const Joined bob = meeting.join_connected("bob", {red_section(Direction::kSend)}, kLine);
    Microphone microphone(meeting, alice);
    report_loss(meeting, bob, 0.06, 5);
    microphone.plain(3);
    microphone.lose();
    microphone.plain(2);
    ASSERT_EQ(bob.client->rtp.size(), 5U);
    EXPECT_EQ(bob.client->rtp[0].view.payload_type, kOpusType) << "nothing before it";
    EXPECT_EQ(bob.client->rtp[2].view.payload_type, kRedType);
    EXPECT_EQ(bob.client->rtp[3].view.payload_type, kOpusType) << "the one before was lost";
    EXPECT_EQ(bob.client->rtp[4].view.payload_type, kRedType);
}

TEST(Red, IsNotMadeForThoseWhoDidNotTakeIt) {
    Meeting meeting(36);
    const Joined alice =
        meeting.join_connected("alice", {audio_section(Direction::kReceive)}, kLine);
    const Joined bob = meeting.join_connected("bob", {audio_section(Direction::kSend)}, kLine);
    Microphone microphone(meeting, alice);
    microphone.plain(3);
    report_loss(meeting, bob, 0.5, 5);
    microphone.plain(3);
    EXPECT_EQ(bob.client->rtp.back().view.payload_type, kOpusType);
}

}  // namespace
}  // namespace isthmus::media::testing
