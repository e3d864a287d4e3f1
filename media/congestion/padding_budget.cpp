#include "media/congestion/padding_budget.h"

#include <algorithm>

namespace isthmus::media::congestion {

void PaddingBudget::turn(Instant now) {
    if (!began_) {
        began_ = now;
        slot_ends_ = now + kSlot;
        return;
    }
    beginning_ = now - *began_ < kBeginning;
    const auto passed = static_cast<std::size_t>((now - slot_ends_) / kSlot) + 1;
    for (std::size_t i = 0; i < std::min(passed, kSlots); ++i) {
        slot_ = (slot_ + 1) % kSlots;
        slots_[slot_] = {};
    }
    slot_ends_ += static_cast<std::int64_t>(passed) * kSlot;
}

bool PaddingBudget::allows(Instant now, DataSize size) {
    if (now >= slot_ends_) {
        turn(now);
    }
    if (beginning_) {
        return true;
    }
    std::int64_t bytes = size.bytes();
    std::int64_t padding = size.bytes();
    for (const Slot& slot : slots_) {
        bytes += slot.bytes;
        padding += slot.padding;
    }
    return static_cast<double>(padding) <= kShareMax * static_cast<double>(bytes);
}

}  // namespace isthmus::media::congestion
