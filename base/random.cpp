#include "base/random.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <openssl/rand.h>

#include "base/check.h"

namespace isthmus {

std::uint32_t RandomSource::next_u32() {
    std::array<std::byte, 4> bytes{};
    fill(bytes);
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

std::uint64_t RandomSource::next_u64() {
    std::array<std::byte, 8> bytes{};
    fill(bytes);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

std::string RandomSource::next_token(std::size_t length) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // Bytes at or above the largest multiple of the alphabet's size are thrown away, so that
    // every character is equally likely.
    constexpr unsigned kLimit = 256 - 256 % kAlphabet.size();
    std::string token;
    token.reserve(length);
    std::array<std::byte, 64> bytes{};
    while (token.size() < length) {
        fill(bytes);
        for (const std::byte b : bytes) {
            const auto value = std::to_integer<unsigned>(b);
            if (value < kLimit && token.size() < length) {
                token.push_back(kAlphabet[value % kAlphabet.size()]);
            }
        }
    }
    return token;
}

void SystemRandom::fill(std::span<std::byte> out) {
    CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) ==
          1);
}

void SeededRandom::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        z ^= z >> 31U;
        const std::size_t n = std::min(out.size(), sizeof z);
        std::memcpy(out.data(), &z, n);
        out = out.subspan(n);
    }
}

}  // namespace isthmus
