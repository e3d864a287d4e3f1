#include "signaling/livekit/video_quality.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
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

// Everything, before the media says what is wanted.
void add_qualities(const std::optional<media::LayersWanted>& event, proto::SubscribedCodec& codec) {
    std::array<bool, 3> wanted = {true, true, true};
    if (event) {
        wanted = {event->layers.size() <= 1, false, false};
        for (const media::LayerWanted& layer : event->layers) {
            bool& known = wanted.at(quality_of(layer));
            known = known || layer.wanted;
        }
    }
    for (const proto::VideoQuality quality : {proto::LOW, proto::MEDIUM, proto::HIGH}) {
        proto::SubscribedQuality& told = *codec.add_qualities();
        told.set_quality(quality);
        told.set_enabled(wanted.at(quality));
    }
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

proto::SubscribedQualityUpdate quality_update_of(const PublishedTrack& track) {
    proto::SubscribedQualityUpdate update;
    update.set_track_sid(track.info.sid());
    const std::string_view mime = track.info.mime_type();
    proto::SubscribedCodec& own = *update.add_subscribed_codecs();
    own.set_codec(lower(mime.substr(mime.find('/') + 1)));
    add_qualities(track.wanted, own);
    *update.mutable_subscribed_qualities() = own.qualities();
    if (track.backup && track.backup->asked_for) {
        proto::SubscribedCodec& backup = *update.add_subscribed_codecs();
        backup.set_codec(lower(track.backup->codec));
        add_qualities(track.backup->wanted, backup);
    }
    return update;
}

}  // namespace isthmus::signaling::livekit
