// One stream that a client receives, with what a browser does about it: asks for lost packets
// again, asks for a key frame where that did not help, reports.
//
// Driven by MediaReceiver, which hears the packets and writes the RTCP. Audio is not asked for
// again, as in Chromium. Leaves out: decoding, playout.
// Specification: RFC 3550 section 6.4, RFC 4585 section 6.2 and 6.3, RFC 4588.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/client/client_section.h"
#include "media/client/frame_watch.h"
#include "media/rtp/nack_generator.h"
#include "media/rtp/payload_format.h"
#include "media/rtp/receive_stream.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/rtp_packet.h"

namespace isthmus::media::client {

// From the first packet on.
struct InboundStats {
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    std::uint64_t packets = 0;    // new ones, by themselves
    std::uint64_t bytes = 0;      // payload
    std::uint64_t lost = 0;       // by the network
    std::uint64_t repaired = 0;   // of those, came as a retransmission
    std::uint64_t reordered = 0;  // came behind a later one
    std::uint64_t duplicates = 0;
    std::uint64_t nacks = 0;  // sequence numbers asked for, repetitions included
    std::uint64_t key_frame_requests = 0;
    double jitter_seconds = 0;
    FrameCounters frames;  // video
    Duration frozen{};
    std::optional<Instant> first_packet_at;
    std::optional<Instant> first_frame_at;  // video: the first whole key frame
};

class InboundStream {
  public:
    // `section` has at least one format.
    InboundStream(const ClientSection& section, std::uint32_t ssrc);

    void on_packet(Instant now, const rtp::RtpPacketView& packet);
    // It came as a retransmission.
    void on_repaired(Instant now, const rtp::RtpPacketView& packet);

    void on_sender_report(Instant now, const rtp::SenderInfo& info) {
        stream_.on_sender_report(now, info);
    }

    void on_rtt(Duration rtt);

    // Its section is inactive: no key frame is wanted until a packet comes again.
    void rest();

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // There may be a NACK or a request for a key frame to write.
    [[nodiscard]] bool has_wish(Instant now) const {
        return key_frame_wanted_ || (nack_ && now >= nack_->next_timeout());
    }

    // What MediaReceiver writes. A request for a key frame is given out once each time.
    [[nodiscard]] std::optional<std::span<const rtp::ExtendedSeq>> poll_nack();
    [[nodiscard]] bool poll_key_frame_request();

    [[nodiscard]] std::optional<rtp::ReportBlock> make_report_block(Instant now) {
        return stream_.make_report_block(now);
    }

    [[nodiscard]] std::uint32_t ssrc() const { return stream_.ssrc(); }

    [[nodiscard]] std::optional<Instant> first_packet_at() const { return first_packet_at_; }

    // When the first whole key frame was there; video.
    [[nodiscard]] std::optional<Instant> first_frame_at() const {
        return frames_ ? frames_->first_frame_at() : std::nullopt;
    }

    [[nodiscard]] InboundStats stats(Instant now) const;

  private:
    // Chromium waits that long for a key frame at the beginning before it asks (again).
    static constexpr Duration kKeyFrameWait = std::chrono::milliseconds(200);
    // A picture that stands still for so long is not going to be repaired.
    static constexpr Duration kStallMax = std::chrono::milliseconds(500);

    void on_new(Instant now, rtp::ExtendedSeq seq, const rtp::RtpPacketView& packet);
    [[nodiscard]] bool needs_key_frame(Instant now) const;
    void watch_key_frame(Instant now);
    [[nodiscard]] rtp::Codec codec_of(std::uint8_t payload_type) const;

    rtp::MediaKind kind_;
    std::vector<rtp::PayloadFormat> formats_;
    bool can_request_key_frame_ = false;
    rtp::ReceiveStream stream_;
    std::optional<rtp::NackGenerator> nack_;
    std::unique_ptr<FrameWatch> frames_;  // video
    std::optional<Instant> first_packet_at_;
    Instant key_frame_check_at_ = kNever;
    bool key_frame_wanted_ = false;
    std::uint64_t key_frame_requests_ = 0;
};

}  // namespace isthmus::media::client
