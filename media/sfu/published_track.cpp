#include "media/sfu/published_track.h"

#include <algorithm>
#include <utility>

#include "media/rtp/key_frame.h"
#include "media/sfu/red_forwarding.h"
#include "media/sfu/subscription.h"

namespace isthmus::media::sfu {
namespace {

// Audio is not repeated but to those who asked for it; a second of Opus is 50 packets.
constexpr std::size_t kAudioCachePackets = 64;
constexpr std::size_t kVideoCachePackets = 1024;

}  // namespace

PublishedTrack::PublishedTrack(std::string id,
                               MediaSection section,
                               TrackOwner& owner,
                               const SfuLimits& limits)
    : id_(std::move(id)),
      section_(std::move(section)),
      owner_(owner),
      cache_limits_{.packets = section_.kind == rtp::MediaKind::kVideo ? kVideoCachePackets
                                                                       : kAudioCachePackets,
                    .bytes = std::max(limits.cache_bytes, rtp::kCacheBytesMin),
                    .age = limits.cache_age} {
    pending_.reserve(rtp::RetransmissionCache::kBatchPackets);
}

InboundStream& PublishedTrack::add_stream(std::uint32_t ssrc,
                                          std::string_view rid,
                                          std::uint32_t source) {
    streams_.push_back(std::make_unique<InboundStream>(
        ssrc, source, section_.formats.front().clock_hz, cache_limits_));
    streams_.back()->rid = rid;
    return *streams_.back();
}

InboundStream* PublishedTrack::find_repaired(std::string_view repaired_rid) {
    if (streams_.size() == 1) {
        return streams_.front().get();
    }
    if (repaired_rid.empty()) {
        return active_;
    }
    const auto found = std::ranges::find_if(
        streams_, [repaired_rid](const auto& stream) { return stream->rid == repaired_rid; });
    return found == streams_.end() ? nullptr : found->get();
}

const rtp::PayloadFormat* PublishedTrack::format_of(std::uint8_t payload_type) const {
    const auto found = std::ranges::find_if(
        section_.formats,
        [payload_type](const rtp::PayloadFormat& format) { return format.carries(payload_type); });
    return found == section_.formats.end() ? nullptr : &*found;
}

bool PublishedTrack::handle_rtp(Instant now,
                                InboundStream& stream,
                                const rtp::RtpPacketView& packet,
                                const rtp::HeaderExtensions& extensions,
                                bool repaired) {
    if (format_ == nullptr || !format_->carries(packet.payload_type)) {
        const rtp::PayloadFormat* format = format_of(packet.payload_type);
        if (format == nullptr) {
            return false;
        }
        stream.receive.set_clock(format->clock_hz);
        format_ = format;
    }
    const rtp::Arrival arrival =
        repaired ? stream.receive.on_repaired(packet.seq) : stream.receive.on_packet(now, packet);
    if (!arrival.is_new()) {
        return true;
    }
    if (format_->nack) {
        stream.nack.on_packet(now, arrival.seq);
    }
    const bool key_frame_start =
        rtp::is_key_frame_start(format_->codec, packet.payload, extensions.dependency_descriptor);
    if (key_frame_start && kind() == rtp::MediaKind::kVideo) {
        stream.key_frames.on_key_frame(now);
        stream.nack.forget_before(arrival.seq);
    }
    choose_active(stream, key_frame_start);
    TrackPacket queued{.stream = &stream,
                       .packet = packet,
                       .extensions = extensions,
                       .seq = arrival.seq,
                       .key_frame_start = key_frame_start};
    if (packet.payload_type == format_->red_payload_type &&
        !read_red(format_->payload_type, queued)) {
        return false;
    }
    const bool audio = kind() == rtp::MediaKind::kAudio;
    const bool passes = !audio || audio_gate_.passes(now, *this, queued);
    if (!has_receivers()) {
        return true;
    }
    const auto stored = stream.cache.store(now, arrival.seq, packet);
    if (!stored || !passes) {
        return true;
    }
    queued.packet = *stored;
    if (audio) {
        audio_gate_.queue(now, queued, owner_.extension_parser(), pending_);
    } else {
        pending_.push_back(queued);
    }
    return true;
}

void PublishedTrack::choose_active(InboundStream& stream, bool key_frame_start) {
    if (active_ == nullptr || (active_ != &stream && key_frame_start)) {
        active_ = &stream;
    }
}

void PublishedTrack::forward_pending(Instant now,
                                     EgressBatch& batch,
                                     transport::DatagramSink& sink) {
    if (pending_.empty()) {
        return;
    }
    for (Subscription* subscription : subscriptions_) {
        subscription->forward(now, pending_, batch, sink);
    }
    for (TrackTap* tap : taps_) {
        tap->on_packets(now, *this, pending_);
    }
    pending_.clear();
}

void PublishedTrack::add(Subscription& subscription) {
    subscriptions_.push_back(&subscription);
    owner_.touch();
}

void PublishedTrack::remove(Subscription& subscription) {
    std::erase(subscriptions_, &subscription);
    owner_.touch();
}

void PublishedTrack::add(TrackTap& tap) {
    taps_.push_back(&tap);
}

void PublishedTrack::remove(TrackTap& tap) {
    std::erase(taps_, &tap);
}

void PublishedTrack::request_key_frame(Instant now) {
    if (kind() != rtp::MediaKind::kVideo || active_ == nullptr) {
        return;
    }
    active_->key_frames.on_request(now);
    owner_.touch();
}

const InboundStream* PublishedTrack::find_source(std::uint32_t source) const {
    const auto found = std::ranges::find_if(
        streams_, [source](const auto& stream) { return stream->source == source; });
    return found == streams_.end() ? nullptr : found->get();
}

void PublishedTrack::handle_timeout(Instant now) {
    for (const auto& stream : streams_) {
        stream->nack.handle_timeout(now);
        stream->key_frames.handle_timeout(now);
    }
}

Instant PublishedTrack::next_timeout() const {
    Instant earliest = kNever;
    for (const auto& stream : streams_) {
        earliest =
            std::min({earliest, stream->nack.next_timeout(), stream->key_frames.next_timeout()});
    }
    return earliest;
}

TrackInfo PublishedTrack::describe(Instant now) const {
    TrackInfo info{.id = id_,
                   .kind = section_.kind,
                   .codec = format_ != nullptr ? std::string(rtp::name_of(format_->codec)) : "",
                   .mid = section_.mid,
                   .streams = {},
                   .subscribers = static_cast<std::uint32_t>(subscriptions_.size())};
    for (const auto& stream : streams_) {
        const rtp::ReceiveCounters& counters = stream->receive.counters();
        info.streams.push_back({.ssrc = stream->receive.ssrc(),
                                .rid = stream->rid,
                                .packets = counters.packets,
                                .bytes = counters.bytes,
                                .packets_lost = static_cast<std::uint64_t>(stream->receive.lost()),
                                .packets_repaired = counters.repaired,
                                .nacks = stream->nack.counters().requested,
                                .key_frame_requests = stream->key_frames.requests(),
                                .key_frames = stream->key_frames.key_frames(),
                                .jitter_seconds = stream->receive.jitter_seconds(),
                                .bitrate_bps = stream->receive.bits_per_second(now)});
    }
    return info;
}

}  // namespace isthmus::media::sfu
