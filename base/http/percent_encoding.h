// Percent-encoding of one path segment or query value (RFC 3986 section 2.1): everything but
// unreserved characters.
#pragma once

#include <string>
#include <string_view>

namespace isthmus::http {

inline constexpr std::string_view kHexDigits = "0123456789ABCDEF";
inline constexpr std::string_view kUnreservedMarks = "-._~";

[[nodiscard]] inline std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (alphanumeric || kUnreservedMarks.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += kHexDigits[byte >> 4U];
            encoded += kHexDigits[byte & 15U];
        }
    }
    return encoded;
}

}  // namespace isthmus::http
