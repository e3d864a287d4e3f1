#include "media/client/outbound_stream.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "media/client/outbound_header.h"
#include "media/rtp/rtp_clock.h"
#include "media/rtp/rtx.h"

namespace isthmus::media::client {

using rtp::advance;
using rtp::ExtendedSeq;
using rtp::HeaderExtensions;
using rtp::RtpTimestamp;

namespace {

// Where numbers begin (RFC 3550 section 5.1); below 32768, so that an early loss is no roll-over
// (RFC 3711 section 3.3.1).
[[nodiscard]] ExtendedSeq first_seq(RandomSource& random) {
    return rtp::make_extended_seq(0, static_cast<std::uint16_t>(random.next_u32() & 0x7fffU));
}

}  // namespace

OutboundStream::OutboundStream(OutboundStreamConfig config, RandomSource& random)
    : config_(std::move(config)),
      next_(first_seq(random)),
      next_rtx_(first_seq(random)),
      timestamp_offset_(random.next_u32()),
      sent_(config_.ssrc, config_.format.clock_hz) {
    stats_.kind = kind_of(config_.format.codec);
    if (config_.format.nack && config_.format.rtx_payload_type) {
        cache_ = std::make_unique<rtp::RetransmissionCache>(rtp::CacheLimits{});
    }
}

RtpTimestamp OutboundStream::timestamp_at(Instant instant) const {
    const auto ticks = rtp::ticks_in(instant.time_since_epoch(), config_.format.clock_hz);
    return RtpTimestamp{timestamp_offset_ + static_cast<std::uint32_t>(ticks)};
}

void OutboundStream::send_frame(Instant now, const OutboundFrame& frame, SendContext context) {
    ++stats_.frames;
    for (const PayloadPart& part : frame.parts) {
        send_packet(now, frame, part, context);
    }
}

HeaderExtensions OutboundStream::extensions_for(Instant now, SendContext& context) const {
    return {.mid = config_.mid,
            .rid = config_.rid,
            .abs_send_time = rtp::abs_send_time_of(now),
            .transport_sequence = context.transport_sequence++};
}

void OutboundStream::send_packet(Instant now,
                                 const OutboundFrame& frame,
                                 const PayloadPart& part,
                                 SendContext& context) {
    const std::size_t payload_bytes = part.bytes();
    CHECK(payload_bytes <= kPayloadBytesMax);
    std::array<std::byte, kPayloadBytesMax> payload;  // NOLINT: written below
    part.write(now, payload.data());
    HeaderExtensions extensions = extensions_for(now, context);
    extensions.audio_level = frame.level;
    const ExtendedSeq seq = std::exchange(next_, advance(next_, 1));
    const rtp::RtpHeaderFields fields{.payload_type = config_.format.payload_type,
                                      .marker = part.marker,
                                      .seq = seq16_of(seq),
                                      .timestamp = timestamp_at(frame.taken_at),
                                      .ssrc = config_.ssrc};
    std::array<std::byte, rtp::kRtpHeaderBytesMax> header;  // NOLINT: written below
    const std::size_t header_bytes =
        write_outbound_header(fields, config_.extensions, extensions, header);
    const auto body = std::span<const std::byte>(payload).first(payload_bytes);
    context.batch.add_rtp(context.key,
                          context.path,
                          std::span<const std::byte>(header).first(header_bytes),
                          body,
                          roc_of(seq));
    sent_.on_packet_sent(payload_bytes);
    if (cache_) {
        cache_->store(now,
                      seq,
                      {.payload_type = fields.payload_type,
                       .marker = fields.marker,
                       .seq = fields.seq,
                       .timestamp = fields.timestamp,
                       .ssrc = fields.ssrc,
                       .payload = body});
    }
}

void OutboundStream::on_nack(Instant now, const rtp::Nack& nack, SendContext context) {
    // A message of 1200 bytes can ask for 5000 packets; the cache holds no more than these.
    std::size_t left = rtp::CacheLimits{}.packets;
    nack.for_each([&](std::uint16_t seq) {
        if (left > 0) {
            --left;
            ++stats_.nacked;
            retransmit(now, seq, context);
        }
    });
}

void OutboundStream::retransmit(Instant now, std::uint16_t seq, SendContext& context) {
    const auto packet =
        cache_ ? cache_->find(now, rtp::nearest_extended_seq(next_, seq)) : std::nullopt;
    if (!packet || !config_.format.rtx_payload_type) {
        return;
    }
    std::array<std::byte, kPayloadBytesMax + rtp::kRtxOsnBytes> payload;  // NOLINT: written below
    const std::size_t payload_bytes = rtp::write_rtx_payload(seq, packet->payload, payload);
    HeaderExtensions extensions = extensions_for(now, context);
    extensions.repaired_rid = std::exchange(extensions.rid, {});
    const ExtendedSeq rtx_seq = std::exchange(next_rtx_, advance(next_rtx_, 1));
    std::array<std::byte, rtp::kRtpHeaderBytesMax> header;  // NOLINT: written below
    const std::size_t header_bytes =
        write_outbound_header({.payload_type = *config_.format.rtx_payload_type,
                               .marker = packet->marker,
                               .seq = seq16_of(rtx_seq),
                               .timestamp = packet->timestamp,
                               .ssrc = config_.rtx_ssrc},
                              config_.extensions,
                              extensions,
                              header);
    context.batch.add_rtp(context.key,
                          context.path,
                          std::span<const std::byte>(header).first(header_bytes),
                          std::span<const std::byte>(payload).first(payload_bytes),
                          roc_of(rtx_seq));
    ++stats_.retransmitted;
}

void OutboundStream::on_report_block(rtp::NtpTime now, const rtp::ReportBlock& block) {
    sent_.on_report_block(now, block);
}

void OutboundStream::on_key_frame_request() {
    key_frame_wanted_ = true;
    ++stats_.key_frame_requests;
}

std::optional<rtp::SenderInfo> OutboundStream::make_sender_info(Instant now,
                                                                rtp::NtpTime ntp) const {
    return sent_.packets() == 0 ? std::nullopt
                                : std::optional(sent_.make_sender_info(ntp, timestamp_at(now)));
}

OutboundStats OutboundStream::stats() const {
    OutboundStats stats = stats_;
    stats.packets = sent_.packets();
    stats.bytes = sent_.bytes();
    stats.loss_ratio = sent_.receiver().loss_ratio;
    return stats;
}

}  // namespace isthmus::media::client
