#include "tools/load/client_sockets.h"

#include <utility>

#include <sys/epoll.h>

namespace isthmus::load {

using media::transport::InDatagram;
using media::transport::IpAddress;
using media::transport::LinkId;
using media::transport::OutDatagram;
using media::transport::Path;
using media::transport::SocketAddress;
using media::transport::UdpBatchSocket;
using media::transport::UdpReceiveCounters;

namespace {

constexpr std::uint32_t kFirstAddress = 0x7f01'0001;  // 127.1.0.1
constexpr std::uint32_t kAddresses = 0x00f0'0000;     // to 127.240.255.255

[[nodiscard]] IpAddress address_of(std::size_t client) {
    const std::uint32_t value = kFirstAddress + static_cast<std::uint32_t>(client);
    return IpAddress::v4({static_cast<std::uint8_t>(value >> 24U),
                          static_cast<std::uint8_t>(value >> 16U),
                          static_cast<std::uint8_t>(value >> 8U),
                          static_cast<std::uint8_t>(value)});
}

[[nodiscard]] std::uint32_t value_of(const IpAddress& ip) {
    return (std::uint32_t{ip.bytes[12]} << 24U) | (std::uint32_t{ip.bytes[13]} << 16U) |
           (std::uint32_t{ip.bytes[14]} << 8U) | ip.bytes[15];
}

}  // namespace

Result<ClientSockets> ClientSockets::open(const ClientSocketsConfig& config,
                                          int epoll,
                                          std::uint64_t first_tag) {
    ClientSockets sockets(config, epoll, first_tag);
    if (config.one_for_all) {
        if (const auto added = sockets.add_socket(IpAddress::v4({0, 0, 0, 0})); !added) {
            return std::unexpected(added.error());
        }
    }
    return sockets;
}

Result<void> ClientSockets::add_socket(const IpAddress& bind) {
    auto socket = UdpBatchSocket::open(
        {.bind = {.ip = bind, .port = 0},
         .link = LinkId{static_cast<std::uint32_t>(sockets_.size())},
         .receive_buffer_bytes = config_.receive_buffer_bytes,
         .send_buffer_bytes = config_.one_for_all ? config_.receive_buffer_bytes / 8 : 0,
         .segmentation = config_.gro});
    if (!socket) {
        return std::unexpected(socket.error());
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = first_tag_ + sockets_.size();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket->fd(), &event) != 0) {
        return make_error(ErrorCode::kUnavailable, "epoll takes no more sockets");
    }
    sockets_.push_back(std::move(*socket));
    return {};
}

Result<ClientSockets::Client> ClientSockets::add_client() {
    const std::size_t client = clients_;
    if (config_.one_for_all) {
        if (client >= kAddresses) {
            return make_error(ErrorCode::kLimitExceeded, "a thread has no addresses left");
        }
        ++clients_;
        return Client{
            .local = {.ip = address_of(client), .port = sockets_.front().local_address().port},
            .link = LinkId{0}};
    }
    if (const auto added = add_socket(config_.local_ip); !added) {
        return std::unexpected(added.error());
    }
    ++clients_;
    return Client{.local = sockets_.back().local_address(),
                  .link = LinkId{static_cast<std::uint32_t>(client)}};
}

std::span<const InDatagram> ClientSockets::receive(std::uint64_t tag) {
    return sockets_[static_cast<std::size_t>(tag - first_tag_)].receive();
}

bool ClientSockets::drained(std::uint64_t tag) const {
    return sockets_[static_cast<std::size_t>(tag - first_tag_)].drained();
}

std::size_t ClientSockets::client_of(const Path& path) const {
    if (!config_.one_for_all) {
        return path.link.value;
    }
    return static_cast<std::size_t>(value_of(path.local.ip) - kFirstAddress);
}

void ClientSockets::send(std::span<const OutDatagram> datagrams) {
    while (!datagrams.empty()) {
        const std::uint32_t link = datagrams.front().path->link.value;
        std::size_t run = 1;
        while (run < datagrams.size() && datagrams[run].path->link.value == link) {
            ++run;
        }
        sockets_[link].send(datagrams.first(run));
        datagrams = datagrams.subspan(run);
    }
}

UdpReceiveCounters ClientSockets::receive_counters() const {
    UdpReceiveCounters sum;
    for (const UdpBatchSocket& socket : sockets_) {
        const UdpReceiveCounters& counters = socket.receive_counters();
        sum.datagrams += counters.datagrams;
        sum.bytes += counters.bytes;
        sum.messages += counters.messages;
        sum.calls += counters.calls;
        sum.kernel_drops += counters.kernel_drops;
        sum.unusable += counters.unusable;
        sum.errors += counters.errors;
    }
    return sum;
}

std::uint64_t ClientSockets::send_drops() const {
    std::uint64_t sum = 0;
    for (const UdpBatchSocket& socket : sockets_) {
        const auto& counters = socket.send_counters();
        sum += counters.dropped_full + counters.dropped_unreachable + counters.dropped_error;
    }
    return sum;
}

}  // namespace isthmus::load
