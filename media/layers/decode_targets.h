// What the decode targets of a template structure are in terms of layers.
//
// Derived once for a structure and the set of targets that its publisher produces at the time.
// Specification: AV1 RTP specification, appendix A.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "media/layers/layer_id.h"
#include "media/rtp/dependency_descriptor.h"

namespace isthmus::media::layers {

class DecodeTargets {
  public:
    // Where there is no structure.
    DecodeTargets() = default;
    DecodeTargets(const rtp::TemplateStructure& structure, std::uint32_t active);

    [[nodiscard]] std::uint32_t active() const { return active_; }

    [[nodiscard]] std::uint32_t all() const { return all_; }

    [[nodiscard]] std::uint8_t count() const { return count_; }

    // The decode target for one who wants `wanted`: the best that is produced and within it, or
    // else the least that is produced.
    [[nodiscard]] std::uint8_t for_layer(LayerId wanted) const {
        return by_layer_[std::size_t{wanted.spatial} * kTemporalLayersMax + wanted.temporal];
    }

    [[nodiscard]] LayerId layer_of(std::uint8_t target) const { return layers_[target]; }

    // The targets that are whole for one who gets `target`: all of their frames are in it.
    [[nodiscard]] std::uint32_t covered_by(std::uint8_t target) const { return covered_[target]; }

    // The wishes that lead to a decode target which `indications` do not say is absent.
    [[nodiscard]] LayerSet present(rtp::DecodeTargetIndications indications) const;
    // The same for those that one may switch to here.
    [[nodiscard]] LayerSet switchable(rtp::DecodeTargetIndications indications) const;

    [[nodiscard]] const std::array<std::uint8_t, kSpatialLayersMax>& top_spatial() const {
        return top_spatial_;
    }

    // Template ids: the first, and how many.
    [[nodiscard]] std::uint8_t id_offset() const { return id_offset_; }

    [[nodiscard]] std::uint8_t ids() const { return ids_; }

  private:
    void find_layers(const rtp::TemplateStructure& structure);
    void find_covered(const rtp::TemplateStructure& structure);
    void map_wishes();
    [[nodiscard]] std::uint8_t best_within(LayerId wanted) const;

    std::uint8_t count_ = 0;
    std::uint8_t id_offset_ = 0;
    std::uint8_t ids_ = 0;
    std::uint32_t all_ = 0;
    std::uint32_t active_ = 0;
    std::array<LayerId, rtp::kDecodeTargetsMax> layers_{};
    std::array<std::uint32_t, rtp::kDecodeTargetsMax> covered_{};
    std::array<LayerSet, rtp::kDecodeTargetsMax> wishes_{};
    std::array<std::uint8_t, std::size_t{kSpatialLayersMax} * kTemporalLayersMax> by_layer_{};
    std::array<std::uint8_t, kSpatialLayersMax> top_spatial_{};
};

}  // namespace isthmus::media::layers
