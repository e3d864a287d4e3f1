#include "media/sfu/connection_meter.h"

#include <utility>

namespace isthmus::media::sfu {

double ConnectionMeter::finish_interval(Instant now, const Received& total) {
    due_at_ = now + kInterval;
    const Received before = std::exchange(before_, total);
    if (total.packets < before.packets || total.lost <= before.lost) {
        return 0;
    }
    const auto lost = static_cast<double>(total.lost - before.lost);
    return lost / (lost + static_cast<double>(total.packets - before.packets));
}

}  // namespace isthmus::media::sfu
