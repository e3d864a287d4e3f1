#include "media/worker/io/worker_sockets.h"

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "base/check.h"
#include "media/transport/io/local_addresses.h"

namespace isthmus::media {
namespace {

using transport::IpAddress;
using transport::OutDatagram;
using transport::Protocol;
using transport::SocketAddress;

// A port that the kernel chose for the first socket may be taken for another.
constexpr int kPortTries = 16;

// RFC 8445 section 5.1.2.2: host candidates.
constexpr std::uint32_t kUdpTypePreference = 126;
// RFC 6544 section 4.2: below UDP's; section 4.2 also has the direction in the local preference.
constexpr std::uint32_t kTcpTypePreference = 90;
constexpr std::uint32_t kTcpPassiveDirection = 4;

// `rank` 0 is the best address; component 1 is the only one with rtcp-mux.
std::uint32_t priority(Protocol protocol, std::uint32_t rank) {
    if (protocol == Protocol::kTcp) {
        const std::uint32_t local = (kTcpPassiveDirection << 13U) + (8191 - rank);
        return (kTcpTypePreference << 24U) | (local << 8U) | 255U;
    }
    return (kUdpTypePreference << 24U) | ((65535 - rank) << 8U) | 255U;
}

}  // namespace

Result<std::unique_ptr<WorkerSockets>> WorkerSockets::open(const WorkerSocketsConfig& config) {
    CHECK(!config.bind_addresses.empty());
    Result<void> opened;
    for (int attempt = 0; attempt < (config.port == 0 ? kPortTries : 1); ++attempt) {
        std::unique_ptr<WorkerSockets> self(new WorkerSockets());
        opened = self->open_all(config, config.port);
        if (opened) {
            opened = self->make_candidates(config);
        }
        if (opened) {
            return self;
        }
    }
    return std::unexpected(opened.error());
}

Result<void> WorkerSockets::open_all(const WorkerSocketsConfig& config, std::uint16_t port) {
    port_ = port;
    for (const IpAddress& ip : config.bind_addresses) {
        const auto opened = open_one(config, {.ip = ip, .port = port_});
        if (opened) {
            continue;
        }
        // "::" is in the defaults, and machines without IPv6 are common.
        if (ip.is_unspecified() && !ip.is_v4() && config.bind_addresses.size() > 1 &&
            opened.error().code == ErrorCode::kUnavailable) {
            warnings_.push_back(opened.error().message);
            continue;
        }
        return opened;
    }
    return {};
}

Result<void> WorkerSockets::open_one(const WorkerSocketsConfig& config, const SocketAddress& bind) {
    const auto index = static_cast<std::uint32_t>(udp_.size());
    auto udp = transport::UdpBatchSocket::open({.bind = bind,
                                                .link = {index},
                                                .receive_buffer_bytes = config.receive_buffer_bytes,
                                                .send_buffer_bytes = config.send_buffer_bytes,
                                                .marking = config.marking});
    if (!udp) {
        return std::unexpected(udp.error());
    }
    port_ = udp->local_address().port;
    std::ranges::copy(udp->warnings(), std::back_inserter(warnings_));
    if (config.ice_tcp) {
        auto tcp = transport::TcpAcceptor::open({.bind = {.ip = bind.ip, .port = port_},
                                                 .index = static_cast<std::uint32_t>(tcp_.size()),
                                                 .connections_max = config.tcp_connections,
                                                 .link = {}});
        if (!tcp) {
            return std::unexpected(tcp.error());
        }
        tcp_.push_back(*std::move(tcp));
    }
    udp_.push_back(*std::move(udp));
    return {};
}

bool WorkerSockets::listens_for(const IpAddress& address) const {
    return std::ranges::any_of(udp_, [&address](const transport::UdpBatchSocket& socket) {
        const IpAddress& bound = socket.local_address().ip;
        return bound == address || (bound.is_unspecified() && bound.is_v4() == address.is_v4());
    });
}

Result<void> WorkerSockets::make_candidates(const WorkerSocketsConfig& config) {
    const bool with_tcp = !tcp_.empty();
    if (!config.advertised.empty()) {
        for (const SocketAddress& address : config.advertised) {
            add_candidate({.ip = address.ip, .port = address.port != 0 ? address.port : port_},
                          with_tcp);
        }
        return {};
    }
    const auto machine = transport::local_addresses(
        config.advertise_loopback ? transport::LoopbackAddresses::kAlso
                                  : transport::LoopbackAddresses::kIfNothingElse);
    if (!machine) {
        return std::unexpected(machine.error());
    }
    for (const IpAddress& ip : *machine) {
        if (listens_for(ip)) {
            add_candidate({.ip = ip, .port = port_}, with_tcp);
        }
    }
    // Bound to one address that local_addresses() leaves out, such as 127.0.0.1: that one.
    for (const transport::UdpBatchSocket& socket : udp_) {
        const SocketAddress& bound = socket.local_address();
        const bool known = std::ranges::any_of(candidates_, [&bound](const auto& candidate) {
            return candidate.address.ip == bound.ip;
        });
        if (!bound.ip.is_unspecified() && !known) {
            add_candidate({.ip = bound.ip, .port = port_}, with_tcp);
        }
    }
    if (candidates_.empty()) {
        return make_error(ErrorCode::kInvalidArgument,
                          "This machine has no address that clients could reach; set "
                          "media.advertised_addresses.");
    }
    return {};
}

void WorkerSockets::add_candidate(const SocketAddress& address, bool with_tcp) {
    const auto rank = static_cast<std::uint32_t>(candidates_.size());
    // Same type, address and protocol: same foundation (RFC 8445 section 5.1.1.3).
    candidates_.push_back({.protocol = Protocol::kUdp,
                           .address = address,
                           .priority = priority(Protocol::kUdp, rank),
                           .foundation = fmt::format("u{}", rank)});
    if (with_tcp) {
        candidates_.push_back({.protocol = Protocol::kTcp,
                               .address = address,
                               .priority = priority(Protocol::kTcp, rank),
                               .foundation = fmt::format("t{}", rank)});
    }
}

void WorkerSockets::send(std::span<const OutDatagram> datagrams) {
    // Runs of one socket go out together; nearly always all of them do.
    while (!datagrams.empty()) {
        const transport::LinkId link = datagrams.front().path->link;
        const bool tcp = transport::TcpAcceptor::is_tcp(link);
        const auto end = std::ranges::find_if(datagrams, [&](const OutDatagram& one) {
            const transport::LinkId other = one.path->link;
            return tcp ? !transport::TcpAcceptor::is_tcp(other) ||
                             transport::TcpAcceptor::index_of(other) !=
                                 transport::TcpAcceptor::index_of(link)
                       : other != link;
        });
        const auto run = datagrams.first(static_cast<std::size_t>(end - datagrams.begin()));
        if (tcp) {
            tcp_[transport::TcpAcceptor::index_of(link)].send(now_, run);
        } else {
            udp_[link.value].send(run);
        }
        datagrams = datagrams.subspan(run.size());
    }
}

void WorkerSockets::add_to(sfu::WorkerStats& stats) const {
    for (const transport::UdpBatchSocket& socket : udp_) {
        stats.socket_receive_drops += socket.receive_counters().kernel_drops;
        stats.socket_ecn_capable += socket.receive_counters().ecn_capable;
        stats.socket_ecn_congested += socket.receive_counters().ecn_congested;
        stats.socket_send_drops += socket.send_counters().dropped_full +
                                   socket.send_counters().dropped_unreachable +
                                   socket.send_counters().dropped_error;
        stats.socket_send_messages += socket.send_counters().messages;
        stats.socket_segmentation_refused += socket.send_counters().segmentation_refused;
    }
    for (const transport::TcpAcceptor& acceptor : tcp_) {
        stats.tcp_accepted += acceptor.counters().accepted;
        stats.tcp_refused +=
            acceptor.counters().refused_full + acceptor.counters().refused_per_address;
        stats.tcp_frames_dropped += acceptor.link_counters().frames_dropped;
        stats.tcp_connections += acceptor.connections();
    }
}

}  // namespace isthmus::media
