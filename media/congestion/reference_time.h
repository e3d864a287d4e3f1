// The reference time of transport-wide feedback, unwrapped: 24 bits of 64 ms turn over every 12.4
// days.
//
// Specification: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::congestion {

class ReferenceTime {
  public:
    // The time that a message's reference means, nearest to that of the newest message before.
    Duration unwrap(std::int32_t reference_64ms) {
        const auto ahead = static_cast<std::uint32_t>(reference_64ms - last_64ms_) & 0xff'ffffU;
        const std::int64_t step =
            ahead < 0x80'0000U ? std::int64_t{ahead} : std::int64_t{ahead} - 0x100'0000;
        last_64ms_ = reference_64ms;
        total_64ms_ += step;
        return total_64ms_ * kUnit;
    }

  private:
    static constexpr Duration kUnit = std::chrono::milliseconds(64);

    std::int32_t last_64ms_ = 0;
    std::int64_t total_64ms_ = 0;
};

}  // namespace isthmus::media::congestion
