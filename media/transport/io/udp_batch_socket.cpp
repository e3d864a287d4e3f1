#include "media/transport/io/udp_batch_socket.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "base/check.h"
#include "media/transport/io/socket_address.h"

namespace isthmus::media::transport {

namespace {

[[nodiscard]] bool set_option(int fd, int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

[[nodiscard]] int option_of(int fd, int level, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    CHECK(::getsockopt(fd, level, option, &value, &length) == 0);
    return value;
}

[[nodiscard]] std::unexpected<Error> open_error(const SocketAddress& bind,
                                                const char* what,
                                                int error) {
    const ErrorCode code = error == EADDRINUSE ? ErrorCode::kConflict
                           : error == EACCES   ? ErrorCode::kPermissionDenied
                                               : ErrorCode::kUnavailable;
    return make_error(code,
                      "UDP " + bind.to_string() + ": " + what +
                          " failed: " + std::system_category().message(error) +
                          ". Choose another address or port in the configuration.");
}

}  // namespace

Result<UdpBatchSocket> UdpBatchSocket::open(const UdpSocketOptions& options) {
    const bool v4 = options.bind.ip.is_v4();
    FileDescriptor fd(
        ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
        return open_error(options.bind, "socket", errno);
    }
    const bool set = v4 ? set_option(fd.get(), IPPROTO_IP, IP_PKTINFO, 1) &&
                              set_option(fd.get(), IPPROTO_IP, IP_RECVTOS, 1)
                        : set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                              set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                              set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    if (!set || !set_option(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1)) {
        return open_error(options.bind, "setsockopt", errno);
    }
    KernelAddress address{};
    const socklen_t length = write_kernel_address(options.bind, 0, address);
    if (::bind(fd.get(), &address.any, length) != 0) {
        return open_error(options.bind, "bind", errno);
    }
    const SocketAddress local = bound_address(fd.get());
    UdpBatchSocket socket(std::move(fd), local, options);
    socket.set_buffers(options);
    socket.set_segmentation(options.segmentation);
    return socket;
}

UdpBatchSocket::UdpBatchSocket(FileDescriptor fd,
                               const SocketAddress& local,
                               const UdpSocketOptions& options)
    : fd_(std::move(fd)),
      local_address_(local),
      receiver_(local, options.link),
      sender_(local, options.marking) {}

int UdpBatchSocket::set_buffer(int option, int force_option, int bytes) const {
    // The forced option goes above net.core.rmem_max and wmem_max, and needs CAP_NET_ADMIN.
    if (bytes > 0 && !set_option(fd_.get(), SOL_SOCKET, force_option, bytes)) {
        static_cast<void>(set_option(fd_.get(), SOL_SOCKET, option, bytes));
    }
    return option_of(fd_.get(), SOL_SOCKET, option) / 2;
}

void UdpBatchSocket::set_buffers(const UdpSocketOptions& options) {
    const auto warn = [this](const char* buffer, int wanted, int given, const char* sysctl) {
        if (given < wanted) {
            warnings_.push_back("UDP " + local_address_.to_string() + ": the " + buffer +
                                " buffer is " + std::to_string(given) + " bytes in place of " +
                                std::to_string(wanted) + "; raise the sysctl net.core." + sysctl +
                                " or give the node CAP_NET_ADMIN.");
        }
    };
    buffers_.receive_bytes = set_buffer(SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer_bytes);
    buffers_.send_bytes = set_buffer(SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer_bytes);
    warn("receive", options.receive_buffer_bytes, buffers_.receive_bytes, "rmem_max");
    warn("send", options.send_buffer_bytes, buffers_.send_bytes, "wmem_max");
}

void UdpBatchSocket::set_segmentation(bool wanted) {
    const bool can_send = wanted && set_option(fd_.get(), IPPROTO_UDP, UDP_SEGMENT, 0);
    const bool can_receive = wanted && set_option(fd_.get(), IPPROTO_UDP, UDP_GRO, 1);
    sender_.set_segmentation(can_send);
    if (wanted && !(can_send && can_receive)) {
        warnings_.push_back(
            "UDP " + local_address_.to_string() +
            ": this kernel cannot segment UDP (UDP_SEGMENT and UDP_GRO, Linux 5.0); "
            "the node works, at a higher cost per packet.");
    }
}

}  // namespace isthmus::media::transport
