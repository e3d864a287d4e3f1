#include "media/sfu/video_follower.h"

#include <algorithm>
#include <chrono>

#include "media/sfu/published_track.h"

namespace isthmus::media::sfu {
namespace {

LayerName name_of(layers::LayerId layer) {
    return {.spatial = layer.spatial, .temporal = layer.temporal};
}

layers::LayeredPacket layered(const InboundStream& stream,
                              const rtp::RtpPacketView& packet,
                              rtp::ExtendedSeq seq,
                              const layers::PacketLayers& layers) {
    return {.source = stream.source,
            .seq = seq,
            .timestamp = packet.timestamp,
            .marker = packet.marker,
            .payload = packet.payload,
            .layers = &layers};
}

// A viewer gets what has come since the key frame in one go; the longer that is, the longer it lags
// behind while the pacer lets it catch up. Asking for a new key frame takes a round trip and an
// encoder's patience, and costs all other viewers the bits.
constexpr Duration kRecent = std::chrono::milliseconds(700);
constexpr std::int64_t kRecentPackets = 300;

// `limit`: nothing pauses.
std::optional<layers::LayerId> lesser(layers::LayerId wanted,
                                      std::optional<layers::LayerId> limit) {
    if (!limit) {
        return std::nullopt;
    }
    return layers::LayerId{.spatial = std::min(wanted.spatial, limit->spatial),
                           .temporal = std::min(wanted.temporal, limit->temporal)};
}

}  // namespace

void VideoFollower::bind(Instant now, PublishedTrack& track) {
    track_ = &track;
    limit_.reset();
    choose();
    if (find_recent_start(now) != nullptr) {
        return;
    }
    if (const auto& target = selector_.target()) {
        track.request_key_frame(now, target->source);
    } else {
        track.request_key_frame(now);
    }
}

void VideoFollower::unbind() {
    track_ = nullptr;
    target_.reset();
    selector_.forget_streams();
}

const InboundStream* VideoFollower::find_recent_start(Instant now) const {
    const auto& target = selector_.target();
    const InboundStream* const stream = target ? track_->find_source(target->source) : nullptr;
    const auto newest = stream != nullptr ? stream->receive.highest() : std::nullopt;
    if (!newest || !stream->last_key_frame || now - stream->last_key_frame->at > kRecent ||
        rtp::distance(stream->last_key_frame->seq, *newest) > kRecentPackets ||
        !stream->cache.find(now, stream->last_key_frame->seq)) {
        return nullptr;
    }
    return stream;
}

void VideoFollower::set_wish(Instant now, const LayerWish& wish) {
    if (wish != wish_) {
        wish_ = wish;
        choose_and_ask(now);
        if (track_ != nullptr) {
            track_->on_demand_changed();
        }
    }
}

WantedSize VideoFollower::wanted_size() const {
    if (track_ == nullptr || wish_.paused) {
        return std::nullopt;
    }
    const LayerWish wish = bounded_wish();
    if (track_->size_count() == 0) {
        return wish.max_spatial;
    }
    std::uint8_t largest = 0;
    for (std::size_t rank = 0; rank < track_->size_count(); ++rank) {
        const auto spatial = static_cast<std::uint8_t>(rank);
        const TrackLayer layer{.id = {.spatial = spatial, .temporal = 0},
                               .target = {},
                               .size = track_->size_by_rank(rank)};
        if (is_wished(layer, wish)) {
            largest = spatial;
        }
    }
    return largest;
}

bool VideoFollower::starved() const {
    return track_ != nullptr && limit_ && !*limit_ && !wish_.paused &&
           std::ranges::any_of(track_->layers(), &TrackLayer::alive);
}

void VideoFollower::set_limit(Instant now, std::optional<layers::LayerId> limit) {
    if (limit_ != limit) {
        limit_ = limit;
        choose_and_ask(now);
    }
}

// The key frame may be among the packets that come next; if not, the selector asks for it.
void VideoFollower::update() {
    if (track_ != nullptr && track_->layers_version() != seen_version_) {
        choose();
    }
}

void VideoFollower::choose_and_ask(Instant now) {
    const bool changes_stream = choose();
    if (const auto& target = selector_.target(); target && changes_stream) {
        track_->request_key_frame(now, target->source);
    }
}

// AV1 says only in dependency descriptors which frames make one picture. Without them libwebrtc
// shows nothing of a stream with spatial layers, but plays its lowest.
LayerWish VideoFollower::bounded_wish() const {
    LayerWish wish = wish_;
    const rtp::PayloadFormat* const format = track_->current_format();
    if (!descriptors_ && !track_->is_simulcast() && format != nullptr &&
        format->codec == rtp::Codec::kAv1) {
        wish.max_spatial = 0;
    }
    return wish;
}

bool VideoFollower::choose() {
    if (track_ == nullptr) {
        return false;
    }
    seen_version_ = track_->layers_version();
    target_ = choose_layer(track_->layers(), bounded_wish());
    if (target_ && limit_) {
        target_ = lesser(*target_, *limit_);
    }
    const TrackLayer* const layer = target_ ? find_layer(track_->layers(), *target_) : nullptr;
    if (layer == nullptr) {
        target_.reset();
        selector_.set_target(std::nullopt);
        return false;
    }
    target_ = layer->id;
    selector_.set_target(layer->target);
    return selector_.following() != layer->target.source;
}

layers::Selection VideoFollower::select(Instant now, const TrackPacket& packet) {
    const layers::Selection selection =
        selector_.select(layered(*packet.stream, packet.packet, packet.seq, packet.layers));
    if (const auto& target = selector_.target(); target && selection.needs_key_frame) {
        track_->request_key_frame(now, target->source);
    }
    return selection;
}

layers::Selection VideoFollower::select_again(const InboundStream& stream,
                                              rtp::Codec codec,
                                              const rtp::RtpPacketView& packet,
                                              const rtp::HeaderExtensions& extensions,
                                              rtp::ExtendedSeq seq) const {
    const layers::PacketLayers layers =
        stream.reader.read_again(codec, packet, extensions.dependency_descriptor);
    return selector_.select_again(layered(stream, packet, seq, layers));
}

void VideoFollower::request_key_frame(Instant now) {
    if (track_ == nullptr) {
        return;
    }
    if (const auto source = selector_.following()) {
        track_->request_key_frame(now, *source);
    } else if (const auto& target = selector_.target()) {
        track_->request_key_frame(now, target->source);
    }
}

void VideoFollower::describe(SubscriptionInfo& info) const {
    if (target_) {
        info.target = name_of(*target_);
    }
    info.undecodable = undecodable();
    const auto source = selector_.following();
    info.waiting_for_key_frame = track_ != nullptr && target_ && !source;
    if (track_ == nullptr || !source) {
        return;
    }
    for (const TrackLayer& layer : track_->layers()) {
        if (layer.target.source == *source &&
            layers::is_within(layer.target.layer, selector_.current())) {
            info.current = name_of(layer.id);
        }
    }
}

}  // namespace isthmus::media::sfu
