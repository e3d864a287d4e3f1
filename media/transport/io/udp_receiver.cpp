#include "media/transport/io/udp_receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/udp.h>

#include "base/check.h"
#include "media/transport/io/send_error.h"

namespace isthmus::media::transport {

namespace {

// An error that ICMP reported comes in place of datagrams that may well wait behind it.
constexpr int kReadTries = 4;

// RFC 3168 section 5: the lower two bits of the traffic class.
constexpr unsigned kEcnMask = 3;
constexpr unsigned kEcnCongested = 3;

template <typename T>
[[nodiscard]] T data_of(const cmsghdr* part) {
    T value{};
    std::memcpy(&value, CMSG_DATA(part), sizeof value);
    return value;
}

}  // namespace

UdpReceiver::UdpReceiver(const SocketAddress& local, LinkId link)
    : local_(local),
      link_(link),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kMessages * kMessageBytes)),
      messages_(kMessages),
      headers_(kMessages) {
    datagrams_.reserve(kMessages * kSegmentsMax);
    for (std::size_t i = 0; i < kMessages; ++i) {
        messages_[i].vector = {.iov_base = buffer_.get() + i * kMessageBytes,
                               .iov_len = kMessageBytes};
        msghdr& header = headers_[i].msg_hdr;
        header.msg_name = &messages_[i].remote;
        header.msg_iov = &messages_[i].vector;
        header.msg_iovlen = 1;
        header.msg_control = messages_[i].control.data();
        rearm(i);
    }
}

void UdpReceiver::rearm(std::size_t index) {
    msghdr& header = headers_[index].msg_hdr;
    header.msg_namelen = sizeof(KernelAddress);
    header.msg_controllen = kControlBytes;
    header.msg_flags = 0;
}

std::span<const InDatagram> UdpReceiver::receive(int fd) {
    for (std::size_t i = 0; i < used_; ++i) {
        rearm(i);
    }
    datagrams_.clear();
    const int count = read_batch(fd);
    used_ = static_cast<std::size_t>(std::max(count, 0));
    for (std::size_t i = 0; i < used_; ++i) {
        take(i);
    }
    return datagrams_;
}

int UdpReceiver::read_batch(int fd) {
    for (int i = 0; i < kReadTries; ++i) {
        const int count = ::recvmmsg(
            fd, headers_.data(), static_cast<unsigned>(kMessages), MSG_DONTWAIT, nullptr);
        ++counters_.calls;
        if (count >= 0) {
            return count;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        }
        if (is_unreachable(errno)) {
            ++counters_.unreachable;
        } else if (errno != EINTR) {
            ++counters_.errors;
            return 0;
        }
    }
    return 0;
}

UdpReceiver::Control UdpReceiver::read_control(msghdr& header) {
    Control control{.local_ip = local_.ip};
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            const auto info = data_of<in_pktinfo>(part);
            // The local address to answer from; differs from ipi_addr for broadcasts only.
            control.local_ip = ip_of(info.ipi_spec_dst);
            control.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
        } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            const auto info = data_of<in6_pktinfo>(part);
            control.local_ip = ip_of(info.ipi6_addr);
            control.interface_index = info.ipi6_ifindex;
        } else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TOS) {
            control.ecn = data_of<std::uint8_t>(part) & kEcnMask;
        } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_TCLASS) {
            control.ecn = static_cast<std::uint8_t>(data_of<int>(part)) & kEcnMask;
        } else if (part->cmsg_level == IPPROTO_UDP && part->cmsg_type == UDP_GRO) {
            control.segment_bytes = static_cast<std::size_t>(std::max(data_of<int>(part), 0));
        } else if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL) {
            count_drops(data_of<std::uint32_t>(part));
        }
    }
    return control;
}

void UdpReceiver::count_drops(std::uint32_t total) {
    // The kernel counts modulo 2^32 from the socket's beginning.
    counters_.kernel_drops += static_cast<std::uint32_t>(total - drops_seen_);
    drops_seen_ = total;
}

void UdpReceiver::count_ecn(std::uint8_t ecn, std::size_t datagrams) {
    counters_.ecn_capable += ecn != 0 ? datagrams : 0;
    counters_.ecn_congested += ecn == kEcnCongested ? datagrams : 0;
}

void UdpReceiver::take(std::size_t index) {
    Message& message = messages_[index];
    msghdr& header = headers_[index].msg_hdr;
    ++counters_.messages;
    const Control control = read_control(header);
    if ((header.msg_flags & MSG_TRUNC) != 0 || header.msg_namelen == 0) {
        ++counters_.unusable;
        return;
    }
    message.path.remote = read_kernel_address(message.remote);
    message.path.local = {.ip = control.local_ip, .port = local_.port};
    message.path.link = link_;
    message.path.protocol = Protocol::kUdp;
    // Elsewhere a packet may come in by any interface and is the same path.
    message.path.interface_index =
        message.path.remote.ip.is_link_local() ? control.interface_index : 0;
    const std::size_t before = datagrams_.size();
    split({static_cast<std::byte*>(message.vector.iov_base), headers_[index].msg_len},
          control.segment_bytes,
          message.path);
    // The kernel coalesces only what is marked alike.
    count_ecn(control.ecn, datagrams_.size() - before);
}

void UdpReceiver::split(std::span<std::byte> bytes, std::size_t segment_bytes, const Path& path) {
    counters_.bytes += bytes.size();
    if (segment_bytes == 0) {
        datagrams_.push_back({.path = &path, .bytes = bytes});
        ++counters_.datagrams;
        return;
    }
    for (std::size_t segments = 0; !bytes.empty(); ++segments) {
        if (segments == kSegmentsMax) {
            ++counters_.unusable;
            return;
        }
        const std::span<std::byte> segment = bytes.first(std::min(segment_bytes, bytes.size()));
        datagrams_.push_back({.path = &path, .bytes = segment});
        ++counters_.datagrams;
        bytes = bytes.subspan(segment.size());
    }
}

}  // namespace isthmus::media::transport
