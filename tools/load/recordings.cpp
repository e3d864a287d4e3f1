#include <algorithm>
#include <memory>

#include "tools/load/load_run.h"

namespace isthmus::load {

using media::client::FillerShape;
using media::client::Recording;

namespace {

constexpr std::size_t kLayers = 3;

// Each layer has half the packets of the one above, as its picture has a quarter of the pixels and
// about a third of the bits.
[[nodiscard]] LayerRecordings make_filler(const LoadOptions& options, std::size_t layers) {
    LayerRecordings recordings;
    for (std::size_t layer = 0; layer < layers; ++layer) {
        const std::size_t packets =
            std::max<std::size_t>(options.packets_per_frame >> (layers - 1 - layer), 1);
        recordings.push_back(std::make_shared<const Recording>(
            make_filler_recording(FillerShape{.codec = options.codec,
                                              .packets_per_frame = packets,
                                              .payload_bytes = payload_bytes_max(options)})));
    }
    return recordings;
}

}  // namespace

Result<LayerRecordings> make_recordings(const LoadOptions& options) {
    if (!options.video) {
        return LayerRecordings{};
    }
    return make_filler(options, options.simulcast ? kLayers : 1);
}

}  // namespace isthmus::load
