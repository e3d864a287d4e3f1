// Writes numbers of any bit length, most significant bit first, into bytes that it clears as it
// goes.
//
// Never writes past the end: failed() is then true.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "media/rtp/bit_reader.h"

namespace isthmus::media::rtp {

class BitWriter {
  public:
    explicit BitWriter(std::span<std::byte> bytes) : bytes_(bytes) {}

    // The lowest `bits` of `value`; 0 to 32.
    void write(std::uint32_t value, unsigned bits) {
        for (; bits != 0; --bits) {
            write_bit(value >> (bits - 1) & 1U);
        }
    }

    // The next `bits` of `from`, as they are.
    void copy(BitReader& from, std::size_t bits) {
        for (; bits != 0; --bits) {
            write_bit(from.read(1));
        }
    }

    [[nodiscard]] std::size_t position() const { return at_; }  // bits

    // Whole bytes begun; unused bits of the last are 0.
    [[nodiscard]] std::size_t bytes() const { return (at_ + 7) / 8; }

    [[nodiscard]] bool failed() const { return failed_; }

  private:
    void write_bit(std::uint32_t bit) {
        if (at_ >= bytes_.size() * 8) {
            failed_ = true;
            return;
        }
        std::byte& byte = bytes_[at_ / 8];
        if (at_ % 8 == 0) {
            byte = std::byte{0};
        }
        byte |= static_cast<std::byte>(bit << (7U - at_ % 8));
        ++at_;
    }

    std::span<std::byte> bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

}  // namespace isthmus::media::rtp
