// Which packets of one SSRC were seen, and which index a sequence number stands for.
//
// A ring of bits, one for each of the last kBits indices: as libsrtp's windows decide, without
// moving memory when the window moves. Only authenticated packets may be noted. Specification: RFC
// 3711 section 3.3.1, 3.3.2 and appendix A.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "media/transport/srtp_key_derivation.h"

namespace isthmus::media::transport {

template <std::size_t kBits>
class SrtpReplayWindow {
  public:
    static_assert(kBits % 64 == 0);

    // The index that is closest to the highest one so far; of the first packet, its number.
    [[nodiscard]] SrtpIndex estimate(std::uint16_t sequence) const {
        if (highest_ <= kHalf) {
            return sequence;  // there is no roll-over counter below zero
        }
        const auto last = static_cast<std::uint32_t>(highest_ & 0xFFFFU);
        SrtpIndex roc = highest_ >> 16U;
        if (last < kHalf && sequence > last + kHalf) {
            --roc;
        } else if (last >= kHalf && sequence < last - kHalf) {
            ++roc;
        }
        return (roc << 16U) | sequence;
    }

    // Not seen, not older than the window, and within the 48 bits of an index.
    [[nodiscard]] bool is_new(SrtpIndex index) const {
        if (index > highest_) {
            return index >> 48U == 0;
        }
        return highest_ - index < kBits && (word_of(index) & bit_of(index)) == 0;
    }

    // `index` is new.
    void note(SrtpIndex index) {
        if (index > highest_) {
            advance(index);
        }
        words_[place_of(index)] |= bit_of(index);
    }

  private:
    static constexpr std::size_t kWords = kBits / 64;
    static constexpr std::uint32_t kHalf = 1U << 15U;  // of all sequence numbers

    [[nodiscard]] static std::size_t place_of(SrtpIndex index) { return (index / 64) % kWords; }

    [[nodiscard]] static std::uint64_t bit_of(SrtpIndex index) {
        return std::uint64_t{1} << (index % 64);
    }

    [[nodiscard]] std::uint64_t word_of(SrtpIndex index) const { return words_[place_of(index)]; }

    // The bits above `index` in its word.
    [[nodiscard]] static std::uint64_t bits_above(SrtpIndex index) {
        return ~std::uint64_t{0} << (index % 64) << 1U;
    }

    // Forgets what stood in the places of the indices from highest_ + 1 to `to`.
    void advance(SrtpIndex to) {
        if (to - highest_ >= kBits) {
            words_.fill(0);
        } else {
            const SrtpIndex first = highest_ / 64;
            const SrtpIndex last = to / 64;
            for (SrtpIndex word = first; word <= last; ++word) {
                const std::uint64_t above =
                    word == first ? bits_above(highest_) : ~std::uint64_t{0};
                const std::uint64_t beyond = word == last ? bits_above(to) : 0;
                words_[word % kWords] &= ~(above & ~beyond);
            }
        }
        highest_ = to;
    }

    SrtpIndex highest_ = 0;
    std::array<std::uint64_t, kWords> words_{};
};

}  // namespace isthmus::media::transport
