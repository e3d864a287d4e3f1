// Where datagrams come from and go to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::media::transport {

// An IPv4 or IPv6 address; IPv4 is held as IPv4-mapped (RFC 4291 section 2.5.5.2).
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    // Dotted quad or RFC 4291 text, no port, no brackets, no zone.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> octets);

    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_unspecified() const;  // 0.0.0.0 or ::
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_link_local() const;
    // Canonical text (RFC 5952).
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct SocketAddress {
    IpAddress ip;
    std::uint16_t port = 0;

    // "192.0.2.1:5004" or "[2001:db8::1]:5004".
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

enum class Protocol : std::uint8_t { kUdp, kTcp };

// One of a worker's UDP sockets, or one of its TCP connections. Never used twice for different TCP
// connections within a worker's life.
struct LinkId {
    std::uint32_t value = 0;

    friend bool operator==(const LinkId&, const LinkId&) = default;
};

// The way between one local and one remote address. Two paths are equal when all of it is.
struct Path {
    SocketAddress local;
    SocketAddress remote;
    LinkId link;
    Protocol protocol = Protocol::kUdp;
    // From IP_PKTINFO; needed to answer link-local addresses, otherwise 0.
    std::uint32_t interface_index = 0;

    friend bool operator==(const Path&, const Path&) = default;
};

struct PathHash {
    [[nodiscard]] std::size_t operator()(const Path& path) const;
};

}  // namespace isthmus::media::transport
