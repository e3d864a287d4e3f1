// SocketAddress to and from what the kernel takes.
#pragma once

#include <cstdint>

#include <netinet/in.h>
#include <sys/socket.h>

#include "media/transport/address.h"

namespace isthmus::media::transport {

// Room for either family.
union KernelAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

// Returns the length. `interface_index` counts for IPv6 link-local addresses only.
socklen_t write_kernel_address(const SocketAddress& address,
                               std::uint32_t interface_index,
                               KernelAddress& to);

[[nodiscard]] SocketAddress read_kernel_address(const KernelAddress& from);

[[nodiscard]] IpAddress ip_of(const in_addr& from);
[[nodiscard]] IpAddress ip_of(const in6_addr& from);
[[nodiscard]] in_addr v4_of(const IpAddress& from);
[[nodiscard]] in6_addr v6_of(const IpAddress& from);

// The address that `fd` is bound to; the port is the one that the kernel chose.
[[nodiscard]] SocketAddress bound_address(int fd);

}  // namespace isthmus::media::transport
