#include "media/sfu/track_layers.h"

namespace isthmus::media::sfu {
namespace {

// Cameras and encoders miss their rate by a little.
constexpr double kFpsTolerance = 1.1;

}  // namespace

bool is_wished(const TrackLayer& layer, const LayerWish& wish) {
    return (wish.max_width == 0 || layer.size.width <= wish.max_width) &&
           (wish.max_height == 0 || layer.size.height <= wish.max_height) &&
           (wish.max_fps <= 0 || layer.pictures_per_second <= wish.max_fps * kFpsTolerance) &&
           layer.id.spatial <= wish.max_spatial && layer.id.temporal <= wish.max_temporal;
}

std::optional<layers::LayerId> choose_layer(std::span<const TrackLayer> offered,
                                            const LayerWish& wish) {
    std::optional<layers::LayerId> best;
    std::optional<layers::LayerId> least;
    for (const TrackLayer& layer : offered) {
        if (!layer.alive) {
            continue;
        }
        if (!least) {
            least = layer.id;
        }
        if (is_wished(layer, wish)) {
            best = layer.id;
        }
    }
    if (wish.paused) {
        return std::nullopt;
    }
    return best ? best : least;
}

const TrackLayer* find_layer(std::span<const TrackLayer> offered, layers::LayerId wanted) {
    const TrackLayer* best = nullptr;
    const TrackLayer* least = nullptr;
    for (const TrackLayer& layer : offered) {
        if (!layer.alive) {
            continue;
        }
        if (least == nullptr) {
            least = &layer;
        }
        if (layers::is_within(layer.id, wanted)) {
            best = &layer;
        }
    }
    return best != nullptr ? best : least;
}

}  // namespace isthmus::media::sfu
