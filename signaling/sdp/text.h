// Small pieces of SDP's grammar that several parsers share. Nothing here allocates unless it says
// so.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::signaling::sdp {

// Digits only, the whole text, within T's range.
template <typename T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text, int base = 10) {
    T value = 0;
    const char* const begin = std::to_address(text.begin());
    const char* const end = std::to_address(text.end());
    const auto [stop, failure] = std::from_chars(begin, end, value, base);
    if (text.empty() || text.front() == '-' || failure != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return value;
}

// Takes the text up to the first `separator` off the front, and the separator too.
[[nodiscard]] inline std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

// The words between separators; empty ones are left out. Allocates.
[[nodiscard]] inline std::vector<std::string_view> split_words(std::string_view text,
                                                               char separator = ' ') {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        if (const std::string_view word = take_until(text, separator); !word.empty()) {
            words.push_back(word);
        }
    }
    return words;
}

[[nodiscard]] inline char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline bool equal_without_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

[[nodiscard]] inline bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 8839 section 5.4: ALPHA / DIGIT / "+" / "/".
[[nodiscard]] inline bool is_ice_text(std::string_view text,
                                      std::size_t bytes_min,
                                      std::size_t bytes_max) {
    return text.size() >= bytes_min && text.size() <= bytes_max &&
           std::ranges::all_of(text,
                               [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; });
}

[[nodiscard]] inline bool is_ice_ufrag(std::string_view text) {
    return is_ice_text(text, 4, 256);
}

[[nodiscard]] inline bool is_ice_pwd(std::string_view text) {
    return is_ice_text(text, 22, 256);
}

// RFC 8866 section 9, token: visible ASCII but for a few separators.
[[nodiscard]] inline bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return c > 0x20 && c < 0x7F &&
               std::string_view("\"(),/:;<=>?@[\\]").find(c) == std::string_view::npos;
    });
}

inline constexpr std::size_t kQuotedBytesMax = 60;

// For a sentence about a client's text: shortened, in quotes. Allocates.
[[nodiscard]] inline std::string quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text.substr(0, kQuotedBytesMax)) {
        quoted += c >= 0x20 && c < 0x7F ? c : '?';
    }
    return quoted + (text.size() > kQuotedBytesMax ? "...\"" : "\"");
}

}  // namespace isthmus::signaling::sdp
