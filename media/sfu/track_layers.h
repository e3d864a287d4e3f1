// What a video track offers at present, and what a viewer wants of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/layers/layer_id.h"
#include "media/layers/layer_selector.h"
#include "media/rtp/frame_size.h"

namespace isthmus::media::sfu {

// One way to send a track. `id.spatial` is the encoding's rank, smallest first, in simulcast; else
// the spatial layer of the one stream.
struct TrackLayer {
    layers::LayerId id;
    layers::Target target;       // what it is to a LayerSelector
    double bits_per_second = 0;  // of all that is sent when it is chosen, RTP payload
    double pictures_per_second = 0;
    rtp::FrameSize size;  // 0x0 where not known
    bool alive = false;   // it is being produced
};

// In order of LayerId.
using TrackLayers = std::vector<TrackLayer>;

// A viewer's wish. 0: no bound.
struct LayerWish {
    std::uint32_t max_width = 0;
    std::uint32_t max_height = 0;
    double max_fps = 0;
    // Beyond the last: the last.
    std::uint8_t max_spatial = layers::kTopLayer.spatial;
    std::uint8_t max_temporal = layers::kTopLayer.temporal;
    bool paused = false;

    friend bool operator==(const LayerWish&, const LayerWish&) = default;
};

// Is the layer within the wish? One of unknown size or rate is.
[[nodiscard]] bool is_wished(const TrackLayer& layer, const LayerWish& wish);

// The best layer within the wish that is alive; the least that is alive where none is within it;
// nothing while paused, or where none is alive.
[[nodiscard]] std::optional<layers::LayerId> choose_layer(std::span<const TrackLayer> offered,
                                                          const LayerWish& wish);

// `wanted` itself if it is offered and alive, else the best within it; the least that is alive
// where there is none. Nothing where none is alive.
[[nodiscard]] const TrackLayer* find_layer(std::span<const TrackLayer> offered,
                                           layers::LayerId wanted);

}  // namespace isthmus::media::sfu
