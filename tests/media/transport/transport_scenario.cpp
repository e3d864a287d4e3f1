#include "tests/media/transport/transport_scenario.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::transport {

using simulator::IceClientConfig;

namespace {

constexpr std::uint32_t kSsrc = 0x12345678;

[[nodiscard]] std::shared_ptr<const DtlsIdentity> make_identity() {
    auto identity = DtlsIdentity::make(kSrtpProfilesByPreference);
    CHECK(identity);
    return *identity;
}

[[nodiscard]] std::shared_ptr<const DtlsIdentity> make_long_identity() {
    auto identity = make_identity();
    // ALPN is what OpenSSL lets one fill up at will: five names of 250 bytes.
    std::vector<unsigned char> protocols;
    for (unsigned char name = 'a'; name < 'f'; ++name) {
        protocols.push_back(250);
        protocols.insert(protocols.end(), 250, name);
    }
    // This one function answers 0 for success.
    CHECK(SSL_CTX_set_alpn_protos(
              identity->context(), protocols.data(), static_cast<unsigned>(protocols.size())) == 0);
    return identity;
}

}  // namespace

std::shared_ptr<const DtlsIdentity> identity_of_node() {
    static const std::shared_ptr<const DtlsIdentity> kIdentity = make_identity();
    return kIdentity;
}

std::shared_ptr<const DtlsIdentity> identity_of_client() {
    static const std::shared_ptr<const DtlsIdentity> kIdentity = make_identity();
    return kIdentity;
}

std::shared_ptr<const DtlsIdentity> identity_with_long_hello() {
    static const std::shared_ptr<const DtlsIdentity> kIdentity = make_long_identity();
    return kIdentity;
}

SrtpFanout& shared_fanout() {
    static const std::unique_ptr<SrtpFanout> kFanout = [] {
        auto made = make_srtp_fanout(SrtpEngine::kAuto);
        CHECK(made);
        return std::move(*made);
    }();
    return *kFanout;
}

SocketAddress v4_address(std::uint8_t last, std::uint16_t port) {
    return {.ip = IpAddress::v4({192, 0, 2, last}), .port = port};
}

std::vector<std::byte> make_rtp(std::uint16_t sequence, std::size_t payload_bytes) {
    std::vector<std::byte> packet(12 + payload_bytes, std::byte{0x5a});
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{111};
    store_be16(packet.data() + 2, sequence);
    store_be32(packet.data() + 4, 960U * sequence);
    store_be32(packet.data() + 8, kSsrc);
    return packet;
}

std::vector<std::byte> make_rtcp() {
    std::vector<std::byte> packet(8);
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{201};
    store_be16(packet.data() + 2, 1);
    store_be32(packet.data() + 4, kSsrc);
    return packet;
}

void ClientNode::drain(Instant /*now*/, DatagramSink& sink) {
    while (const auto datagram = client.poll_datagram()) {
        if (!silent) {
            sink.send({&*datagram, 1});
        }
    }
}

void ServerNode::handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) {
    switch (classify(bytes)) {
        case DatagramKind::kStun:
            transport.handle_stun(now, path, bytes);
            return;
        case DatagramKind::kDtls:
            transport.handle_dtls(now, path, bytes);
            return;
        case DatagramKind::kRtp:
            if (const auto plain = transport.unprotect_rtp(now, bytes)) {
                received_rtp.emplace_back(plain->begin(), plain->end());
            }
            return;
        case DatagramKind::kRtcp:
            if (const auto plain = transport.unprotect_rtcp(now, bytes)) {
                received_rtcp.emplace_back(plain->begin(), plain->end());
            }
            return;
        case DatagramKind::kOther:
            return;
    }
}

void ServerNode::drain(Instant /*now*/, DatagramSink& sink) {
    while (const auto datagram = transport.poll_datagram()) {
        ++datagrams_sent;
        sink.send({&*datagram, 1});
    }
    for (const std::vector<std::byte>& packet : to_send_) {
        ASSERT_NE(transport.selected_path(), nullptr);
        const OutDatagram datagram{.path = transport.selected_path(), .bytes = packet};
        ++datagrams_sent;
        sink.send({&datagram, 1});
    }
    to_send_.clear();
    while (const auto event = transport.poll_event()) {
        events.push_back(*event);
    }
}

void ServerNode::send_rtp(std::span<const std::byte> packet) {
    const SrtpSendKey* key = transport.send_key();
    ASSERT_NE(key, nullptr);
    SrtpJob job{.key = key, .header = packet.first(12), .payload = packet.subspan(12), .roc = 0};
    std::vector<std::byte> sealed(job.out_bytes());
    job.out = sealed.data();
    shared_fanout().protect({&job, 1});
    to_send_.push_back(std::move(sealed));
}

std::size_t ServerNode::count(TransportEventKind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events, kind, &TransportEvent::kind));
}

std::optional<CloseReason> ServerNode::close_reason() const {
    const auto closed =
        std::ranges::find(events, TransportEventKind::kClosed, &TransportEvent::kind);
    return closed == events.end() ? std::nullopt : std::optional(closed->reason);
}

Scenario::Scenario(const ScenarioOptions& options)
    : network(simulator, options.seed), random(options.seed) {
    node_ice = {.ufrag = random.next_token(8), .pwd = random.next_token(24)};
    client_ice = {.ufrag = random.next_token(4), .pwd = random.next_token(24)};
    Fingerprint expected = options.client_identity->fingerprint();
    if (options.wrong_fingerprint) {
        expected.digest[31] ^= std::byte{1};
    }
    node = std::make_unique<ServerNode>(simulator.now(),
                                        PeerTransportConfig{.local_ice = node_ice,
                                                            .remote_ice = client_ice,
                                                            .remote_fingerprint = expected,
                                                            .role = options.node_role,
                                                            .identity = identity_of_node(),
                                                            .fanout = &shared_fanout(),
                                                            .limits = options.limits});
    client = std::make_unique<ClientNode>(
        simulator.now(),
        IceClientConfig{
            .local = client_ice,
            .remote = node_ice,
            .remote_fingerprint = identity_of_node()->fingerprint(),
            .identity = options.client_identity,
            .role = options.node_role == DtlsRole::kServer ? DtlsRole::kClient : DtlsRole::kServer,
            .fanout = &shared_fanout(),
            .nominate_at_once = options.nominate_at_once,
            .begin_as_controlled = options.begin_as_controlled,
            .speak_dtls = options.speak_dtls},
        random);
    network.add_host(*client, options.client_up, options.client_down);
    network.add_address(*client, client_address);
    network.add_host(*node, {.delay = {}}, {.delay = {}});
    network.add_address(*node, node_address);
    network.settle(*node);
}

void Scenario::begin() {
    client->client.add_path(simulator.now(), client_path());
    network.settle(*client);
}

bool Scenario::run_until_connected(Duration limit) {
    return simulator.run_until(
        [this] { return node->transport.connected() && client->client.connected(); }, limit);
}

void Scenario::expect_media_flows() {
    const auto rtp = make_rtp(sequence_++, 100);
    const auto rtcp = make_rtcp();
    node->received_rtp.clear();
    node->received_rtcp.clear();
    ASSERT_TRUE(client->client.send_rtp(rtp));
    ASSERT_TRUE(client->client.send_rtcp(rtcp));
    network.settle(*client);
    const auto down = make_rtp(down_sequence_++, 50);
    node->send_rtp(down);
    network.settle(*node);
    simulator.run_for(std::chrono::milliseconds(100));
    ASSERT_EQ(node->received_rtp.size(), 1U);
    EXPECT_EQ(node->received_rtp[0], rtp);
    ASSERT_EQ(node->received_rtcp.size(), 1U);
    EXPECT_EQ(node->received_rtcp[0], rtcp);
    const auto received = client->client.poll_rtp();
    ASSERT_TRUE(received);
    EXPECT_EQ(*received, down);
}

}  // namespace isthmus::media::transport
