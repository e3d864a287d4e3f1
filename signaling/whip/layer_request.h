// What a viewer asks for at its session's layer URL, as JSON.
//
//     {"mediaId": "1", "maxWidth": 640, "maxHeight": 360, "maxFps": 15,
//      "maxSpatialLayerId": 1, "maxTemporalLayerId": 2, "paused": false}
//
// All members are optional; {} takes every bound away. `mediaId` is the mid of a section, all
// videos without it. `spatialLayerId` and `temporalLayerId` mean the same as their max forms: what
// is sent is never more, and less where that is not there. Other members are ignored. After
// draft-murillo-whep-03 section 4.4.2; maxWidth, maxHeight, maxFps and paused are our own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "media/sfu/track_layers.h"

namespace isthmus::signaling::whip {

inline constexpr std::size_t kLayerRequestBytesMax = 4096;

struct LayerRequest {
    std::string mid;  // empty: all
    media::sfu::LayerWish wish;
};

// kInvalidArgument with a sentence that names the member.
[[nodiscard]] Result<LayerRequest> parse_layer_request(std::string_view body);

}  // namespace isthmus::signaling::whip
