// The sockets of one worker: one port, UDP and TCP, on each bind address; and what clients are told
// about them.
//
// One thread after open(). Leaves out who waits for them: worker_thread.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "media/sfu/conference_info.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/ice.h"
#include "media/transport/io/tcp_acceptor.h"
#include "media/transport/io/udp_batch_socket.h"
#include "media/transport/traffic_class.h"

namespace isthmus::media {

struct WorkerSocketsConfig {
    std::vector<transport::IpAddress> bind_addresses;  // at least one
    std::uint16_t port = 0;                            // 0: the kernel chooses, the same for all
    bool ice_tcp = true;
    // What clients are told to send to; empty: the addresses of this machine. A port of 0 means the
    // worker's own.
    std::vector<transport::SocketAddress> advertised;
    bool advertise_loopback = false;  // beside the machine's other addresses
    int receive_buffer_bytes = 0;     // 0: as the system has it
    int send_buffer_bytes = 0;
    transport::TrafficMarking marking;
    std::uint32_t tcp_connections = 2000;
};

class WorkerSockets final : public transport::DatagramSink {
  public:
    // The error names the address and port. A bind address of a family that the machine does not
    // have is a warning where another one works.
    [[nodiscard]] static Result<std::unique_ptr<WorkerSockets>> open(
        const WorkerSocketsConfig& config);

    [[nodiscard]] std::span<transport::UdpBatchSocket> udp() { return udp_; }

    [[nodiscard]] std::span<transport::TcpAcceptor> tcp() { return tcp_; }

    // Before send(): TCP needs to know how long a frame has waited.
    void set_now(Instant now) { now_ = now; }

    void send(std::span<const transport::OutDatagram> datagrams) override;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] const std::vector<transport::IceCandidate>& candidates() const {
        return candidates_;
    }

    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    // Adds what the sockets count.
    void add_to(sfu::WorkerStats& stats) const;

  private:
    WorkerSockets() = default;
    Result<void> open_all(const WorkerSocketsConfig& config, std::uint16_t port);
    Result<void> open_one(const WorkerSocketsConfig& config, const transport::SocketAddress& bind);
    Result<void> make_candidates(const WorkerSocketsConfig& config);
    void add_candidate(const transport::SocketAddress& address, bool with_tcp);
    [[nodiscard]] bool listens_for(const transport::IpAddress& address) const;

    std::vector<transport::UdpBatchSocket> udp_;
    std::vector<transport::TcpAcceptor> tcp_;
    std::vector<transport::IceCandidate> candidates_;
    std::vector<std::string> warnings_;
    std::uint16_t port_ = 0;
    Instant now_{};
};

}  // namespace isthmus::media
