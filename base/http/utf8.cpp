#include "base/http/utf8.h"

#include <cstddef>
#include <cstdint>

namespace isthmus::http {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

[[nodiscard]] std::uint8_t byte_at(std::string_view text, std::size_t index) {
    return static_cast<std::uint8_t>(text[index]);
}

// Bytes of the character at the front of `text`, which is not empty; 0 where it is none.
[[nodiscard]] std::size_t character_bytes(std::string_view text) {
    const std::uint8_t first = byte_at(text, 0);
    if (first < 0x80) {
        return 1;
    }
    // RFC 3629 section 4: the second byte's range depends on the first.
    std::size_t bytes = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        bytes = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        bytes = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        bytes = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    }
    if (bytes == 0 || text.size() < bytes || byte_at(text, 1) < low || byte_at(text, 1) > high) {
        return 0;
    }
    for (std::size_t i = 2; i < bytes; ++i) {
        if ((byte_at(text, i) & 0xC0U) != 0x80U) {
            return 0;
        }
    }
    return bytes;
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) {
            return false;
        }
        text.remove_prefix(bytes);
    }
    return true;
}

bool has_control_characters(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::uint8_t byte = byte_at(text, i);
        const bool c1 = byte == 0xC2 && i + 1 < text.size() && byte_at(text, i + 1) < 0xA0;
        if (byte < 0x20 || byte == 0x7F || c1) {
            return true;
        }
    }
    return false;
}

std::string repair_utf8(std::string_view text) {
    std::string repaired;
    repaired.reserve(text.size());
    while (!text.empty()) {
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) {
            repaired += kReplacement;
            text.remove_prefix(1);
        } else {
            repaired += text.substr(0, bytes);
            text.remove_prefix(bytes);
        }
    }
    return repaired;
}

}  // namespace isthmus::http
