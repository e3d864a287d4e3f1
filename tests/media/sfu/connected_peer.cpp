#include "tests/media/sfu/connected_peer.h"

#include <algorithm>
#include <utility>

namespace isthmus::media::sfu::testing {
namespace {

transport::SocketAddress address(std::uint8_t host, std::uint16_t port) {
    return {.ip = transport::IpAddress::v4({192, 0, 2, host}), .port = port};
}

}  // namespace

ConnectedPeer::ConnectedPeer(PeerSurroundings& shared,
                             const std::string& name,
                             MediaSection section)
    : shared_(shared),
      path_({.local = address(1, 5004),
             .remote = address(static_cast<std::uint8_t>(2 + shared.conference.size()), 40000),
             .link = {}}) {
    const transport::IceCredentials node{.ufrag = "node", .pwd = shared.random.next_token(24)};
    const transport::IceCredentials client{.ufrag = "peer", .pwd = shared.random.next_token(24)};
    auto made =
        Participant::make(shared.now,
                          {.id = "PA_" + name,
                           .connection = shared.conference.size() + 1,
                           .identity = name,
                           .name = name,
                           .can_publish = true,
                           .can_subscribe = true,
                           .watch_identity = {},
                           .unix_ns_at_zero = PeerSurroundings::kUnixNsAtZero,
                           .limits = {},
                           .transport = {.local_ice = node,
                                         .remote_ice = client,
                                         .remote_fingerprint = shared.identity->fingerprint(),
                                         .role = transport::DtlsRole::kServer,
                                         .identity = shared.identity,
                                         .fanout = shared.fanout.get(),
                                         .limits = {}}},
                          std::vector<MediaSection>{std::move(section)},
                          shared.random,
                          {.touched = shared.touched, .pacing = shared.pacing});
    participant_ = std::move(made).value();
    shared.conference.add(*participant_);
    client_ = std::make_unique<simulator::IceClient>(
        shared.now,
        simulator::IceClientConfig{.local = client,
                                   .remote = node,
                                   .remote_fingerprint = shared.identity->fingerprint(),
                                   .identity = shared.identity,
                                   .fanout = shared.fanout.get()},
        shared.random);
    client_->add_path(shared.now, {.local = path_.remote, .remote = path_.local, .link = {}});
    shared.peers.push_back(this);
    connect();
}

ConnectedPeer::~ConnectedPeer() {
    std::erase(shared_.peers, this);
}

void ConnectedPeer::leave() {
    shared_.conference.remove(shared_.now, *participant_);
}

void ConnectedPeer::connect() {
    transport::PeerTransport& transport = participant_->transport();
    for (Bytes bytes = poll_client(); !bytes.empty(); bytes = poll_client()) {
        if (transport::classify(bytes) == transport::DatagramKind::kStun) {
            transport.handle_stun(shared_.now, path_, bytes);
        } else {
            transport.handle_dtls(shared_.now, path_, bytes);
        }
        while (const auto datagram = transport.poll_datagram()) {
            send({&*datagram, 1});
        }
    }
    while (transport.poll_event()) {
    }
    ASSERT_TRUE(participant_->connected() && client_->connected());
    participant_->on_connected(shared_.now);
    shared_.conference.on_connected(shared_.now, *participant_);
}

Bytes ConnectedPeer::poll_client() {
    const auto datagram = client_->poll_datagram();
    return datagram ? Bytes(datagram->bytes.begin(), datagram->bytes.end()) : Bytes();
}

void ConnectedPeer::send_rtp(std::span<const std::byte> plain) {
    ASSERT_TRUE(client_->send_rtp(plain));
    Bytes packet = poll_client();
    participant_->handle_rtp(shared_.now, packet, shared_.stats);
    participant_->forward_pending(shared_.now, shared_.batch, *this);
}

void ConnectedPeer::send_rtp_together(std::span<const Bytes> plain) {
    std::vector<Bytes> received;  // lives until all is offered, as a worker's batch does
    for (const Bytes& each : plain) {
        ASSERT_TRUE(client_->send_rtp(each));
        received.push_back(poll_client());
        participant_->handle_rtp(shared_.now, received.back(), shared_.stats);
    }
    participant_->forward_pending(shared_.now, shared_.batch, *this);
}

void ConnectedPeer::send_rtcp(std::span<const std::byte> plain) {
    ASSERT_TRUE(client_->send_rtcp(plain));
    Bytes packet = poll_client();
    participant_->handle_rtcp(shared_.now, packet, shared_.batch, *this, shared_.stats);
}

void ConnectedPeer::send_forged_rtcp(std::span<const std::byte> plain) {
    ASSERT_TRUE(client_->send_rtcp(plain));
    Bytes packet = poll_client();
    packet.at(10) ^= std::byte{1};
    participant_->handle_rtcp(shared_.now, packet, shared_.batch, *this, shared_.stats);
}

void ConnectedPeer::settle() {
    shared_.batch.flush(*this);
    participant_->handle_timeout(shared_.now);
    participant_->send_feedback(shared_.now, *this, shared_.stats);
}

void ConnectedPeer::send(std::span<const transport::OutDatagram> datagrams) {
    for (const transport::OutDatagram& datagram : datagrams) {
        const auto peer = std::ranges::find_if(shared_.peers, [&](const ConnectedPeer* each) {
            return each->path_ == *datagram.path;
        });
        ASSERT_NE(peer, shared_.peers.end());
        (*peer)->hear(datagram.bytes);
    }
}

void ConnectedPeer::hear(std::span<const std::byte> datagram) {
    Bytes bytes(datagram.begin(), datagram.end());
    client_->handle_datagram(
        shared_.now, {.local = path_.remote, .remote = path_.local, .link = {}}, bytes);
}

std::vector<Bytes> ConnectedPeer::take_rtp() {
    std::vector<Bytes> packets;
    while (auto packet = client_->poll_rtp()) {
        packets.push_back(*std::move(packet));
    }
    return packets;
}

std::vector<Bytes> ConnectedPeer::take_rtcp() {
    std::vector<Bytes> packets;
    while (auto packet = client_->poll_rtcp()) {
        packets.push_back(*std::move(packet));
    }
    return packets;
}

}  // namespace isthmus::media::sfu::testing
