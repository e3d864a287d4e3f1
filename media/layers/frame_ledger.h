// What became of a stream's last frames on their way to one receiver.
//
// A fixed table, hashed: a frame may be forgotten early, never taken for another that is less than
// some thousand frames away.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace isthmus::media::layers {

enum class Fate : std::uint8_t {
    kUnknown,  // never seen, or forgotten
    kForwarded,
    kForwardedTop,  // the last of its picture: the receiver sees the marker bit at its end
    kDropped,
};

class FrameLedger {
  public:
    void set(std::uint64_t frame, Fate fate) {
        entries_[slot_of(frame)] =
            static_cast<std::uint16_t>(tag_of(frame) << 2U | static_cast<std::uint16_t>(fate));
    }

    [[nodiscard]] Fate of(std::uint64_t frame) const {
        const std::uint16_t entry = entries_[slot_of(frame)];
        return entry >> 2U == tag_of(frame) ? static_cast<Fate>(entry & 3U) : Fate::kUnknown;
    }

  private:
    // Over two seconds of three spatial layers at 60 frames per second.
    static constexpr unsigned kSlotBits = 9;
    static constexpr unsigned kTagBits = 14;

    // Fibonacci hashing: numbers in a row fall far apart.
    [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t frame) {
        return frame * 0x9E3779B97F4A7C15ULL;
    }

    [[nodiscard]] static constexpr std::size_t slot_of(std::uint64_t frame) {
        return static_cast<std::size_t>(mix(frame) >> (64U - kSlotBits));
    }

    [[nodiscard]] static constexpr std::uint16_t tag_of(std::uint64_t frame) {
        return static_cast<std::uint16_t>(mix(frame) >> (64U - kSlotBits - kTagBits) &
                                          ((1U << kTagBits) - 1U));
    }

    std::array<std::uint16_t, std::size_t{1} << kSlotBits> entries_{};
};

}  // namespace isthmus::media::layers
