// A worker that forwards allocates nothing, once its caches have grown for some seconds: video in
// frames of several packets and audio, to several viewers; what they ask for again; their reports
// and feedback. Its own reports may cost a little.
//
//     alice (VP8 8 packets a frame, Opus) --> core --> five viewers
//
// The clients are taken from a simulated meeting; then the core is called directly, so that only
// its own work is counted.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/rtcp_writer.h"
#include "tests/media/worker/counted_new.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

constexpr std::uint32_t kVideoSsrc = 0x11111111;
constexpr std::uint32_t kAudioSsrc = 0x22222222;
constexpr int kFramePackets = 8;

// Notes what went to the first viewer, and allocates nothing.
class NotingSink final : public transport::DatagramSink {
  public:
    void send(std::span<const transport::OutDatagram> datagrams) override {
        for (const transport::OutDatagram& one : datagrams) {
            ++count;
            if (one.bytes.size() > 12 && load_be32(one.bytes.data() + 8) == watched_ssrc) {
                latest_seq = load_be16(one.bytes.data() + 2);
                ++watched;
            }
            if (one.bytes.size() > 12 && load_be32(one.bytes.data() + 8) == watched_rtx_ssrc) {
                ++retransmitted;
            }
        }
    }

    std::uint32_t watched_ssrc = 0;
    std::uint32_t watched_rtx_ssrc = 0;
    std::uint16_t latest_seq = 0;
    std::uint64_t count = 0;
    std::uint64_t watched = 0;
    std::uint64_t retransmitted = 0;
};

rtp::ExtensionIds extension_ids() {
    rtp::ExtensionIds ids = video_section(Direction::kSend).extensions;
    ids.set(rtp::ExtensionKind::kTransportSequence, 5);
    ids.set(rtp::ExtensionKind::kAbsSendTime, 6);
    return ids;
}

std::vector<sfu::MediaSection> sections(Direction direction) {
    std::vector<sfu::MediaSection> both{audio_section(direction), video_section(direction)};
    for (sfu::MediaSection& section : both) {
        section.extensions = extension_ids();
    }
    return both;
}

// What the core allocated, by what it was doing.
struct Tally {
    std::uint64_t media = 0;
    std::uint64_t rtcp = 0;
    std::uint64_t timers = 0;
};

class Stage {
  public:
    Stage() {
        for (int i = 0; i < 5; ++i) {
            viewers_.push_back(std::make_unique<Joined>(
                meeting_.join_connected("viewer" + std::to_string(i), sections(Direction::kSend))));
        }
        for (const sfu::SenderDescription& sender : viewers_[0]->senders) {
            if (sender.mid == "video") {
                sink.watched_ssrc = sender.ssrc;
                sink.watched_rtx_ssrc = sender.rtx_ssrc.value_or(0);
            }
        }
        now_ = meeting_.simulator().now();
    }

    // One frame interval: media, what the viewers say, and the timers that come due.
    void step(Tally& tally) {
        now_ += milliseconds(33);
        run_timers(tally);
        // Every so often a packet is lost on the way to us.
        make_video(frames_ % 20 == 7 ? 3 : -1);
        make_audio();
        tally.media += deliver(*alice_);
        if (frames_ % 3 == 0) {
            for (const auto& viewer : viewers_) {
                make_viewer_rtcp(*viewer);
                tally.rtcp += deliver(*viewer);
            }
        }
        ++frames_;
    }

    NotingSink sink;

  private:
    void run_timers(Tally& tally) {
        WorkerCore& core = meeting_.core();
        for (int i = 0; i < 1000 && core.next_timeout() <= now_; ++i) {
            const Instant due = std::max(core.next_timeout(), now_ - milliseconds(33));
            const std::uint64_t before = allocations();
            core.handle_timeout(due, sink);
            tally.timers += allocations() - before;
        }
        while (core.poll_gone()) {
            ADD_FAILURE() << "a client went";
        }
    }

    // Returns what was allocated meanwhile. Drops what the client could not read anyway.
    std::uint64_t deliver(const Joined& from) {
        transport::Path path = *from.client->ice().selected_path();
        std::swap(path.local, path.remote);
        std::vector<transport::InDatagram> batch;
        batch.reserve(outgoing_.size());
        for (std::vector<std::byte>& bytes : outgoing_) {
            batch.push_back({.path = &path, .bytes = bytes});
        }
        const std::uint64_t before = allocations();
        meeting_.core().handle_datagrams(now_, batch, sink);
        const std::uint64_t spent = allocations() - before;
        outgoing_.clear();
        return spent;
    }

    void take_outgoing(const Joined& from) {
        while (const auto datagram = from.client->ice().poll_datagram()) {
            outgoing_.emplace_back(datagram->bytes.begin(), datagram->bytes.end());
        }
    }

    void send(const rtp::RtpHeaderFields& fields,
              const std::string& mid,
              std::span<const std::byte> payload,
              const rtp::HeaderExtensions& extensions,
              bool lost) {
        const rtp::RtpHeaderWriter writer(extension_ids(), mid);
        std::vector<std::byte> packet(rtp::kRtpHeaderBytesMax);
        packet.resize(writer.write(fields, {}, extensions, packet));
        packet.insert(packet.end(), payload.begin(), payload.end());
        ASSERT_TRUE(alice_->client->ice().send_rtp(packet));
        take_outgoing(*alice_);
        if (lost) {
            outgoing_.pop_back();
        }
    }

    void make_video(int lost) {
        for (int i = 0; i < kFramePackets; ++i) {
            std::vector<std::byte> payload = vp8_payload(frames_ == 0 && i == 0, 1);
            payload.resize(static_cast<std::size_t>(1100 + i % 3));
            send({.payload_type = kVp8Type,
                  .marker = i + 1 == kFramePackets,
                  .seq = video_seq_++,
                  .timestamp = rtp::RtpTimestamp{3000 * frames_},
                  .ssrc = kVideoSsrc,
                  .transport_sequence = transport_seq_++},
                 "video",
                 payload,
                 {},
                 i == lost);
        }
    }

    void make_audio() {
        send({.payload_type = kOpusType,
              .seq = static_cast<std::uint16_t>(frames_),
              .timestamp = rtp::RtpTimestamp{1584 * frames_},
              .ssrc = kAudioSsrc,
              .transport_sequence = transport_seq_++},
             "audio",
             std::vector<std::byte>(80),
             {.audio_level = rtp::AudioLevel{.minus_dbov = 20, .voice = true}},
             false);
    }

    // A report, feedback, and a NACK that is answered.
    void make_viewer_rtcp(const Joined& viewer) {
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        const auto& video =
            *std::ranges::find(viewer.senders, "video", &sfu::SenderDescription::mid);
        const rtp::ReportBlock block{.ssrc = video.ssrc};
        EXPECT_TRUE(writer.receiver_report(1, {&block, 1}));
        const std::array<std::int32_t, 6> deltas{4, 4, rtp::RtcpWriter::kNotReceived, 4, 4, 4};
        EXPECT_TRUE(
            writer.transport_feedback({.sender_ssrc = 1,
                                       .media_ssrc = video.ssrc,
                                       .base_seq = static_cast<std::uint16_t>(feedback_base_),
                                       .reference_64ms = static_cast<std::int32_t>(frames_ / 2)},
                                      deltas));
        if (viewer.connection.value == viewers_[0]->connection.value && sink.watched > 20) {
            const rtp::ExtendedSeq wanted =
                rtp::make_extended_seq(1, static_cast<std::uint16_t>(sink.latest_seq - 3));
            EXPECT_TRUE(writer.nack(1, video.ssrc, {&wanted, 1}));
            feedback_base_ += 6;
        }
        ASSERT_TRUE(viewer.client->ice().send_rtcp(writer.bytes()));
        take_outgoing(viewer);
    }

    Meeting meeting_{1};
    std::unique_ptr<Joined> alice_ =
        std::make_unique<Joined>(meeting_.join_connected("alice", sections(Direction::kReceive)));
    std::vector<std::unique_ptr<Joined>> viewers_;
    std::vector<std::vector<std::byte>> outgoing_;
    Instant now_{};
    std::uint32_t frames_ = 0;
    std::uint16_t video_seq_ = 65000;  // wraps soon
    std::uint16_t transport_seq_ = 65500;
    std::uint32_t feedback_base_ = 0;
};

TEST(Allocations, ForwardingAllocatesNothing) {
    ASSERT_TRUE(counts_openssl());
    const std::uint64_t before = allocations();
    ::operator delete(::operator new(1));
    ASSERT_EQ(allocations(), before + 1) << "the count counts";

    Stage stage;
    Tally warming_up;
    for (int i = 0; i < 300; ++i) {
        stage.step(warming_up);
    }
    const std::uint64_t sent_before = stage.sink.count;
    const std::uint64_t retransmitted_before = stage.sink.retransmitted;
    Tally tally;
    for (int i = 0; i < 600; ++i) {
        stage.step(tally);
    }
    EXPECT_GT(stage.sink.count - sent_before, 600 * 5 * (kFramePackets - 1));
    EXPECT_GT(stage.sink.retransmitted - retransmitted_before, 100U);
    EXPECT_EQ(tally.media, 0U);
    EXPECT_EQ(tally.rtcp, 0U);
    // A report of the reception makes a list: a few a second for each client, whatever is sent.
    EXPECT_LE(tally.timers, 20 * 6 * 3U);
}

}  // namespace
}  // namespace isthmus::media::testing
