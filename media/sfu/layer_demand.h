// How much of one video anybody wants, as its publisher is to be told: more at once, less only when
// it has stayed less for a while, since an encoding that is switched off takes a key frame to come
// back.
//
// Told the demand whenever it may have changed. Sizes are ranks, smallest first: encodings of a
// simulcast, spatial layers of SVC.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/layers/layer_id.h"

namespace isthmus::media::sfu {

// The largest size that is wanted; nothing where none is.
using WantedSize = std::optional<std::uint8_t>;

inline constexpr WantedSize kEverySize = layers::kTopLayer.spatial;

class LayerDemand {
  public:
    static constexpr Duration kPatience = std::chrono::seconds(5);

    void on_demand(Instant now, WantedSize wanted);

    // What the publisher was told of the track in another form is all that it knows: it is told
    // anew where anything is wanted.
    void restate() { told_ = std::nullopt; }

    [[nodiscard]] Instant next_timeout() const { return lower_at_; }

    // What the publisher is to be told now; nothing where it knows. Before the first time it takes
    // everything for wanted.
    [[nodiscard]] std::optional<WantedSize> poll(Instant now);

  private:
    WantedSize wanted_ = kEverySize;
    WantedSize told_ = kEverySize;
    Instant lower_at_ = kNever;  // when less is told, if nobody wants more by then
};

}  // namespace isthmus::media::sfu
