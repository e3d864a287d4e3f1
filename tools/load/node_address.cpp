#include "tools/load/node_address.h"

#include <cstring>
#include <memory>
#include <string>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "media/transport/io/file_descriptor.h"
#include "media/transport/io/socket_address.h"

namespace isthmus::load {

using media::transport::FileDescriptor;
using media::transport::IpAddress;
using media::transport::KernelAddress;
using media::transport::SocketAddress;

Result<SocketAddress> resolve(const HttpAuthority& authority) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(
        authority.host.c_str(), std::to_string(authority.port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    if (failure != 0 || found == nullptr || found->ai_addrlen > sizeof(KernelAddress)) {
        return make_error(
            ErrorCode::kNotFound,
            "the name " + authority.host + " has no address: " + ::gai_strerror(failure));
    }
    KernelAddress address{};
    std::memcpy(&address, found->ai_addr, found->ai_addrlen);
    return media::transport::read_kernel_address(address);
}

Result<IpAddress> local_address_towards(const SocketAddress& node) {
    KernelAddress address{};
    const socklen_t length = media::transport::write_kernel_address(node, 0, address);
    const FileDescriptor fd(::socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), &address.any, length) != 0) {
        return make_error(ErrorCode::kUnavailable, "there is no route to " + node.to_string());
    }
    return media::transport::bound_address(fd.get()).ip;
}

}  // namespace isthmus::load
