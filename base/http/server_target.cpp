#include "base/http/server_target.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace isthmus::http {
namespace {

// More parameters than any route of ours reads; the rest is refused.
constexpr std::size_t kQueryParametersMax = 32;

std::optional<char> decode_escape(std::string_view digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + 2, value, 16);
    if (error != std::errc{} || end != digits.data() + 2) {
        return std::nullopt;
    }
    return static_cast<char>(value);
}

bool is_control(char c) {
    const auto value = static_cast<unsigned char>(c);
    return value < 0x20 || value == 0x7F;
}

// `form`: a plus sign is a space, as in application/x-www-form-urlencoded.
std::optional<std::string> percent_decode(std::string_view text, bool form) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3) {
                return std::nullopt;
            }
            const auto decoded = decode_escape(text.substr(i + 1, 2));
            if (!decoded) {
                return std::nullopt;
            }
            c = *decoded;
            i += 2;
        } else if (form && c == '+') {
            c = ' ';
        }
        if (is_control(c)) {
            return std::nullopt;
        }
        out += c;
    }
    return out;
}

bool parse_query(std::string_view text, RequestTarget& target) {
    while (!text.empty()) {
        const std::size_t ampersand = text.find('&');
        const std::string_view pair = text.substr(0, ampersand);
        text.remove_prefix(ampersand == std::string_view::npos ? text.size() : ampersand + 1);
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = equals == std::string_view::npos
                         ? std::optional<std::string>(std::string())
                         : percent_decode(pair.substr(equals + 1), true);
        if (!name || !value) {
            return false;
        }
        target.query.insert_or_assign(std::move(*name), std::move(*value));
        if (target.query.size() > kQueryParametersMax) {
            return false;
        }
    }
    return true;
}

// RFC 9112 section 3.2.2: a server accepts absolute-form, which proxies send.
std::string_view strip_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.starts_with(scheme)) {
            const std::size_t path = target.find_first_of("/?", scheme.size());
            return path == std::string_view::npos ? "/" : target.substr(path);
        }
    }
    return target;
}

}  // namespace

std::optional<RequestTarget> parse_target(std::string_view target) {
    target = strip_authority(target);
    if (target.empty() || (target.front() != '/' && target.front() != '?')) {
        return std::nullopt;
    }
    const std::size_t question = target.find('?');
    auto path = percent_decode(target.substr(0, question), false);
    if (!path) {
        return std::nullopt;
    }
    RequestTarget result{.path = path->empty() ? "/" : std::move(*path), .query = {}};
    if (question != std::string_view::npos && !parse_query(target.substr(question + 1), result)) {
        return std::nullopt;
    }
    return result;
}

bool valid_authority(std::string_view authority) {
    // RFC 1035's 255 octets of a name, and a port.
    constexpr std::size_t kAuthorityBytesMax = 262;
    return !authority.empty() && authority.size() <= kAuthorityBytesMax &&
           std::ranges::all_of(authority, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      std::string_view(".-_:[]").contains(c);
           });
}

}  // namespace isthmus::http
