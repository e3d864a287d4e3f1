// Keeps padding below a share of what is sent, over a minute.
//
// What a connection's beginning takes is not counted: nothing is known then, and a few probes find
// out at once what would take minutes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"

namespace isthmus::media::congestion {

class PaddingBudget {
  public:
    // Of all bytes over the last minute; the promise is 5 %.
    static constexpr double kShareMax = 0.04;
    // How long a beginning lasts.
    static constexpr Duration kBeginning = std::chrono::seconds(5);

    void on_sent(Instant now, DataSize size, bool is_padding) {
        if (now >= slot_ends_) [[unlikely]] {
            turn(now);
        }
        Slot& slot = slots_[slot_];
        slot.bytes += static_cast<std::uint32_t>(size.bytes());
        slot.padding += is_padding && !beginning_ ? static_cast<std::uint32_t>(size.bytes()) : 0;
    }

    // May so much more padding be sent?
    [[nodiscard]] bool allows(Instant now, DataSize size);

  private:
    static constexpr std::size_t kSlots = 12;
    static constexpr Duration kSlot = std::chrono::seconds(5);

    struct Slot {
        std::uint32_t bytes = 0;
        std::uint32_t padding = 0;
    };

    void turn(Instant now);

    std::array<Slot, kSlots> slots_{};
    std::size_t slot_ = 0;
    std::optional<Instant> began_;
    Instant slot_ends_ = Instant::min();
    bool beginning_ = true;
};

}  // namespace isthmus::media::congestion
