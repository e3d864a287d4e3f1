// Bytes as the RFCs print them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace isthmus::media::transport {

[[nodiscard]] inline std::vector<std::byte> from_hex(std::string_view text) {
    const auto nibble = [](char c) {
        CHECK((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
        return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    CHECK(text.size() % 2 == 0);
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>((nibble(text[i]) << 4U) | nibble(text[i + 1])));
    }
    return bytes;
}

[[nodiscard]] inline std::string to_hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4U];
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U];
    }
    return text;
}

}  // namespace isthmus::media::transport
