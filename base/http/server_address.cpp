#include "base/http/server_address.h"

#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <spdlog/fmt/fmt.h>

namespace isthmus::http {

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view ip = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool brackets = ip.size() > 2 && ip.front() == '[' && ip.back() == ']';
    if (brackets) {
        ip = ip.substr(1, ip.size() - 2);
    }
    ListenAddress address{.ip = std::string(ip)};
    std::array<unsigned char, 16> bytes{};
    if (::inet_pton(brackets ? AF_INET6 : AF_INET, address.ip.c_str(), bytes.data()) != 1) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size()) {
        return std::nullopt;
    }
    return address;
}

std::string ListenAddress::to_string() const {
    return is_v6() ? fmt::format("[{}]:{}", ip, port) : fmt::format("{}:{}", ip, port);
}

}  // namespace isthmus::http
