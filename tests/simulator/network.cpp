#include "tests/simulator/network.h"

#include <algorithm>

#include "base/check.h"

namespace isthmus::simulator {

using media::transport::DatagramSink;
using media::transport::LinkId;
using media::transport::OutDatagram;
using media::transport::Protocol;

namespace {

template <typename Function>
class FunctionSink final : public DatagramSink {
  public:
    explicit FunctionSink(Function function) : function_(std::move(function)) {}

    void send(std::span<const OutDatagram> datagrams) override {
        for (const OutDatagram& datagram : datagrams) {
            function_(datagram);
        }
    }

  private:
    Function function_;
};

}  // namespace

void Network::add_host(Node& node, const LinkConfig& up, const LinkConfig& down) {
    // Every line has a seed of its own, so that one line's datagrams do not change another's luck.
    const std::uint64_t seed = seed_ * 1000 + 2 * hosts_.size();
    hosts_.push_back({.node = &node, .up = Link(up, seed), .down = Link(down, seed + 1)});
}

void Network::add_address(Node& node, const SocketAddress& address) {
    bindings_.push_back({.inside = address, .outside = address, .host = &host_of(node)});
}

void Network::set_lines(Node& node, const LinkConfig& up, const LinkConfig& down) {
    host_of(node).up.set_config(up);
    host_of(node).down.set_config(down);
}

void Network::rebind(const SocketAddress& inside, const SocketAddress& outside) {
    const auto binding = std::ranges::find(bindings_, inside, &Binding::inside);
    CHECK(binding != bindings_.end());
    binding->outside = outside;
}

Network::TcpPaths Network::connect_tcp(const SocketAddress& client, const SocketAddress& server) {
    const auto client_binding = std::ranges::find(bindings_, client, &Binding::inside);
    const auto server_binding = std::ranges::find(bindings_, server, &Binding::outside);
    CHECK(client_binding != bindings_.end() && server_binding != bindings_.end());
    const LinkId client_link{next_link_++};
    const LinkId server_link{next_link_++};
    const TcpPaths paths{.client = {.local = client,
                                    .remote = server,
                                    .link = client_link,
                                    .protocol = Protocol::kTcp},
                         .server = {.local = server_binding->inside,
                                    .remote = client_binding->outside,
                                    .link = server_link,
                                    .protocol = Protocol::kTcp}};
    tcp_.push_back({.path = paths.client, .owner = client_binding->host, .peer_link = server_link});
    tcp_.push_back({.path = paths.server, .owner = server_binding->host, .peer_link = client_link});
    return paths;
}

void Network::close_tcp(const TcpPaths& paths) {
    for (const LinkId link : {paths.client.link, paths.server.link}) {
        const Instant when = tcp_end(link).owner->down.pass_reliably(simulator_.now(), 0);
        simulator_.at(when, [this, link] { drop_tcp_end(link); });
    }
}

void Network::drop_tcp_end(LinkId link) {
    Host* owner = tcp_end(link).owner;
    std::erase_if(tcp_, [link](const TcpEnd& end) { return end.path.link == link; });
    owner->node->handle_link_closed(simulator_.now(), link);
    settle(*owner);
}

void Network::settle(Node& node) {
    settle(host_of(node));
}

void Network::inject(const SocketAddress& from,
                     const SocketAddress& to,
                     std::span<const std::byte> bytes) {
    enter_core(from, to, bytes);
}

const LinkCounters& Network::up_counters(const Node& node) const {
    return host_of(node).up.counters();
}

const LinkCounters& Network::down_counters(const Node& node) const {
    return host_of(node).down.counters();
}

void Network::send(Host& from, const OutDatagram& datagram) {
    CHECK(datagram.path != nullptr && datagram.bytes.size() <= media::transport::kDatagramBytesMax);
    if (datagram.path->protocol == Protocol::kTcp) {
        send_tcp(from, datagram);
        return;
    }
    const auto binding = std::ranges::find(bindings_, datagram.path->local, &Binding::inside);
    CHECK(binding != bindings_.end() && binding->host == &from);
    const SocketAddress outside = binding->outside;
    const SocketAddress to = datagram.path->remote;
    if (tap_ && tap_({.from = outside, .to = to, .bytes = datagram.bytes}) == Verdict::kDrop) {
        return;
    }
    for (const Instant arrival : from.up.pass(simulator_.now(), datagram.bytes.size())) {
        simulator_.at(
            arrival,
            [this,
             outside,
             to,
             bytes = std::vector(datagram.bytes.begin(), datagram.bytes.end())]() mutable {
                enter_core(outside, to, bytes);
            });
    }
}

void Network::send_tcp(Host& from, const OutDatagram& datagram) {
    const TcpEnd* end = find_tcp(datagram.path->link);
    TcpEnd* peer = end == nullptr ? nullptr : find_tcp(end->peer_link);
    if (peer == nullptr) {
        return;  // closed
    }
    if (tap_ &&
        tap_({.from = peer->path.remote, .to = end->path.remote, .bytes = datagram.bytes}) ==
            Verdict::kDrop) {
        return;
    }
    const std::size_t size = datagram.bytes.size();
    const Instant in_core = from.up.pass_reliably(simulator_.now(), size);
    const Instant arrival = peer->owner->down.pass_reliably(in_core, size);
    simulator_.at(arrival,
                  [this,
                   link = end->peer_link,
                   bytes = std::vector(datagram.bytes.begin(), datagram.bytes.end())]() mutable {
                      if (const TcpEnd* receiver = find_tcp(link)) {
                          deliver(*receiver->owner, Path(receiver->path), bytes);
                      }
                  });
}

void Network::enter_core(const SocketAddress& from,
                         const SocketAddress& to,
                         std::span<const std::byte> bytes) {
    const auto binding = std::ranges::find(bindings_, to, &Binding::outside);
    if (binding == bindings_.end()) {
        ++unroutable_;
        return;
    }
    Host& host = *binding->host;
    Path path;
    path.local = binding->inside;
    path.remote = from;
    for (const Instant arrival : host.down.pass(simulator_.now(), bytes.size())) {
        simulator_.at(
            arrival, [this, &host, path, copy = std::vector(bytes.begin(), bytes.end())]() mutable {
                deliver(host, path, copy);
            });
    }
}

void Network::deliver(Host& host, const Path& path, std::vector<std::byte>& bytes) {
    host.node->handle_datagram(simulator_.now(), path, bytes);
    settle(host);
}

void Network::settle(Host& host) {
    FunctionSink sink([this, &host](const OutDatagram& datagram) { send(host, datagram); });
    host.node->drain(simulator_.now(), sink);
    arm(host);
}

void Network::arm(Host& host) {
    const Instant next = host.node->next_timeout();
    // An event that fires too early finds that out and arms again.
    if (next == kNever || next >= host.armed_at) {
        return;
    }
    host.armed_at = std::max(next, simulator_.now());
    simulator_.at(host.armed_at, [this, &host, armed_at = host.armed_at] {
        if (host.armed_at == armed_at) {
            wake(host);
        }
    });
}

void Network::wake(Host& host) {
    host.armed_at = kNever;
    if (host.node->next_timeout() <= simulator_.now()) {
        host.node->handle_timeout(simulator_.now());
        settle(host);
    } else {
        arm(host);
    }
}

Network::Host& Network::host_of(const Node& node) {
    const auto found = std::ranges::find(hosts_, &node, &Host::node);
    CHECK(found != hosts_.end());
    return *found;
}

const Network::Host& Network::host_of(const Node& node) const {
    return const_cast<Network*>(this)->host_of(node);
}

Network::TcpEnd& Network::tcp_end(LinkId link) {
    TcpEnd* end = find_tcp(link);
    CHECK(end != nullptr);
    return *end;
}

Network::TcpEnd* Network::find_tcp(LinkId link) {
    const auto found =
        std::ranges::find(tcp_, link, [](const TcpEnd& end) { return end.path.link; });
    return found == tcp_.end() ? nullptr : &*found;
}

}  // namespace isthmus::simulator
