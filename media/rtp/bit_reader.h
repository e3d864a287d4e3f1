// Reads numbers of any bit length, most significant bit first.
//
// Never reads past the end: what lies beyond reads as 0 and makes failed() true, so that a parser
// may check once at its end where all its loops are bounded by themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"

namespace isthmus::media::rtp {

class BitReader {
  public:
    explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    // `bits` is 0 to 32.
    std::uint32_t read(unsigned bits) {
        std::uint32_t value = 0;
        for (; bits != 0; --bits) {
            value = value << 1U | read_bit();
        }
        return value;
    }

    bool read_flag() { return read_bit() != 0; }

    // ns(n) of the AV1 specification, section 4.10.7: one of `values` values, in as few bits as do.
    std::uint32_t read_non_symmetric(std::uint32_t values) {
        unsigned width = 0;
        for (std::uint32_t x = values; x != 0; x >>= 1U) {
            ++width;
        }
        const std::uint32_t shorter = (1U << width) - values;
        const std::uint32_t value = read(width - 1);
        return value < shorter ? value : (value << 1U) - shorter + read_bit();
    }

    // ue(v) of ITU-T H.264 section 9.1; fails on what does not fit into 32 bits.
    std::uint32_t read_exp_golomb() {
        unsigned zeros = 0;
        while (!failed_ && read_bit() == 0) {
            if (++zeros > 31) {
                failed_ = true;
            }
        }
        return failed_ ? 0 : (1U << zeros) - 1 + read(zeros);
    }

    void skip(std::size_t bits) {
        at_ += bits;
        failed_ |= at_ > bytes_.size() * 8;
    }

    [[nodiscard]] std::size_t position() const { return at_; }  // bits

    [[nodiscard]] bool failed() const { return failed_; }

  private:
    std::uint32_t read_bit() {
        if (at_ >= bytes_.size() * 8) {
            failed_ = true;
            return 0;
        }
        const std::uint32_t byte = load_u8(&bytes_[at_ / 8]);
        const std::uint32_t bit = byte >> (7U - at_ % 8) & 1U;
        ++at_;
        return bit;
    }

    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

}  // namespace isthmus::media::rtp
