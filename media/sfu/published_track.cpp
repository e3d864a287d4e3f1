#include "media/sfu/published_track.h"

#include <algorithm>
#include <utility>

#include "media/sfu/red_forwarding.h"
#include "media/sfu/subscription.h"

namespace isthmus::media::sfu {
namespace {

// Audio is not repeated but to those who asked for it; a second of Opus is 50 packets.
constexpr std::size_t kAudioCachePackets = 64;
constexpr std::size_t kVideoCachePackets = 1024;

// A layer that stops is noticed within a second; there is no need to look more often.
constexpr Duration kRefreshLayers = std::chrono::milliseconds(250);
constexpr Duration kTrimInterval = std::chrono::seconds(1);

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
                    .age = limits.cache_age},
      encodings_(section_.encodings) {
    pending_.reserve(rtp::RetransmissionCache::kBatchPackets);
}

bool PublishedTrack::goes_on_as(const MediaSection& section) const {
    return is_receiving(section) && section.mid == section_.mid && section.kind == section_.kind &&
           (section.published_id.empty() || section.published_id == id_) &&
           section.formats == section_.formats && section.encodings == section_.encodings &&
           section.source == section_.source && section.encrypted == section_.encrypted;
}

InboundStream* PublishedTrack::add_stream(std::uint32_t ssrc,
                                          std::string_view rid,
                                          std::uint32_t source) {
    const auto encoding = encodings_.place(ssrc, rid);
    if (!encoding) {
        return nullptr;
    }
    streams_.push_back(std::make_unique<InboundStream>(
        ssrc, source, section_.formats.front().clock_hz, cache_limits_));
    streams_.back()->reader.set_encrypted(section_.encrypted);
    streams_.back()->rid = rid;
    streams_.back()->encoding = *encoding;
    return streams_.back().get();
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
    TrackPacket queued{.stream = &stream,
                       .packet = packet,
                       .extensions = extensions,
                       .seq = arrival.seq,
                       .key_frame_start = true};
    if (kind() == rtp::MediaKind::kVideo) {
        read_layers(now, stream, queued);
    }
    if (encodings_.on_packet(stream, queued.key_frame_start)) {
        refresh_layers_at_ = now;
    }
    if (packet.payload_type == format_->red_payload_type &&
        !read_red(format_->payload_type, queued)) {
        ++stream.bad_red;
        return true;
    }
    const bool audio = kind() == rtp::MediaKind::kAudio;
    const bool passes = !audio || audio_gate_.passes(now, *this, queued);
    if (!has_receivers()) {
        // Nothing is stored: who comes next would find a hole behind that key frame, for ever.
        stream.last_key_frame.reset();
        return true;
    }
    const auto stored = stream.cache.store(now, arrival.seq, packet);
    if (!stored || !passes) {
        return true;
    }
    if (queued.key_frame_start && !audio) {
        stream.last_key_frame = {.seq = arrival.seq, .at = now};
    }
    queued.packet = *stored;
    if (audio) {
        audio_gate_.queue(now, queued, owner_.extension_parser(), pending_);
    } else {
        pending_.push_back(queued);
    }
    return true;
}

void PublishedTrack::read_layers(Instant now, InboundStream& stream, TrackPacket& packet) {
    packet.key_frame_start = false;
    // Padding only: a sender that probes.
    if (packet.packet.payload.empty()) {
        return;
    }
    packet.layers =
        stream.reader.read(format_->codec, packet.packet, packet.extensions.dependency_descriptor);
    stream.meter.on_packet(
        now, packet.layers, packet.packet.timestamp, packet.packet.payload.size());
    packet.key_frame_start = packet.layers.key_picture_start;
    if (packet.key_frame_start) {
        stream.key_frames.on_key_frame(now);
        stream.nack.forget_before(packet.seq);
        refresh_layers_at_ = now;
    }
}

void PublishedTrack::tap_pending(Instant now) {
    if (tapped_ == pending_.size()) {
        return;
    }
    for (TrackTap* tap : taps_) {
        tap->on_packets(now, *this, std::span(pending_).subspan(tapped_));
    }
    tapped_ = pending_.size();
}

void PublishedTrack::forward_pending(Instant now,
                                     EgressBatch& batch,
                                     transport::DatagramSink& sink) {
    if (pending_.empty()) {
        return;
    }
    tap_pending(now);
    if (kind() == rtp::MediaKind::kVideo && now >= refresh_layers_at_) {
        refresh_layers(now);
    }
    // With hundreds of receivers each one's state has gone cold since the last batch.
    for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
        for (std::size_t ahead = Subscription::kPrefetchAhead; ahead > 0; --ahead) {
            if (i + ahead < subscriptions_.size()) {
                subscriptions_[i + ahead]->prefetch_ahead(ahead);
            }
        }
        subscriptions_[i]->forward(now, pending_, batch, sink);
    }
    pending_.clear();
    tapped_ = 0;
    if (now >= trim_at_) {
        trim_caches(now);
    }
}

// Streams that fell silent keep nothing of what came long ago, or a publisher that goes from SSRC
// to SSRC would fill one cache after another. What is on its way out in this batch is not that old.
void PublishedTrack::trim_caches(Instant now) {
    trim_at_ = now + kTrimInterval;
    for (const auto& stream : streams_) {
        stream->cache.trim(now);
    }
}

void PublishedTrack::add(Subscription& subscription) {
    subscriptions_.push_back(&subscription);
    on_demand_changed();
}

void PublishedTrack::remove(Subscription& subscription) {
    std::erase(subscriptions_, &subscription);
    on_demand_changed();
}

void PublishedTrack::add(TrackTap& tap) {
    taps_.push_back(&tap);
    on_demand_changed();
}

void PublishedTrack::remove(TrackTap& tap) {
    std::erase(taps_, &tap);
    on_demand_changed();
}

rtp::FrameSize PublishedTrack::size_by_rank(std::size_t rank) const {
    if (is_simulcast()) {
        return encodings_.size_by_rank(rank);
    }
    const InboundStream* const stream = encodings_.any();
    return stream != nullptr ? stream->reader.size_of(static_cast<std::uint8_t>(rank))
                             : rtp::FrameSize{};
}

WantedSize PublishedTrack::wanted_size() const {
    WantedSize most;
    for (const Subscription* subscription : subscriptions_) {
        if (const VideoFollower* video = subscription->video()) {
            most = std::max(most, video->wanted_size());
            // Nobody can want more: of a thousand receivers most often the first one is asked.
            if (most && size_count() > 0 && *most + 1U >= size_count()) {
                break;
            }
        }
    }
    for (const TrackTap* tap : taps_) {
        most = std::max(most, tap->wanted_size());
    }
    return most;
}

void PublishedTrack::on_demand_changed() {
    demand_changed_ = true;
    owner_.touch();
}

std::optional<WantedSize> PublishedTrack::poll_demand(Instant now) {
    if (kind() != rtp::MediaKind::kVideo || size_count() == 0) {
        return std::nullopt;
    }
    if (std::exchange(demand_changed_, false)) {
        const WantedSize wanted = wanted_size();
        demand_.on_demand(now, wanted && *wanted + 1U >= size_count() ? kEverySize : wanted);
    }
    return demand_.poll(now);
}

// They are counted when they first come: one that is switched off is still there to be wanted.
void PublishedTrack::count_spatial_layers() {
    if (!layers_.empty()) {
        spatial_layers_ = std::max<std::size_t>(spatial_layers_, layers_.back().id.spatial + 1U);
    }
}

void PublishedTrack::ask(Instant now, InboundStream& stream) {
    if (kind() == rtp::MediaKind::kVideo) {
        stream.key_frames.on_request(now);
        owner_.touch();
    }
}

void PublishedTrack::request_key_frame(Instant now) {
    for (std::size_t rank = 0; rank < encodings_.size(); ++rank) {
        InboundStream* stream = encodings_.by_rank(rank);
        if (stream != nullptr && encodings_.is_alive(*stream)) {
            ask(now, *stream);
        }
    }
}

void PublishedTrack::request_key_frame(Instant now, std::uint32_t source) {
    const auto found =
        std::ranges::find(streams_, source, [](const auto& stream) { return stream->source; });
    if (found != streams_.end()) {
        ask(now, **found);
    }
}

void PublishedTrack::request_key_frame_of_ssrc(Instant now, std::uint32_t ssrc) {
    const auto found = std::ranges::find(
        streams_, ssrc, [](const auto& stream) { return stream->receive.ssrc(); });
    if (found != streams_.end()) {
        ask(now, **found);
    }
}

void PublishedTrack::refresh_layers(Instant now) {
    refresh_layers_at_ = now + kRefreshLayers;
    encodings_.update_order();
    layers_.swap(layers_before_);
    layers_.clear();
    for (std::size_t rank = 0; rank < encodings_.size(); ++rank) {
        offer_layers(now, rank);
    }
    const bool same =
        std::ranges::equal(layers_, layers_before_, [](const TrackLayer& a, const TrackLayer& b) {
            return a.id == b.id && a.target == b.target && a.size == b.size && a.alive == b.alive;
        });
    if (!same) {
        ++layers_version_;
        count_spatial_layers();
        demand_changed_ = true;
    }
}

// In simulcast each stream is one size, whatever layers it has within it.
void PublishedTrack::offer_layers(Instant now, std::size_t rank) {
    InboundStream* const stream = encodings_.by_rank(rank);
    if (stream == nullptr) {
        return;
    }
    const bool simulcast = encodings_.is_simulcast();
    const bool alive = encodings_.is_alive(*stream);
    const std::vector<layers::MeasuredLayer>& measured = stream->meter.measure(now);
    for (const layers::MeasuredLayer& layer : measured) {
        const bool is_top = layer.layer.spatial == measured.back().layer.spatial;
        if (simulcast && !is_top) {
            continue;
        }
        TrackLayer offered{.id = layer.layer,
                           .target = {.source = stream->source, .layer = layer.layer},
                           .bits_per_second = layer.bits_per_second,
                           .pictures_per_second = layer.pictures_per_second,
                           .size = stream->reader.size_of(layer.layer.spatial),
                           .alive = alive && layer.alive};
        if (simulcast) {
            offered.id.spatial = static_cast<std::uint8_t>(rank);
            offered.target.layer.spatial = layers::kTopLayer.spatial;
        }
        layers_.push_back(offered);
    }
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
    Instant earliest = demand_.next_timeout();
    for (const auto& stream : streams_) {
        earliest =
            std::min({earliest, stream->nack.next_timeout(), stream->key_frames.next_timeout()});
    }
    return earliest;
}

TrackInfo PublishedTrack::describe(Instant now) const {
    TrackInfo info{.id = id_,
                   .kind = section_.kind,
                   .source = source(),
                   .codec = format_ != nullptr ? std::string(rtp::name_of(format_->codec)) : "",
                   .mid = section_.mid,
                   .streams = {},
                   .layers = {},
                   .subscribers = static_cast<std::uint32_t>(subscriptions_.size())};
    for (const TrackLayer& layer : layers_) {
        info.layers.push_back({.spatial = layer.id.spatial,
                               .temporal = layer.id.temporal,
                               .width = layer.size.width,
                               .height = layer.size.height,
                               .fps = layer.pictures_per_second,
                               .bitrate_bps = layer.bits_per_second,
                               .alive = layer.alive});
    }
    for (const auto& stream : streams_) {
        const rtp::ReceiveCounters& counters = stream->receive.counters();
        info.streams.push_back({.ssrc = stream->receive.ssrc(),
                                .rid = stream->rid,
                                .packets = counters.packets,
                                .bytes = counters.bytes,
                                .packets_lost = static_cast<std::uint64_t>(stream->receive.lost()),
                                .packets_repaired = counters.repaired,
                                .duplicates = counters.duplicates,
                                .jumps = counters.jumps,
                                .bad_payloads = stream->bad_payloads(),
                                .nacks = stream->nack.counters().requested,
                                .key_frame_requests = stream->key_frames.requests(),
                                .key_frames = stream->key_frames.key_frames(),
                                .jitter_seconds = stream->receive.jitter_seconds(),
                                .bitrate_bps = stream->receive.bits_per_second(now),
                                .cache_bytes = stream->cache.bytes_held()});
    }
    return info;
}

}  // namespace isthmus::media::sfu
