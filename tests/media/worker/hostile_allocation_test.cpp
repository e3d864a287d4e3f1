// Misbehaviour does not make a worker's memory grow: once the limits are reached, what a hostile
// publisher and a hostile viewer send is answered or dropped without an allocation, but for the
// reports of every second.
//
//     mallory (SSRCs without end, nonsense) --> core --> eve (NACKs and feedback without end)
//
// The clients are taken from a simulated meeting; then the core is called directly, so that only
// its own work is counted.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_writer.h"
#include "tests/media/worker/counted_new.h"
#include "tests/media/worker/meeting.h"
#include "tests/media/worker/raw_rtp.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

// A report is a list that grows to the 16 streams there may be; one a second.
constexpr std::uint64_t kReportsPerSecond = 8;

class DroppingSink final : public transport::DatagramSink {
  public:
    void send(std::span<const transport::OutDatagram> datagrams) override {
        count += datagrams.size();
    }

    std::uint64_t count = 0;
};

class HostileAllocations : public ::testing::Test {
  protected:
    static sfu::MediaSection section(Direction direction) {
        sfu::MediaSection made = video_section(direction);
        made.extensions.set(rtp::ExtensionKind::kDependencyDescriptor, kDescriptorId);
        made.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
        return made;
    }

    // What the core allocates for it. Half a millisecond goes by.
    std::uint64_t deliver_rtp(const rtp::RtpParts& parts, const RawExtensions& extensions = {}) {
        EXPECT_TRUE(mallory.client->ice().send_rtp(make_raw_rtp(parts, extensions)));
        return deliver(mallory);
    }

    std::uint64_t deliver_rtcp(std::span<const std::byte> packet) {
        EXPECT_TRUE(eve.client->ice().send_rtcp(packet));
        return deliver(eve);
    }

    Meeting meeting{95};
    Joined mallory = meeting.join_connected("mallory", {section(Direction::kReceive)});
    Joined eve = meeting.join_connected("eve", {section(Direction::kSend)});
    SeededRandom random{6};
    DroppingSink sink;

  private:
    std::uint64_t deliver(const Joined& from) {
        now_ += std::chrono::microseconds(500);
        transport::Path path = *from.client->ice().selected_path();
        std::swap(path.local, path.remote);
        std::uint64_t spent = run_timers();
        while (const auto datagram = from.client->ice().poll_datagram()) {
            std::vector<std::byte> bytes(datagram->bytes.begin(), datagram->bytes.end());
            const transport::InDatagram in{.path = &path, .bytes = bytes};
            const std::uint64_t before = allocations();
            meeting.core().handle_datagrams(now_, {&in, 1}, sink);
            spent += allocations() - before;
        }
        return spent;
    }

    std::uint64_t run_timers() {
        const std::uint64_t before = allocations();
        for (int i = 0; i < 100 && meeting.core().next_timeout() <= now_; ++i) {
            meeting.core().handle_timeout(now_, sink);
        }
        return allocations() - before;
    }

    Instant now_ = meeting.simulator().now();
};

TEST_F(HostileAllocations, SsrcsBeyondTheLimitTakeNoMemory) {
    std::uint64_t spent = 0;
    for (std::uint32_t ssrc = 1; ssrc <= 11'000; ++ssrc) {
        const std::uint64_t now = deliver_rtp({.ssrc = ssrc, .payload = vp8_payload(true, 1)});
        spent += ssrc > 1'000 ? now : 0;
    }
    EXPECT_LE(spent, 5 * kReportsPerSecond);
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 11'000U - 16);
}

TEST_F(HostileAllocations, NonsenseAndJumpsTakeNoMemory) {
    std::uint64_t spent = 0;
    for (int i = 0; i < 20'000; ++i) {
        rtp::Bytes payload(random.next_u32() % 60);
        random.fill(payload);
        rtp::Bytes descriptor(random.next_u32() % 200);
        random.fill(descriptor);
        const std::uint64_t now = deliver_rtp({.marker = i % 2 == 0,
                                               .seq = static_cast<std::uint16_t>(random.next_u32()),
                                               .timestamp = random.next_u32(),
                                               .ssrc = 1,
                                               .payload = payload},
                                              {.descriptor = descriptor});
        spent += i > 10'000 ? now : 0;
    }
    EXPECT_LE(spent, 5 * kReportsPerSecond);
    EXPECT_GT(meeting.core().stats().rtp_bad_payloads, 5'000U);
}

TEST_F(HostileAllocations, FeedbackWithoutEndTakesNoMemory) {
    std::uint64_t spent = 0;
    std::vector<rtp::ExtendedSeq> wanted;
    for (std::uint32_t i = 0; i < 8'000; ++i) {
        const std::uint64_t media = deliver_rtp({.seq = static_cast<std::uint16_t>(i),
                                                 .timestamp = i * 100,
                                                 .ssrc = 1,
                                                 .payload = vp8_payload(i == 0, 1)});
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        wanted.clear();
        for (std::uint64_t seq = 0; seq < 60; ++seq) {
            wanted.push_back(rtp::make_extended_seq(
                1, static_cast<std::uint16_t>(random.next_u32() % 1000 * 60 + seq)));
        }
        std::ranges::sort(wanted);
        EXPECT_TRUE(writer.nack(1, eve.senders[0].ssrc, wanted));
        EXPECT_TRUE(writer.pli(1, eve.senders[0].ssrc));
        EXPECT_TRUE(writer.remb(1, i % 2 == 0 ? 0 : 20'000'000, {}));
        const std::array<std::int32_t, 6> deltas{-4000, 4, -3, 30'000, 4, 4};
        EXPECT_TRUE(writer.transport_feedback(
            {.sender_ssrc = 1,
             .media_ssrc = eve.senders[0].ssrc,
             .base_seq = static_cast<std::uint16_t>(random.next_u32()),
             .reference_64ms = static_cast<std::int32_t>(random.next_u32() % 0x7f'ffff)},
            deltas));
        const std::uint64_t feedback = deliver_rtcp(writer.bytes());
        spent += i > 4'000 ? media + feedback : 0;
    }
    EXPECT_LE(spent, 4 * kReportsPerSecond);
    EXPECT_GT(meeting.core().stats().nacks_ignored, 100'000U);
    EXPECT_GT(sink.count, 4'000U) << "media goes on";
}

}  // namespace
}  // namespace isthmus::media::testing
