// The hash functions of the control channel, over OpenSSL. Bytes are std::string throughout the
// module: they come out of JSON and go into it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"

namespace isthmus::channel {

using Bytes = std::string;  // raw, not text

inline constexpr std::size_t kHashBytes = 32;
inline constexpr std::size_t kNonceBytes = 32;

// What is signed and authenticated: label || 0x00 || each field as 4-byte big-endian length ||
// bytes. The label names the purpose, so that a signature made for one is worth nothing for
// another.
[[nodiscard]] Bytes statement(std::string_view label, std::span<const std::string_view> fields);
[[nodiscard]] Bytes statement(std::string_view label,
                              std::initializer_list<std::string_view> fields);

[[nodiscard]] Bytes sha256(std::string_view data);
[[nodiscard]] Bytes hmac_sha256(std::string_view key, std::string_view data);
// RFC 5869; `length` up to 255 * 32.
[[nodiscard]] Bytes hkdf_sha256(std::string_view secret,
                                std::string_view salt,
                                std::string_view info,
                                std::size_t length = kHashBytes);
// Takes as long for unequal as for equal values of one length.
[[nodiscard]] bool equal_secrets(std::string_view a, std::string_view b);

[[nodiscard]] Bytes random_bytes(RandomSource& random, std::size_t count);

}  // namespace isthmus::channel
