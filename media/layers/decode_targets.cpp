#include "media/layers/decode_targets.h"

#include <algorithm>
#include <optional>

namespace isthmus::media::layers {

using rtp::DecodeTargetIndication;
using rtp::DecodeTargetIndications;

DecodeTargets::DecodeTargets(const rtp::TemplateStructure& structure, std::uint32_t active)
    : count_(structure.decode_targets),
      id_offset_(structure.id_offset),
      ids_(structure.templates_used),
      all_(structure.all_targets()),
      active_(active & structure.all_targets()) {
    find_layers(structure);
    find_covered(structure);
    map_wishes();
}

// A target is as large and as often as the largest and most frequent frame in it.
void DecodeTargets::find_layers(const rtp::TemplateStructure& structure) {
    for (std::size_t i = 0; i < structure.templates_used; ++i) {
        const rtp::FrameTemplate& frame = structure.templates[i];
        for (std::uint8_t target = 0; target < count_; ++target) {
            if (frame.indications.of(target) != DecodeTargetIndication::kNotPresent) {
                LayerId& layer = layers_[target];
                layer.spatial = std::max(layer.spatial, frame.spatial);
                layer.temporal = std::max(layer.temporal, frame.temporal);
            }
        }
    }
}

void DecodeTargets::find_covered(const rtp::TemplateStructure& structure) {
    covered_.fill(all_);
    for (std::size_t i = 0; i < structure.templates_used; ++i) {
        std::uint32_t in = 0;
        for (std::uint8_t target = 0; target < count_; ++target) {
            if (structure.templates[i].indications.of(target) !=
                DecodeTargetIndication::kNotPresent) {
                in |= std::uint32_t{1} << target;
            }
        }
        for (std::uint8_t target = 0; target < count_; ++target) {
            if ((in >> target & 1U) == 0) {
                covered_[target] &= ~in;
            }
        }
    }
}

std::uint8_t DecodeTargets::best_within(LayerId wanted) const {
    std::optional<std::uint8_t> best;
    std::optional<std::uint8_t> least;
    for (std::uint8_t target = 0; target < count_; ++target) {
        if ((active_ >> target & 1U) == 0) {
            continue;
        }
        if (!least || layers_[target] < layers_[*least]) {
            least = target;
        }
        if (is_within(layers_[target], wanted) && (!best || layers_[target] > layers_[*best])) {
            best = target;
        }
    }
    return best.value_or(least.value_or(0));
}

void DecodeTargets::map_wishes() {
    for (std::uint8_t spatial = 0; spatial < kSpatialLayersMax; ++spatial) {
        for (std::uint8_t temporal = 0; temporal < kTemporalLayersMax; ++temporal) {
            const LayerId wanted{.spatial = spatial, .temporal = temporal};
            const std::uint8_t target = best_within(wanted);
            by_layer_[std::size_t{spatial} * kTemporalLayersMax + temporal] = target;
            wishes_[target].add(wanted);
            top_spatial_[spatial] = layers_[target].spatial;
        }
    }
}

LayerSet DecodeTargets::present(DecodeTargetIndications indications) const {
    LayerSet set;
    for (std::uint8_t target = 0; target < count_; ++target) {
        if (indications.of(target) != DecodeTargetIndication::kNotPresent) {
            set = set | wishes_[target];
        }
    }
    return set;
}

LayerSet DecodeTargets::switchable(DecodeTargetIndications indications) const {
    LayerSet set;
    for (std::uint8_t target = 0; target < count_; ++target) {
        if (indications.of(target) == DecodeTargetIndication::kSwitch) {
            set = set | wishes_[target];
        }
    }
    return set;
}

}  // namespace isthmus::media::layers
