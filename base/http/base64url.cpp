#include "base/http/base64url.h"

#include <cstddef>
#include <cstdint>

namespace isthmus::http {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string encode_base64url(std::span<const unsigned char> bytes) {
    std::string text;
    std::uint32_t window = 0;
    unsigned bits = 0;
    for (const unsigned char byte : bytes) {
        window = (window << 8U) | byte;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            text += kAlphabet[(window >> bits) & 63U];
        }
    }
    if (bits > 0) {
        text += kAlphabet[(window << (6 - bits)) & 63U];
    }
    return text;
}

std::string encode_base64url(std::string_view text) {
    // Any object may be read as unsigned char.
    return encode_base64url(
        std::span(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string bytes;
    std::uint32_t window = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        window = (window << 6U) | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>((window >> bits) & 255U);
        }
    }
    if ((window & ((1U << bits) - 1U)) != 0) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace isthmus::http
