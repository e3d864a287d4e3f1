#include "media/transport/io/socket_address.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace isthmus::media::transport {

namespace {

constexpr std::size_t kMappedPrefixBytes = 12;  // RFC 4291 section 2.5.5.2

}  // namespace

socklen_t write_kernel_address(const SocketAddress& address,
                               std::uint32_t interface_index,
                               KernelAddress& to) {
    if (address.ip.is_v4()) {
        to.v4 = {};
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons(address.port);
        to.v4.sin_addr = v4_of(address.ip);
        return sizeof to.v4;
    }
    to.v6 = {};
    to.v6.sin6_family = AF_INET6;
    to.v6.sin6_port = htons(address.port);
    to.v6.sin6_addr = v6_of(address.ip);
    to.v6.sin6_scope_id = address.ip.is_link_local() ? interface_index : 0;
    return sizeof to.v6;
}

SocketAddress read_kernel_address(const KernelAddress& from) {
    if (from.any.sa_family == AF_INET) {
        return {.ip = ip_of(from.v4.sin_addr), .port = ntohs(from.v4.sin_port)};
    }
    return {.ip = ip_of(from.v6.sin6_addr), .port = ntohs(from.v6.sin6_port)};
}

IpAddress ip_of(const in_addr& from) {
    IpAddress ip;
    ip.bytes[10] = 0xFF;
    ip.bytes[11] = 0xFF;
    std::memcpy(ip.bytes.data() + kMappedPrefixBytes, &from, sizeof from);
    return ip;
}

IpAddress ip_of(const in6_addr& from) {
    IpAddress ip;
    std::memcpy(ip.bytes.data(), &from, sizeof from);
    return ip;
}

in_addr v4_of(const IpAddress& from) {
    in_addr to{};
    std::memcpy(&to, from.bytes.data() + kMappedPrefixBytes, sizeof to);
    return to;
}

in6_addr v6_of(const IpAddress& from) {
    in6_addr to{};
    std::memcpy(&to, from.bytes.data(), sizeof to);
    return to;
}

SocketAddress bound_address(int fd) {
    KernelAddress address{};
    socklen_t length = sizeof address;
    CHECK(::getsockname(fd, &address.any, &length) == 0);
    return read_kernel_address(address);
}

}  // namespace isthmus::media::transport
