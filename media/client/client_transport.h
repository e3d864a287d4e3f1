// A WebRTC client's way in and out, sans-I/O: controlling ICE towards an ICE-lite node, DTLS, SRTP
// both ways. What PeerTransport is to the node, seen from the other side.
//
// After every call that takes `now`, drain poll_datagram() and re-arm from next_timeout(). A packet
// is decrypted where it lies and handed back by the call that brought it; what goes out is sealed
// by the owner, in one batch over all its clients, with send_key(). Nothing is allocated per
// packet.
//
// Leaves out: what the packets mean (media_receiver.h, media_sender.h), signaling, ICE's gathering.
// Specification: RFC 8445, RFC 7675, RFC 8842, RFC 5764, RFC 7983.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/client/ice_controller.h"
#include "media/transport/datagram.h"
#include "media/transport/dtls_endpoint.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_session.h"

namespace isthmus::media::client {

struct ClientTransportConfig {
    transport::IceCredentials local;
    transport::IceCredentials remote;
    transport::Fingerprint remote_fingerprint;
    std::shared_ptr<const transport::DtlsIdentity> identity;
    transport::DtlsRole role = transport::DtlsRole::kClient;
    transport::SrtpFanout* fanout = nullptr;  // makes send_key(); outlives the client
    bool nominate_at_once = false;            // as Firefox does
    bool begin_as_controlled = false;         // see IceControllerConfig
    // False: ICE only, as a client that hangs half-way.
    bool speak_dtls = true;
};

enum class PlainKind : std::uint8_t { kNone, kRtp, kRtcp };

// A decrypted packet, or kNone for what the transport kept or refused. The bytes lie in the
// datagram.
struct PlainPacket {
    PlainKind kind = PlainKind::kNone;
    std::span<std::byte> bytes;
};

struct ClientTransportCounters {
    std::uint64_t srtp_errors = 0;  // not authentic, seen before, or before the keys
};

class ClientTransport {
  public:
    // `random` outlives the client.
    ClientTransport(ClientTransportConfig config, RandomSource& random);

    [[nodiscard]] PlainPacket handle_datagram(Instant now,
                                              const transport::Path& path,
                                              std::span<std::byte> bytes);

    // For an owner of many clients that unprotects their packets together
    // (srtp_unprotect_batch.h): the session, null before the keys are there, and what became of a
    // packet.
    [[nodiscard]] transport::SrtpSession* srtp_session() { return srtp_ ? &*srtp_ : nullptr; }

    PlainPacket account(PlainKind kind, const transport::SrtpResult& result);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    // A check or a DTLS record. Valid until the next call.
    [[nodiscard]] std::optional<transport::OutDatagram> poll_datagram();

    // Encrypts `plain_bytes` of `buffer` in place, which has kSrtcpOverheadBytesMax to spare.
    // Nothing before connected().
    [[nodiscard]] std::optional<std::span<std::byte>> protect_rtcp(std::span<std::byte> buffer,
                                                                   std::size_t plain_bytes);

    // Seals the RTP that we send; null before connected().
    [[nodiscard]] const transport::SrtpSendKey* send_key() const { return send_key_.get(); }

    // SCTP of data channels: as DtlsEndpoint's. What came is there after handle_datagram().
    bool send_application_data(std::span<const std::byte> data) {
        return dtls_.send_application_data(data);
    }

    [[nodiscard]] std::optional<std::vector<std::byte>> poll_application_data() {
        return dtls_.poll_application_data();
    }

    // Sends close_notify.
    void close() { dtls_.close(); }

    [[nodiscard]] bool connected() const {
        return dtls_.state() == transport::DtlsState::kConnected && srtp_.has_value();
    }

    [[nodiscard]] transport::DtlsState dtls_state() const { return dtls_.state(); }

    // Where media goes; null before the node confirmed a nomination.
    [[nodiscard]] const transport::Path* selected_path() const { return ice_.selected_path(); }

    [[nodiscard]] IceController& ice() { return ice_; }

    [[nodiscard]] const IceController& ice() const { return ice_; }

    [[nodiscard]] const ClientTransportCounters& counters() const { return counters_; }

    [[nodiscard]] Duration handshake_rtt() const { return dtls_.rtt(); }

  private:
    [[nodiscard]] PlainPacket unprotect(std::span<std::byte> packet, PlainKind kind);
    void begin_dtls(Instant now);
    void follow_dtls();

    transport::SrtpFanout& fanout_;
    bool speak_dtls_;
    IceController ice_;
    transport::DtlsEndpoint dtls_;
    std::optional<transport::SrtpSession> srtp_;
    std::unique_ptr<transport::SrtpSendKey> send_key_;
    std::vector<std::byte> record_;  // the one that poll_datagram() returned
    ClientTransportCounters counters_;
};

}  // namespace isthmus::media::client
