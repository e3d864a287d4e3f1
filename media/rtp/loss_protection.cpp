#include "media/rtp/loss_protection.h"

#include <algorithm>

namespace isthmus::media::rtp {

void LossProtection::on_report(double loss_ratio) {
    average_ += (std::clamp(loss_ratio, 0.0, 1.0) - average_) * kWeight;
    std::size_t wanted = level_;
    while (wanted < steps_.size() && average_ >= steps_[wanted].loss_on) {
        ++wanted;
    }
    if (wanted > level_) {
        level_ = wanted;
        below_ = 0;
        return;
    }
    below_ = level_ > 0 && average_ < steps_[level_ - 1].loss_off ? below_ + 1 : 0;
    if (below_ >= kReportsToFall) {
        --level_;
        below_ = 0;
    }
}

}  // namespace isthmus::media::rtp
