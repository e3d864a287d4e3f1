#include "media/transport/address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

namespace isthmus::media::transport {
namespace {

// ::ffff:0:0/96 (RFC 4291 section 2.5.5.2).
constexpr std::array<std::uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

[[nodiscard]] std::uint64_t load(const std::uint8_t* from) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// The finalizer of splitmix64: spreads every input bit over the whole result.
[[nodiscard]] std::uint64_t mix(std::uint64_t state, std::uint64_t value) {
    state += value + 0x9e3779b97f4a7c15ULL;
    state = (state ^ (state >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    state = (state ^ (state >> 27U)) * 0x94d049bb133111ebULL;
    return state ^ (state >> 31U);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::ranges::copy(text, buffer.begin());
    std::array<std::uint8_t, 4> octets{};
    if (inet_pton(AF_INET, buffer.data(), octets.data()) == 1) {
        return v4(octets);
    }
    IpAddress address;
    if (inet_pton(AF_INET6, buffer.data(), address.bytes.data()) == 1) {
        return address;
    }
    return std::nullopt;
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) {
    IpAddress address;
    std::ranges::copy(kV4Prefix, address.bytes.begin());
    std::ranges::copy(octets, address.bytes.begin() + kV4Prefix.size());
    return address;
}

bool IpAddress::is_v4() const {
    return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

bool IpAddress::is_unspecified() const {
    return *this == IpAddress{} || *this == v4({0, 0, 0, 0});
}

bool IpAddress::is_loopback() const {
    if (is_v4()) {
        return bytes[12] == 127;
    }
    IpAddress loopback;
    loopback.bytes[15] = 1;
    return *this == loopback;
}

bool IpAddress::is_link_local() const {
    if (is_v4()) {
        return bytes[12] == 169 && bytes[13] == 254;
    }
    return bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80;  // fe80::/10
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    // inet_ntop() shortens IPv6 as RFC 5952 asks: lower case, the first longest run of zeros.
    if (is_v4()) {
        inet_ntop(AF_INET, bytes.data() + kV4Prefix.size(), text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    }
    return text.data();
}

std::string SocketAddress::to_string() const {
    const std::string number = std::to_string(port);
    return ip.is_v4() ? ip.to_string() + ":" + number : "[" + ip.to_string() + "]:" + number;
}

std::size_t PathHash::operator()(const Path& path) const {
    // Remote first: within one worker the rest hardly differs.
    std::uint64_t hash =
        mix(load(path.remote.ip.bytes.data()), load(path.remote.ip.bytes.data() + 8));
    hash = mix(hash,
               (static_cast<std::uint64_t>(path.remote.port) << 48U) |
                   (static_cast<std::uint64_t>(path.local.port) << 32U) | path.link.value);
    hash = mix(hash, load(path.local.ip.bytes.data() + 8));
    return hash ^ path.interface_index ^ (static_cast<std::uint64_t>(path.protocol) << 63U);
}

}  // namespace isthmus::media::transport
