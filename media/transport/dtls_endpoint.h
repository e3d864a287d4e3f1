// One DTLS 1.2 association: handshake, SRTP keys, application data, goodbye.
//
// Holds no more than that: DtlsHandshake (OpenSSL) until the keys are there, DtlsSession from then
// on. Driven by PeerTransport; drain poll_datagram() and poll_application_data() after every call
// that takes `now`, and the former after send_application_data() and close(). Datagrams come from
// verified paths only: cookies are not used.
//
// Leaves out: DTLS 1.3, renegotiation, resumption. Specification: RFC 6347, RFC 5764, RFC 8842.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/transport/dtls_handshake.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/dtls_queues.h"
#include "media/transport/dtls_session.h"

namespace isthmus::media::transport {

enum class DtlsState : std::uint8_t {
    kHandshaking,
    kConnected,
    kClosed,               // close_notify came, or close() was called
    kFailed,               // refused, or a fatal alert, or a limit
    kFingerprintMismatch,  // the certificate is not the one that was promised
};

class DtlsEndpoint {
  public:
    DtlsEndpoint(std::shared_ptr<const DtlsIdentity> identity,
                 DtlsRole role,
                 const Fingerprint& remote);
    ~DtlsEndpoint();
    DtlsEndpoint(const DtlsEndpoint&) = delete;
    DtlsEndpoint& operator=(const DtlsEndpoint&) = delete;

    // Client: sends the first ClientHello; later calls change nothing. Server: nothing to do.
    void start(Instant now);
    void handle_datagram(Instant now, std::span<const std::byte> datagram);
    void handle_timeout(Instant now);

    [[nodiscard]] Instant next_timeout() const {
        return handshake_ ? handshake_->next_timeout() : kNever;
    }

    // One record of SCTP (RFC 8261) or whatever the two sides agreed on. False where there is no
    // connection, it is empty or longer than kApplicationBytesMax, or too much waits to be sent:
    // then it is lost, as a datagram may be.
    bool send_application_data(std::span<const std::byte> data);
    // The content of one record that authenticated and was not seen before, or nothing. Of what
    // came, the first DtlsQueues::kReceivedMax wait here; more are lost.
    [[nodiscard]] std::optional<std::vector<std::byte>> poll_application_data();

    // Sends close_notify where there is a connection to close.
    void close();

    // At most kMtuBytes each.
    [[nodiscard]] std::optional<std::vector<std::byte>> poll_datagram();

    [[nodiscard]] DtlsState state() const { return state_; }

    // There from kConnected on, until then null.
    [[nodiscard]] const DtlsSrtpKeys* keys() const { return keys_ ? &*keys_ : nullptr; }

    // Records refused and datagrams dropped once it is connected.
    [[nodiscard]] std::uint64_t refused() const { return session_ ? session_->refused() : 0; }

    [[nodiscard]] std::uint64_t dropped() const { return queues_.dropped; }

    // As DtlsHandshake's.
    [[nodiscard]] Duration rtt() const { return handshake_ ? handshake_->rtt() : rtt_; }

    static constexpr std::size_t kMtuBytes = DtlsHandshake::kMtuBytes;
    static constexpr std::size_t kApplicationBytesMax =
        kMtuBytes - kDtlsHeaderBytes - kDtlsNonceBytes - kDtlsTagBytes;
    // Clients' largest datagram is a ClientHello fragment of 1408 bytes (Firefox).
    static constexpr std::size_t kDatagramBytesMax = DtlsSession::kDatagramBytesMax;

  private:
    void follow_handshake();
    void follow_session();

    std::shared_ptr<const DtlsIdentity> identity_;
    DtlsQueues queues_;  // before handshake_, which refers to it
    std::unique_ptr<DtlsHandshake> handshake_;
    std::optional<DtlsSession> session_;
    std::optional<DtlsSrtpKeys> keys_;
    DtlsState state_ = DtlsState::kHandshaking;
    Duration rtt_{};
};

}  // namespace isthmus::media::transport
