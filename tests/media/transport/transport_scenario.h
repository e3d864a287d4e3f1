// One client and one node's PeerTransport on the simulated network:
//
//     client 192.0.2.10:40000 ──up──▶ core ──down──▶ node 198.51.100.1:5004
//                             ◀─down─      ◀──up───
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "media/transport/peer_transport.h"
#include "tests/simulator/ice_client.h"
#include "tests/simulator/network.h"
#include "tests/simulator/simulator.h"

namespace isthmus::media::transport {

[[nodiscard]] std::shared_ptr<const DtlsIdentity> identity_of_node();
[[nodiscard]] std::shared_ptr<const DtlsIdentity> identity_of_client();
// A client whose ClientHello takes two datagrams, as that of today's browsers.
[[nodiscard]] std::shared_ptr<const DtlsIdentity> identity_with_long_hello();
[[nodiscard]] SrtpFanout& shared_fanout();

[[nodiscard]] SocketAddress v4_address(std::uint8_t last, std::uint16_t port);

// Twelve bytes of header and `payload_bytes` of payload.
[[nodiscard]] std::vector<std::byte> make_rtp(std::uint16_t sequence, std::size_t payload_bytes);
// A receiver report without blocks.
[[nodiscard]] std::vector<std::byte> make_rtcp();

class ClientNode final : public simulator::Node {
  public:
    ClientNode(Instant now, simulator::IceClientConfig config, RandomSource& random)
        : client(now, std::move(config), random) {}

    void handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) override {
        client.handle_datagram(now, path, bytes);
    }

    void handle_timeout(Instant now) override { client.handle_timeout(now); }

    [[nodiscard]] Instant next_timeout() const override {
        return silent ? kNever : client.next_timeout();
    }

    void drain(Instant now, DatagramSink& sink) override;

    simulator::IceClient client;
    bool silent = false;  // as if its machine were gone
};

// Demultiplexes as a worker does.
class ServerNode final : public simulator::Node {
  public:
    ServerNode(Instant now, PeerTransportConfig config) : transport(now, std::move(config)) {}

    void handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) override;

    void handle_timeout(Instant now) override { transport.handle_timeout(now); }

    [[nodiscard]] Instant next_timeout() const override { return transport.next_timeout(); }

    void drain(Instant now, DatagramSink& sink) override;

    void handle_link_closed(Instant now, LinkId link) override {
        transport.handle_link_closed(now, link);
    }

    // Seals one RTP packet for the client and sends it with the next drain.
    void send_rtp(std::span<const std::byte> packet);

    [[nodiscard]] std::size_t count(TransportEventKind kind) const;
    [[nodiscard]] std::optional<CloseReason> close_reason() const;

    PeerTransport transport;
    std::vector<TransportEvent> events;
    std::vector<std::vector<std::byte>> received_rtp;
    std::vector<std::vector<std::byte>> received_rtcp;
    std::uint64_t datagrams_sent = 0;

  private:
    std::vector<std::vector<std::byte>> to_send_;
};

struct ScenarioOptions {
    std::uint64_t seed = 1;
    simulator::LinkConfig client_up;
    simulator::LinkConfig client_down;
    DtlsRole node_role = DtlsRole::kServer;
    bool wrong_fingerprint = false;
    bool nominate_at_once = false;
    bool begin_as_controlled = false;
    bool speak_dtls = true;
    std::shared_ptr<const DtlsIdentity> client_identity = identity_of_client();
    TransportLimits limits;
};

class Scenario {
  public:
    explicit Scenario(const ScenarioOptions& options);

    // Lets the client check the path from its first address.
    void begin();
    [[nodiscard]] bool run_until_connected(Duration limit = std::chrono::seconds(30));
    // Both ways, RTP and RTCP, over what is selected now; expects them to arrive.
    void expect_media_flows();

    [[nodiscard]] Path client_path() const {
        return {.local = client_address,
                .remote = node_address,
                .link = {},
                .protocol = Protocol::kUdp,
                .interface_index = 0};
    }

    simulator::Simulator simulator;
    simulator::Network network;
    SeededRandom random;
    SocketAddress client_address = v4_address(10, 40000);
    SocketAddress node_address = v4_address(1, 5004);
    IceCredentials node_ice;
    IceCredentials client_ice;
    std::unique_ptr<ClientNode> client;
    std::unique_ptr<ServerNode> node;

  private:
    std::uint16_t sequence_ = 65534;  // wraps soon
    std::uint16_t down_sequence_ = 1;
};

}  // namespace isthmus::media::transport
