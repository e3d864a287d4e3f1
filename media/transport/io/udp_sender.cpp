#include "media/transport/io/udp_sender.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/udp.h>

#include "base/check.h"
#include "media/transport/io/send_error.h"

namespace isthmus::media::transport {

namespace {

// Appends one control part to `control`; returns the bytes used then.
template <typename T>
std::size_t append_control(
    std::byte* control, std::size_t used, int level, int type, const T& data) {
    cmsghdr part{};
    part.cmsg_len = CMSG_LEN(sizeof data);
    part.cmsg_level = level;
    part.cmsg_type = type;
    std::memcpy(control + used, &part, sizeof part);
    std::memcpy(control + used + CMSG_LEN(0), &data, sizeof data);
    return used + CMSG_SPACE(sizeof data);
}

}  // namespace

UdpSender::UdpSender(const SocketAddress& local, const TrafficMarking& marking)
    : v4_(local.ip.is_v4()),
      name_source_(local.ip.is_unspecified()),
      tos_(marking.tos()),
      messages_(kMessages),
      headers_(kMessages),
      vectors_(kVectors) {
    for (std::size_t i = 0; i < kMessages; ++i) {
        headers_[i].msg_hdr.msg_name = &messages_[i].remote;
    }
}

void UdpSender::send(int fd, std::span<const OutDatagram> datagrams) {
    while (!datagrams.empty()) {
        message_count_ = 0;
        vector_count_ = 0;
        while (!datagrams.empty() && message_count_ < kMessages) {
            const std::size_t count = run_length(datagrams);
            add_message(datagrams.first(count));
            datagrams = datagrams.subspan(count);
        }
        if (transmit(fd) == Outcome::kStop) {
            counters_.dropped_full += datagrams.size();
            return;
        }
    }
}

std::size_t UdpSender::run_length(std::span<const OutDatagram> datagrams) const {
    const OutDatagram& first = datagrams.front();
    const std::size_t segment_bytes = first.bytes.size();
    if (!segmentation_ || refusal_messages_left_ != 0 || segment_bytes == 0) {
        return 1;
    }
    std::size_t total_bytes = segment_bytes;
    std::size_t count = 1;
    while (count < datagrams.size() && count < kSegmentsMax) {
        const OutDatagram& next = datagrams[count];
        const std::size_t bytes = next.bytes.size();
        if (bytes == 0 || bytes > segment_bytes || total_bytes + bytes > kSegmentedBytesMax ||
            tos_of(next) != tos_of(first) ||
            (next.path != first.path && !(*next.path == *first.path))) {
            break;
        }
        total_bytes += bytes;
        ++count;
        if (bytes < segment_bytes) {
            break;  // only the last segment may be shorter
        }
    }
    return count;
}

void UdpSender::add_message(std::span<const OutDatagram> run) {
    Message& message = messages_[message_count_];
    msghdr& header = headers_[message_count_].msg_hdr;
    const Path& path = *run.front().path;
    DCHECK(path.remote.ip.is_v4() == v4_);
    header.msg_namelen = write_kernel_address(path.remote, path.interface_index, message.remote);
    const std::span<iovec> vectors = add_vectors(run);
    header.msg_iov = vectors.data();
    header.msg_iovlen = vectors.size();
    header.msg_control = message.control.data();
    header.msg_controllen = write_control(path, run, header);
    if (header.msg_controllen == 0) {
        header.msg_control = nullptr;
    }
    message.run = run;
    ++message_count_;
}

std::span<iovec> UdpSender::add_vectors(std::span<const OutDatagram> run) {
    const std::size_t first = vector_count_;
    for (const OutDatagram& datagram : run) {
        add_vector(first, datagram.bytes);
    }
    return std::span(vectors_).subspan(first, vector_count_ - first);
}

// Datagrams that lie one behind the other are one vector.
void UdpSender::add_vector(std::size_t first, std::span<const std::byte> bytes) {
    // The kernel only reads.
    auto* const data = const_cast<std::byte*>(bytes.data());
    iovec* const last = vector_count_ > first ? &vectors_[vector_count_ - 1] : nullptr;
    if (last != nullptr && static_cast<std::byte*>(last->iov_base) + last->iov_len == data) {
        last->iov_len += bytes.size();
    } else {
        vectors_[vector_count_++] = {.iov_base = data, .iov_len = bytes.size()};
    }
}

std::size_t UdpSender::write_control(const Path& path,
                                     std::span<const OutDatagram> run,
                                     msghdr& header) const {
    auto* const control = static_cast<std::byte*>(header.msg_control);
    std::size_t used = 0;
    if (name_source_ && !path.local.ip.is_unspecified()) {
        if (v4_) {
            in_pktinfo info{};
            info.ipi_spec_dst = v4_of(path.local.ip);
            used = append_control(control, used, IPPROTO_IP, IP_PKTINFO, info);
        } else {
            in6_pktinfo info{};
            info.ipi6_addr = v6_of(path.local.ip);
            info.ipi6_ifindex = path.interface_index;
            used = append_control(control, used, IPPROTO_IPV6, IPV6_PKTINFO, info);
        }
    }
    // One that is not marked has no part: it goes out as the socket's are by default.
    if (const int tos = tos_of(run.front()); tos != 0) {
        used = v4_ ? append_control(control, used, IPPROTO_IP, IP_TOS, tos)
                   : append_control(control, used, IPPROTO_IPV6, IPV6_TCLASS, tos);
    }
    if (run.size() > 1) {
        const auto segment_bytes = static_cast<std::uint16_t>(run.front().bytes.size());
        used = append_control(control, used, IPPROTO_UDP, UDP_SEGMENT, segment_bytes);
    }
    return used;
}

UdpSender::Outcome UdpSender::transmit(int fd) {
    std::size_t next = 0;
    while (next < message_count_) {
        const int sent = ::sendmmsg(
            fd, headers_.data() + next, static_cast<unsigned>(message_count_ - next), MSG_DONTWAIT);
        ++counters_.calls;
        for (int i = 0; i < sent; ++i) {
            count_sent(messages_[next++].run);
        }
        // The first of them failed; where a later one does, the next round says why.
        if (sent < 0 && handle_error(fd, errno, messages_[next++].run) == Outcome::kStop) {
            drop_from(next);
            return Outcome::kStop;
        }
    }
    return Outcome::kGoOn;
}

void UdpSender::drop_from(std::size_t message) {
    for (; message < message_count_; ++message) {
        counters_.dropped_full += messages_[message].run.size();
    }
}

UdpSender::Outcome UdpSender::handle_error(int fd, int error, std::span<const OutDatagram> run) {
    if (run.size() > 1 && is_segmentation_refusal(error)) {
        ++counters_.segmentation_refused;
        if (error == EIO || error == EOPNOTSUPP) {
            refusal_messages_left_ = kRefusalMessages;
        }
        return send_one_by_one(fd, run);
    }
    return count_loss(error, run.size());
}

UdpSender::Outcome UdpSender::send_one_by_one(int fd, std::span<const OutDatagram> run) {
    // The batch at hand is still needed, so this message's parts stand apart from it.
    KernelAddress remote{};
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    const Path& path = *run.front().path;
    msghdr header{};
    header.msg_name = &remote;
    header.msg_namelen = write_kernel_address(path.remote, path.interface_index, remote);
    header.msg_control = control.data();
    header.msg_controllen = write_control(path, run.first(1), header);
    for (std::size_t i = 0; i < run.size(); ++i) {
        iovec vector{.iov_base = const_cast<std::byte*>(run[i].bytes.data()),
                     .iov_len = run[i].bytes.size()};
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        ++counters_.calls;
        if (::sendmsg(fd, &header, MSG_DONTWAIT) >= 0) {
            count_sent(run.subspan(i, 1));
        } else if (count_loss(errno, 1) == Outcome::kStop) {
            counters_.dropped_full += run.size() - i - 1;
            return Outcome::kStop;
        }
    }
    return Outcome::kGoOn;
}

UdpSender::Outcome UdpSender::count_loss(int error, std::size_t datagrams) {
    if (is_full(error)) {
        // Waiting would delay everybody else on this thread.
        counters_.dropped_full += datagrams;
        return Outcome::kStop;
    }
    if (is_unreachable(error)) {
        counters_.dropped_unreachable += datagrams;
    } else {
        counters_.dropped_error += datagrams;
    }
    return Outcome::kGoOn;
}

void UdpSender::count_sent(std::span<const OutDatagram> run) {
    ++counters_.messages;
    counters_.datagrams += run.size();
    for (const OutDatagram& datagram : run) {
        counters_.bytes += datagram.bytes.size();
    }
    if (refusal_messages_left_ != 0) {
        --refusal_messages_left_;
    }
}

}  // namespace isthmus::media::transport
