// Counts on a number of few bits over its wraps, as SeqUnwrapper does for sequence numbers.
#pragma once

#include <cstdint>
#include <optional>

namespace isthmus::media::layers {

template <unsigned kBits>
class Unwrapper {
  public:
    // The number that ends in `value` and lies nearest to the highest so far.
    std::uint64_t unwrap(std::uint32_t value) {
        const std::uint64_t full = peek(value);
        if (!highest_ || full > *highest_) {
            highest_ = full;
        }
        return full;
    }

    // The same, without taking notice of it.
    [[nodiscard]] std::uint64_t peek(std::uint32_t value) const {
        value &= kMask;
        if (!highest_) {
            return kCycle + value;  // so that there are numbers before the first
        }
        const auto ahead = static_cast<std::uint32_t>(value - *highest_) & kMask;
        return ahead <= kMask / 2 ? *highest_ + ahead : *highest_ + ahead - kCycle;
    }

  private:
    static constexpr std::uint64_t kCycle = std::uint64_t{1} << kBits;
    static constexpr std::uint32_t kMask = static_cast<std::uint32_t>(kCycle - 1);

    std::optional<std::uint64_t> highest_;
};

}  // namespace isthmus::media::layers
