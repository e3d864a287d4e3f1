// Where a listener listens, as the configuration writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::http {

struct ListenAddress {
    std::string ip;          // IPv4 or IPv6 text, without brackets
    std::uint16_t port = 0;  // 0: the kernel chooses

    // "127.0.0.1:8080" or "[::]:8443"; names are not resolved.
    [[nodiscard]] static std::optional<ListenAddress> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] bool is_v6() const { return ip.contains(':'); }

    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

}  // namespace isthmus::http
