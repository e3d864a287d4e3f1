#include "signaling/livekit/video_quality.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace isthmus::signaling::livekit {
namespace {

// Smallest first, as the media ranks encodings and spatial layers.
[[nodiscard]] std::vector<proto::VideoLayer> layers_by_size(const proto::TrackInfo& track) {
    std::vector<proto::VideoLayer> layers(track.layers().begin(), track.layers().end());
    std::ranges::sort(layers, {}, [](const proto::VideoLayer& layer) {
        return std::pair(std::uint64_t{layer.width()} * layer.height(), layer.quality());
    });
    return layers;
}

[[nodiscard]] std::size_t rank_of_size(const std::vector<proto::VideoLayer>& layers,
                                       std::uint32_t width,
                                       std::uint32_t height) {
    const auto big_enough = std::ranges::find_if(layers, [&](const proto::VideoLayer& layer) {
        return layer.width() >= width && layer.height() >= height;
    });
    return static_cast<std::size_t>(big_enough - layers.begin());
}

[[nodiscard]] std::string lower(std::string_view text) {
    std::string low(text);
    std::ranges::transform(low, low.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return low;
}

[[nodiscard]] proto::VideoQuality quality_of(const media::LayerWanted& layer) {
    if (layer.rid == "q" || layer.rid == "h" || layer.rid == "f") {
        return layer.rid == "q" ? proto::LOW : layer.rid == "h" ? proto::MEDIUM : proto::HIGH;
    }
    return static_cast<proto::VideoQuality>(std::min<int>(layer.spatial, proto::HIGH));
}

}  // namespace

media::sfu::LayerWish wish_of(const proto::UpdateTrackSettings& settings,
                              const proto::TrackInfo& track) {
    media::sfu::LayerWish wish;
    wish.paused = settings.disabled();
    wish.max_fps = settings.fps();
    const std::vector<proto::VideoLayer> layers = layers_by_size(track);
    std::size_t rank = layers.size();
    if (settings.width() != 0 && settings.height() != 0) {
        rank = rank_of_size(layers, settings.width(), settings.height());
    } else if (settings.quality() != proto::HIGH) {
        rank = static_cast<std::size_t>(std::max<int>(settings.quality(), 0));
    }
    // The last means all there is, whatever the announcement left out.
    if (rank + 1 < layers.size()) {
        wish.max_spatial = static_cast<std::uint8_t>(rank);
    }
    return wish;
}

proto::SubscribedQualityUpdate quality_update_of(const media::LayersWanted& event,
                                                 const proto::TrackInfo& track) {
    proto::SubscribedQualityUpdate update;
    update.set_track_sid(event.track_id);
    proto::SubscribedCodec& codec = *update.add_subscribed_codecs();
    const std::string_view mime = track.mime_type();
    codec.set_codec(lower(mime.substr(mime.find('/') + 1)));
    bool wanted[3] = {event.layers.size() <= 1, false, false};
    for (const media::LayerWanted& layer : event.layers) {
        bool& known = wanted[quality_of(layer)];
        known = known || layer.wanted;
    }
    for (const proto::VideoQuality quality : {proto::LOW, proto::MEDIUM, proto::HIGH}) {
        proto::SubscribedQuality& told = *codec.add_qualities();
        told.set_quality(quality);
        told.set_enabled(wanted[quality]);
        *update.add_subscribed_qualities() = told;
    }
    return update;
}

}  // namespace isthmus::signaling::livekit
