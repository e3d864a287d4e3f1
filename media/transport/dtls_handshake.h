// A DTLS 1.2 handshake: the peer's certificate, SRTP keys, and what goes on after it. OpenSSL
// behind it, which is let go with the handshake: its object takes 38 KiB.
//
// Driven by DtlsEndpoint.
//
// Time: OpenSSL's DTLS reads the machine's clock to decide on retransmission. Here its timer is set
// so far ahead that it never fires by itself, and where ours does, its deadline is moved into the
// past and DTLSv1_handle_timeout() sends the flight again, newly sealed. Until OpenSSL 3.1 the BIO
// is given the address of that deadline; a later OpenSSL keeps it to itself, and there the
// handshake falls back to OpenSSL's own clock: right in a node, not repeatable in a simulation.
//
// Specification: RFC 6347 section 4.2, RFC 5764 section 4, RFC 8842.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "media/transport/dtls_bio.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/dtls_queues.h"
#include "media/transport/dtls_session.h"
#include "media/transport/dtls_verify.h"
#include "media/transport/srtp_profile.h"

using SSL = struct ssl_st;

namespace isthmus::media::transport {

struct DtlsSrtpKeys {
    SrtpMasterKey local;   // what we send
    SrtpMasterKey remote;  // what the peer sends
};

class DtlsHandshake {
  public:
    enum class State : std::uint8_t { kRunning, kDone, kFailed, kFingerprintMismatch };

    // `identity` and `queues` outlive it.
    DtlsHandshake(const DtlsIdentity& identity,
                  DtlsRole role,
                  const Fingerprint& remote,
                  DtlsQueues& queues);
    ~DtlsHandshake();
    DtlsHandshake(const DtlsHandshake&) = delete;
    DtlsHandshake& operator=(const DtlsHandshake&) = delete;

    // Client: sends the first ClientHello; later calls change nothing. Server: nothing to do.
    void start(Instant now);
    void handle_datagram(Instant now, std::span<const std::byte> datagram);
    void handle_timeout(Instant now);

    [[nodiscard]] Instant next_timeout() const { return deadline_; }

    [[nodiscard]] State state() const { return state_; }

    // From our first flight that was answered without retransmission; zero where there was none.
    // Holds the peer's computing time too.
    [[nodiscard]] Duration rtt() const { return rtt_; }

    // There once it is done.
    [[nodiscard]] const DtlsSrtpKeys& srtp_keys() const {
        CHECK(srtp_keys_.has_value());
        return *srtp_keys_;
    }

    [[nodiscard]] const DtlsHandover& handover() const {
        CHECK(handover_.has_value());
        return *handover_;
    }

    // Protected records that came so far, side by side: OpenSSL was given them too, but nobody will
    // read from it what does not belong to the handshake.
    [[nodiscard]] std::span<const std::byte> early_records() const { return early_; }

    // Without IP and UDP headers; safe behind TURN and IPv6 tunnels.
    static constexpr std::size_t kMtuBytes = 1200;
    // A lost handshake of 30 s stays below: 1.5 kB of ClientHello every few seconds, and
    // duplicates.
    static constexpr std::size_t kBytesMax = 65'536;
    // What a peer sends right behind its Finished, where that was lost or overtaken.
    static constexpr std::size_t kEarlyBytesMax = 4096;

  private:
    struct SslDeleter {
        void operator()(SSL* ssl) const;
    };

    // Lets OpenSSL work on what came, and sets our timer by what it did.
    void drive(Instant now);
    void rearm(Instant now, bool sent);
    void keep_early(std::span<const std::byte> datagram);
    [[nodiscard]] bool export_srtp_keys();
    [[nodiscard]] bool hand_over();
    void fail();

    DtlsRole role_;
    DtlsPeerCheck check_;
    DtlsQueues& queues_;
    DtlsBio bio_;  // before ssl_, which refers to it
    std::unique_ptr<SSL, SslDeleter> ssl_;
    State state_ = State::kRunning;
    std::optional<DtlsSrtpKeys> srtp_keys_;
    std::optional<DtlsHandover> handover_;
    std::vector<std::byte> early_;
    std::size_t bytes_ = 0;
    bool started_ = false;

    Instant deadline_ = kNever;
    Duration retransmit_after_{};
    // When our flight that waits for its answer left; empty after a retransmission (Karn).
    std::optional<Instant> flight_sent_at_;
    Duration rtt_{};
};

}  // namespace isthmus::media::transport
