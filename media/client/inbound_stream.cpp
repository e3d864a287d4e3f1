#include "media/client/inbound_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "media/rtp/key_frame.h"

namespace isthmus::media::client {

using rtp::ExtendedSeq;
using rtp::MediaKind;
using rtp::RtpPacketView;

InboundStream::InboundStream(const ClientSection& section, std::uint32_t ssrc)
    : kind_(section.kind),
      formats_(section.formats),
      stream_(ssrc, section.formats.empty() ? 90000 : section.formats.front().clock_hz) {
    CHECK(!formats_.empty());
    if (kind_ == MediaKind::kVideo) {
        frames_ = std::make_unique<FrameWatch>();
        can_request_key_frame_ = formats_.front().pli;
        if (formats_.front().nack) {
            nack_.emplace(rtp::NackLimits{});
        }
    }
}

void InboundStream::on_packet(Instant now, const RtpPacketView& packet) {
    const rtp::Arrival arrival = stream_.on_packet(now, packet);
    if (arrival.is_new()) {
        on_new(now, arrival.seq, packet);
    }
}

void InboundStream::on_repaired(Instant now, const RtpPacketView& packet) {
    const rtp::Arrival arrival = stream_.on_repaired(packet.seq);
    if (arrival.is_new()) {
        on_new(now, arrival.seq, packet);
    }
}

void InboundStream::on_new(Instant now, ExtendedSeq seq, const RtpPacketView& packet) {
    first_packet_at_ = first_packet_at_.value_or(now);
    if (nack_) {
        nack_->on_packet(now, seq);
    }
    if (!frames_) {
        return;
    }
    // A packet of padding only is a probe: it fills its number and says nothing.
    const bool key_start = !packet.payload.empty() &&
                           rtp::is_key_frame_start(codec_of(packet.payload_type), packet.payload);
    const std::uint64_t skips = frames_->counters().skips;
    frames_->on_packet(now, seq, packet.marker, key_start);
    if (nack_ && frames_->counters().skips != skips) {
        nack_->forget_before(seq);
    }
    watch_key_frame(now);
}

void InboundStream::on_rtt(Duration rtt) {
    if (nack_) {
        nack_->on_rtt(rtt);
    }
}

void InboundStream::rest() {
    key_frame_check_at_ = kNever;
    key_frame_wanted_ = false;
}

void InboundStream::handle_timeout(Instant now) {
    if (nack_) {
        nack_->handle_timeout(now);
    }
    if (now < key_frame_check_at_) {
        return;
    }
    key_frame_check_at_ = kNever;
    if (needs_key_frame(now)) {
        key_frame_wanted_ = can_request_key_frame_;
        key_frame_check_at_ = now + kStallMax;
    }
    watch_key_frame(now);
}

Instant InboundStream::next_timeout() const {
    return std::min(nack_ ? nack_->next_timeout() : kNever, key_frame_check_at_);
}

bool InboundStream::needs_key_frame(Instant now) const {
    const auto stalled_since = frames_->stalled_since();
    return frames_->waits_for_key_frame() || (stalled_since && now - *stalled_since >= kStallMax);
}

// Looks when the trouble at hand will have lasted long enough; a look that is due already stays.
void InboundStream::watch_key_frame(Instant now) {
    const auto stalled_since = frames_->stalled_since();
    const bool waits = frames_->waits_for_key_frame();
    if (!waits && !stalled_since) {
        key_frame_check_at_ = kNever;
    } else if (key_frame_check_at_ == kNever) {
        key_frame_check_at_ =
            waits ? now + kKeyFrameWait : std::max(*stalled_since + kStallMax, now);
    }
}

std::optional<std::span<const ExtendedSeq>> InboundStream::poll_nack() {
    return nack_ ? nack_->poll_nack() : std::nullopt;
}

bool InboundStream::poll_key_frame_request() {
    key_frame_requests_ += key_frame_wanted_ ? 1 : 0;
    return std::exchange(key_frame_wanted_, false);
}

rtp::Codec InboundStream::codec_of(std::uint8_t payload_type) const {
    for (const rtp::PayloadFormat& format : formats_) {
        if (format.payload_type == payload_type) {
            return format.codec;
        }
    }
    return formats_.front().codec;
}

InboundStats InboundStream::stats(Instant now) const {
    const rtp::ReceiveCounters& counters = stream_.counters();
    InboundStats stats{.kind = kind_,
                       .packets = counters.packets,
                       .bytes = counters.bytes,
                       .lost = static_cast<std::uint64_t>(stream_.lost()),
                       .repaired = counters.repaired,
                       .reordered = counters.late,
                       .duplicates = counters.duplicates,
                       .nacks = nack_ ? nack_->counters().requested : 0,
                       .key_frame_requests = key_frame_requests_,
                       .jitter_seconds = stream_.jitter_seconds(),
                       .first_packet_at = first_packet_at_};
    if (frames_) {
        stats.frames = frames_->counters();
        stats.frozen = frames_->frozen(now);
        stats.first_frame_at = frames_->first_frame_at();
    }
    return stats;
}

}  // namespace isthmus::media::client
