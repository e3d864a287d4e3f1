#include "media/sfu/layer_demand.h"

namespace isthmus::media::sfu {

void LayerDemand::on_demand(Instant now, WantedSize wanted) {
    wanted_ = wanted;
    if (wanted_ >= told_) {
        lower_at_ = kNever;
    } else if (lower_at_ == kNever) {
        lower_at_ = now + kPatience;
    }
}

std::optional<WantedSize> LayerDemand::poll(Instant now) {
    if (wanted_ == told_ || (wanted_ < told_ && now < lower_at_)) {
        return std::nullopt;
    }
    told_ = wanted_;
    lower_at_ = kNever;
    return told_;
}

}  // namespace isthmus::media::sfu
