// The UDP sockets of one thread's clients. A node tells clients apart by their addresses, so each
// client needs one of its own:
//
// - towards a node on this machine all of them share one socket, and client i sends from the
//   loopback address 127.1.0.1 + i: one recvmmsg and one sendmmsg for many clients;
// - otherwise, or where asked for, each has a socket and with it a port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/io/udp_batch_socket.h"

namespace isthmus::load {

struct ClientSocketsConfig {
    // The address that clients are to have; with one socket for all, any loopback address.
    media::transport::IpAddress local_ip;
    bool one_for_all = true;
    bool gro = false;
    int receive_buffer_bytes = 0;
};

class ClientSockets final : public media::transport::DatagramSink {
  public:
    // Events carry the tag first_tag, or with a socket each first_tag + client.
    [[nodiscard]] static Result<ClientSockets> open(const ClientSocketsConfig& config,
                                                    int epoll,
                                                    std::uint64_t first_tag);

    struct Client {
        media::transport::SocketAddress local;
        media::transport::LinkId link;
    };

    // The next client; clients are numbered from 0.
    [[nodiscard]] Result<Client> add_client();

    // A batch from the socket that an event was about; empty where none waits.
    [[nodiscard]] std::span<const media::transport::InDatagram> receive(std::uint64_t tag);
    // The last receive() from that socket took all that waited.
    [[nodiscard]] bool drained(std::uint64_t tag) const;

    // Whose a datagram is; a number that no client has where it is nobody's.
    [[nodiscard]] std::size_t client_of(const media::transport::Path& path) const;

    void send(std::span<const media::transport::OutDatagram> datagrams) override;

    [[nodiscard]] media::transport::UdpReceiveCounters receive_counters() const;
    [[nodiscard]] std::uint64_t send_drops() const;

    // Of the first socket.
    [[nodiscard]] const std::vector<std::string>& warnings() const {
        return sockets_.front().warnings();
    }

  private:
    ClientSockets(const ClientSocketsConfig& config, int epoll, std::uint64_t first_tag)
        : config_(config), epoll_(epoll), first_tag_(first_tag) {}

    [[nodiscard]] Result<void> add_socket(const media::transport::IpAddress& bind);

    ClientSocketsConfig config_;
    int epoll_;
    std::uint64_t first_tag_;
    std::size_t clients_ = 0;
    std::vector<media::transport::UdpBatchSocket> sockets_;
};

}  // namespace isthmus::load
