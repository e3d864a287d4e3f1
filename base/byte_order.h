// Big-endian loads and stores at any alignment. The caller has checked the bounds.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace isthmus {

template <typename T>
[[nodiscard]] inline T load_be(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) {
        return std::byteswap(value);
    } else {
        return value;
    }
}

template <typename T>
inline void store_be(std::byte* to, T value) {
    if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) {
        value = std::byteswap(value);
    }
    std::memcpy(to, &value, sizeof value);
}

[[nodiscard]] inline std::uint8_t load_u8(const std::byte* from) {
    return std::to_integer<std::uint8_t>(*from);
}

[[nodiscard]] inline std::uint16_t load_be16(const std::byte* from) {
    return load_be<std::uint16_t>(from);
}

[[nodiscard]] inline std::uint32_t load_be24(const std::byte* from) {
    return (static_cast<std::uint32_t>(load_u8(from)) << 16U) | load_be16(from + 1);
}

[[nodiscard]] inline std::uint32_t load_be32(const std::byte* from) {
    return load_be<std::uint32_t>(from);
}

[[nodiscard]] inline std::uint64_t load_be64(const std::byte* from) {
    return load_be<std::uint64_t>(from);
}

inline void store_u8(std::byte* to, std::uint8_t value) {
    *to = std::byte{value};
}

inline void store_be16(std::byte* to, std::uint16_t value) {
    store_be(to, value);
}

inline void store_be24(std::byte* to, std::uint32_t value) {
    store_u8(to, static_cast<std::uint8_t>(value >> 16U));
    store_be16(to + 1, static_cast<std::uint16_t>(value));
}

inline void store_be32(std::byte* to, std::uint32_t value) {
    store_be(to, value);
}

inline void store_be64(std::byte* to, std::uint64_t value) {
    store_be(to, value);
}

}  // namespace isthmus
