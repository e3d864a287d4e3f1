// Base64 with the alphabet for URLs (RFC 4648 section 5), without padding, as RFC 7515 has it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace isthmus::http {

[[nodiscard]] std::string encode_base64url(std::span<const unsigned char> bytes);
[[nodiscard]] std::string encode_base64url(std::string_view text);

// Strict: no padding, no other characters, unused bits 0, so that each value has one spelling.
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace isthmus::http
