// One stream that a client sends: numbers packets, keeps the last second to answer NACKs by RTX,
// counts for sender reports.
//
// Driven by MediaSender. The timestamp of a frame is its capture time on the stream's clock.
// Specification: RFC 3550, RFC 4588, RFC 4585 section 6.2.1, RFC 8852.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "media/client/packet_batch.h"
#include "media/client/payload_part.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/payload_format.h"
#include "media/rtp/retransmission_cache.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/send_stream.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::client {

struct OutboundStreamConfig {
    rtp::PayloadFormat format;
    rtp::ExtensionIds extensions;
    std::string mid;
    std::string rid;  // empty without simulcast
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;  // used where the format has a retransmission type
};

// The connection that packets go out on, for one call.
struct SendContext {
    PacketBatch& batch;
    const transport::SrtpSendKey& key;
    const transport::Path& path;
    std::uint16_t& transport_sequence;
};

struct OutboundFrame {
    Instant taken_at{};
    std::span<const PayloadPart> parts;
    std::optional<rtp::AudioLevel> level = std::nullopt;  // audio
};

struct OutboundStats {
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // payload
    std::uint64_t frames = 0;
    std::uint64_t retransmitted = 0;
    std::uint64_t nacked = 0;  // numbers that the node asked for
    std::uint64_t key_frame_requests = 0;
    double loss_ratio = 0;  // as the node last reported
};

class OutboundStream {
  public:
    OutboundStream(OutboundStreamConfig config, RandomSource& random);

    // A frame's packets. Frames that were taken one after the other have timestamps of their own,
    // even where a late caller sends them at once.
    void send_frame(Instant now, const OutboundFrame& frame, SendContext context);

    void on_nack(Instant now, const rtp::Nack& nack, SendContext context);
    void on_report_block(rtp::NtpTime now, const rtp::ReportBlock& block);
    // PLI or FIR: the next frame is to be a key frame.
    void on_key_frame_request();

    // True once for each wish.
    [[nodiscard]] bool poll_key_frame_request() { return std::exchange(key_frame_wanted_, false); }

    // Nothing before the first packet.
    [[nodiscard]] std::optional<rtp::SenderInfo> make_sender_info(Instant now,
                                                                  rtp::NtpTime ntp) const;

    [[nodiscard]] std::uint32_t ssrc() const { return config_.ssrc; }

    [[nodiscard]] const OutboundStreamConfig& config() const { return config_; }

    [[nodiscard]] OutboundStats stats() const;

  private:
    // Larger than any payload: packets of the network have less than 1500 bytes.
    static constexpr std::size_t kPayloadBytesMax = 1500;

    void send_packet(Instant now,
                     const OutboundFrame& frame,
                     const PayloadPart& part,
                     SendContext& context);
    void retransmit(Instant now, std::uint16_t seq, SendContext& context);
    [[nodiscard]] rtp::RtpTimestamp timestamp_at(Instant instant) const;
    [[nodiscard]] rtp::HeaderExtensions extensions_for(Instant now, SendContext& context) const;

    OutboundStreamConfig config_;
    rtp::ExtendedSeq next_;
    rtp::ExtendedSeq next_rtx_;
    std::uint32_t timestamp_offset_ = 0;
    rtp::SendStream sent_;
    std::unique_ptr<rtp::RetransmissionCache> cache_;  // where NACK was negotiated
    bool key_frame_wanted_ = false;
    OutboundStats stats_;
};

}  // namespace isthmus::media::client
