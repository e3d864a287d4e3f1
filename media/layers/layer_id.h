// What a receiver can be sent of a video: how large (spatial) and how often (temporal).
#pragma once

#include <bit>
#include <compare>
#include <cstdint>

namespace isthmus::media::layers {

// Three bits each in every payload format.
inline constexpr std::uint8_t kSpatialLayersMax = 8;
inline constexpr std::uint8_t kTemporalLayersMax = 8;

// As the name of a frame: the layer that it adds to. As a target: that layer with all that it
// needs. Ordered by size first.
struct LayerId {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;

    friend constexpr auto operator<=>(const LayerId&, const LayerId&) = default;
};

// Everything that there is.
inline constexpr LayerId kTopLayer{.spatial = kSpatialLayersMax - 1,
                                   .temporal = kTemporalLayersMax - 1};

// Neither larger nor more often.
[[nodiscard]] constexpr bool is_within(LayerId layer, LayerId limit) {
    return layer.spatial <= limit.spatial && layer.temporal <= limit.temporal;
}

// A set of targets, one bit each.
class LayerSet {
  public:
    constexpr LayerSet() = default;

    // All targets that reach as far as `layer` in both ways.
    [[nodiscard]] static constexpr LayerSet from(LayerId layer) {
        constexpr std::uint64_t kEachSpatial = 0x0101010101010101;
        const std::uint64_t temporal = 0xffU << layer.temporal & 0xffU;
        return LayerSet(~std::uint64_t{0} << layer.spatial * 8U & kEachSpatial * temporal);
    }

    [[nodiscard]] static constexpr LayerSet all() { return from({}); }

    // The targets of one size with `temporal` or more.
    [[nodiscard]] static constexpr LayerSet row(std::uint8_t spatial, std::uint8_t temporal) {
        return LayerSet((std::uint64_t{0xff} << temporal & 0xffU) << spatial * 8U);
    }

    // The targets of all sizes with exactly `temporal`.
    [[nodiscard]] static constexpr LayerSet column(std::uint8_t temporal) {
        constexpr std::uint64_t kEachSpatial = 0x0101010101010101;
        return LayerSet(kEachSpatial << temporal);
    }

    constexpr void add(LayerId layer) { bits_ |= bit_of(layer); }

    [[nodiscard]] constexpr bool has(LayerId layer) const { return (bits_ & bit_of(layer)) != 0; }

    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

    friend constexpr LayerSet operator|(LayerSet a, LayerSet b) {
        return LayerSet(a.bits_ | b.bits_);
    }

    friend constexpr LayerSet operator&(LayerSet a, LayerSet b) {
        return LayerSet(a.bits_ & b.bits_);
    }

    friend constexpr bool operator==(LayerSet, LayerSet) = default;

  private:
    explicit constexpr LayerSet(std::uint64_t bits) : bits_(bits) {}

    [[nodiscard]] static constexpr std::uint64_t bit_of(LayerId layer) {
        return std::uint64_t{1} << (layer.spatial * 8U + layer.temporal);
    }

    std::uint64_t bits_ = 0;
};

}  // namespace isthmus::media::layers
