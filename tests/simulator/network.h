// Hosts with addresses, joined by their access lines over an ideal core:
//
//     host A -- up --> core -- down --> host B
//
// Each host is behind a NAT that changes nothing until it is told to (rebind). UDP suffers what the
// lines do; frames on a TCP connection only wait.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "tests/simulator/link.h"
#include "tests/simulator/simulator.h"

namespace isthmus::simulator {

// What runs on a host: a sans-I/O core in its usual wrapping.
class Node {
  public:
    virtual ~Node() = default;
    virtual void handle_datagram(Instant now,
                                 const media::transport::Path& path,
                                 std::span<std::byte> bytes) = 0;
    virtual void handle_timeout(Instant now) = 0;
    [[nodiscard]] virtual Instant next_timeout() const = 0;
    // Sends all that is ready; called after everything else.
    virtual void drain(Instant now, media::transport::DatagramSink& sink) = 0;

    // A TCP connection closed.
    virtual void handle_link_closed(Instant /*now*/, media::transport::LinkId /*link*/) {}
};

class Network {
  public:
    using SocketAddress = media::transport::SocketAddress;
    using Path = media::transport::Path;

    // A datagram on its way, with the addresses that the core sees.
    struct Transit {
        SocketAddress from;
        SocketAddress to;
        std::span<const std::byte> bytes;
    };
    enum class Verdict : std::uint8_t { kPass, kDrop };
    // Sees every datagram before its up line does.
    using Tap = std::function<Verdict(const Transit&)>;

    struct TcpPaths {
        Path client;
        Path server;
    };

    Network(Simulator& simulator, std::uint64_t seed) : simulator_(simulator), seed_(seed) {}

    // `node` outlives the network.
    void add_host(Node& node, const LinkConfig& up, const LinkConfig& down);
    void add_address(Node& node, const SocketAddress& address);
    void set_lines(Node& node, const LinkConfig& up, const LinkConfig& down);

    // From now on the host's `inside` address is seen as `outside`; what is sent to the former one
    // is lost.
    void rebind(const SocketAddress& inside, const SocketAddress& outside);

    // An open TCP connection between two known addresses.
    [[nodiscard]] TcpPaths connect_tcp(const SocketAddress& client, const SocketAddress& server);
    // Both ends are told after the line's delay.
    void close_tcp(const TcpPaths& paths);

    // After a test called a node directly: sends what that led to and sets its timer.
    void settle(Node& node);

    // Puts a datagram into the core as if `from` had sent it: what an attacker can do.
    void inject(const SocketAddress& from,
                const SocketAddress& to,
                std::span<const std::byte> bytes);

    void set_tap(Tap tap) { tap_ = std::move(tap); }

    [[nodiscard]] const LinkCounters& up_counters(const Node& node) const;
    [[nodiscard]] const LinkCounters& down_counters(const Node& node) const;

    // Datagrams to addresses that nobody has.
    [[nodiscard]] std::uint64_t unroutable() const { return unroutable_; }

  private:
    struct Host {
        Node* node = nullptr;
        Link up;
        Link down;
        Instant armed_at = kNever;
    };

    struct Binding {
        SocketAddress inside;
        SocketAddress outside;
        Host* host = nullptr;
    };

    // One direction of a TCP connection.
    struct TcpEnd {
        Path path;  // as its owner sees it
        Host* owner = nullptr;
        media::transport::LinkId peer_link;
    };

    void send(Host& from, const media::transport::OutDatagram& datagram);
    void send_tcp(Host& from, const media::transport::OutDatagram& datagram);
    void enter_core(const SocketAddress& from,
                    const SocketAddress& to,
                    std::span<const std::byte> bytes);
    void deliver(Host& host, const Path& path, std::vector<std::byte>& bytes);
    void settle(Host& host);
    void arm(Host& host);
    void wake(Host& host);
    [[nodiscard]] Host& host_of(const Node& node);
    [[nodiscard]] const Host& host_of(const Node& node) const;
    [[nodiscard]] TcpEnd* find_tcp(media::transport::LinkId link);
    [[nodiscard]] TcpEnd& tcp_end(media::transport::LinkId link);
    void drop_tcp_end(media::transport::LinkId link);

    Simulator& simulator_;
    std::uint64_t seed_;
    std::deque<Host> hosts_;  // a deque: hosts keep their place
    std::vector<Binding> bindings_;
    std::vector<TcpEnd> tcp_;
    std::uint32_t next_link_ = kFirstTcpLink;
    std::uint64_t unroutable_ = 0;
    Tap tap_;

    // UDP sockets are link 0.
    static constexpr std::uint32_t kFirstTcpLink = 1;
};

}  // namespace isthmus::simulator
