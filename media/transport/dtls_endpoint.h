// One DTLS 1.2 association: handshake, SRTP keys, application data, goodbye. OpenSSL behind it.
//
// Driven by PeerTransport; drain poll_datagram() and poll_application_data() after every call that
// takes `now`, and the former after send_application_data() and close(). Datagrams come
// from verified paths only: cookies are not used.
//
// Time: OpenSSL's DTLS reads the machine's clock to decide on retransmission. Here its timer is set
// so far ahead that it never fires by itself, and where ours does, its deadline is moved into the
// past and DTLSv1_handle_timeout() sends the flight again, newly sealed. Until OpenSSL 3.1 the BIO
// is given the address of that deadline; a later OpenSSL keeps it to itself, and there the endpoint
// falls back to OpenSSL's own clock: right in a node, not repeatable in a simulation.
//
// Leaves out: DTLS 1.3, renegotiation, resumption.
// Specification: RFC 6347, RFC 5764 section 4, RFC 8842.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/transport/drained_queue.h"
#include "media/transport/dtls_bio.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/dtls_verify.h"
#include "media/transport/srtp_profile.h"

using SSL = struct ssl_st;

namespace isthmus::media::transport {

enum class DtlsState : std::uint8_t {
    kHandshaking,
    kConnected,
    kClosed,               // close_notify came, or close() was called
    kFailed,               // refused, or a fatal alert, or a limit
    kFingerprintMismatch,  // the certificate is not the one that was promised
};

struct DtlsSrtpKeys {
    SrtpMasterKey local;   // what we send
    SrtpMasterKey remote;  // what the peer sends
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

    [[nodiscard]] Instant next_timeout() const { return deadline_; }

    // Sends close_notify where there is a connection to close.
    void close();

    // One record of SCTP (RFC 8261) or whatever the two sides agreed on. False where there is no
    // connection, it is empty or longer than kApplicationBytesMax, or too much waits to be sent:
    // then it is lost, as a datagram may be.
    bool send_application_data(std::span<const std::byte> data);
    // The content of one record that authenticated and was not seen before, or nothing. Of what
    // came, the first kApplicationRecordsMax wait here; more are lost.
    [[nodiscard]] std::optional<std::vector<std::byte>> poll_application_data();

    // At most kMtuBytes each.
    [[nodiscard]] std::optional<std::vector<std::byte>> poll_datagram();

    [[nodiscard]] DtlsState state() const { return state_; }

    // There from kConnected on, until then null.
    [[nodiscard]] const DtlsSrtpKeys* keys() const { return keys_ ? &*keys_ : nullptr; }

    // From our first flight that was answered without retransmission; zero where there was none.
    // Holds the peer's computing time too.
    [[nodiscard]] Duration rtt() const { return rtt_; }

    // Without IP and UDP headers; safe behind TURN and IPv6 tunnels.
    static constexpr std::size_t kMtuBytes = 1200;
    // What a record adds: header, explicit nonce and tag of AES-GCM (RFC 6347 section 4.1, RFC 5288
    // section 3).
    static constexpr std::size_t kRecordOverheadBytes = 13 + 8 + 16;
    static constexpr std::size_t kApplicationBytesMax = kMtuBytes - kRecordOverheadBytes;
    // A datagram of kDatagramBytesMax holds this many records of a byte and a few.
    static constexpr std::size_t kApplicationRecordsMax = 64;
    // Clients' largest datagram is a ClientHello fragment of 1408 bytes (Firefox).
    static constexpr std::size_t kDatagramBytesMax = 2048;
    // A lost handshake of 30 s stays below: 1.5 kB of ClientHello every few seconds, and
    // duplicates.
    static constexpr std::size_t kHandshakeBytesMax = 65'536;

  private:
    struct SslDeleter {
        void operator()(SSL* ssl) const;
    };

    // Lets OpenSSL work on what came, and sets our timer by what it did.
    void drive(Instant now);
    void handshake(Instant now);
    void read_records();
    void rearm(Instant now, bool sent);
    [[nodiscard]] bool export_keys();
    void fail();

    std::shared_ptr<const DtlsIdentity> identity_;
    DtlsRole role_;
    DtlsPeerCheck check_;
    DtlsBio bio_;  // before ssl_, which refers to it
    std::unique_ptr<SSL, SslDeleter> ssl_;
    DtlsState state_ = DtlsState::kHandshaking;
    std::optional<DtlsSrtpKeys> keys_;
    DrainedQueue<std::vector<std::byte>> received_;
    std::size_t handshake_bytes_ = 0;
    bool started_ = false;

    Instant deadline_ = kNever;
    Duration retransmit_after_{};
    // When our flight that waits for its answer left; empty after a retransmission (Karn).
    std::optional<Instant> flight_sent_at_;
    Duration rtt_{};
};

}  // namespace isthmus::media::transport
