// One client's way in and out: ICE-lite, DTLS and SRTP of one BUNDLE, over however many paths.
//
// Sans-I/O. After every call that takes `now`, drain poll_datagram() and poll_event(), then re-arm
// from next_timeout(); drain the former after send_application_data() too. DTLS is taken from a
// path, and anything is sent to it, only after an ICE check with our password came from there:
// nothing unauthenticated makes the node work or amplifies.
//
// Leaves out: trickle of remote candidates (ICE-lite never checks), renegotiation of DTLS,
// DTLS 1.3. Specification: RFC 8445 section 2.5 and 6.1, RFC 7675, RFC 8842, RFC 5764, RFC 7983.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_session.h"

namespace isthmus::media::transport {

enum class CloseReason : std::uint8_t {
    kDtlsCloseNotify,      // the peer said goodbye
    kDtlsFailure,          // handshake refused, or fatal alert
    kFingerprintMismatch,  // not the certificate that the SDP promised
    kHandshakeTimeout,     // not connected within limits.handshake
    kConsentExpired,       // no valid check and no authentic packet within limits.consent
};

enum class TransportEventKind : std::uint8_t {
    kConnected,    // keys are there; media may flow
    kData,         // DTLS application data came: one record, in `data`
    kPathChanged,  // the client nominated another path; selected_path() is new
    kClosed,       // for good; `reason` says why
};

struct TransportEvent {
    TransportEventKind kind = TransportEventKind::kConnected;
    CloseReason reason = CloseReason::kDtlsCloseNotify;
    std::vector<std::byte> data{};
};

struct TransportLimits {
    // From construction to kConnected.
    Duration handshake = std::chrono::seconds(30);
    // Without a valid check or authentic packet from the peer. Half of RFC 7675's 30 s: a
    // publisher that vanished is to be gone for the others within 15 s.
    Duration consent = std::chrono::seconds(15);
    // Paths remembered per peer; the oldest that is not selected goes.
    std::size_t paths = 16;
};

struct TransportCounters {
    std::uint64_t stun_bad = 0;             // malformed, wrong integrity, wrong username
    std::uint64_t stun_role_conflicts = 0;  // 487 sent
    std::uint64_t dtls_unverified = 0;      // DTLS from a path without a valid check
    std::uint64_t dtls_refused = 0;         // not authentic, seen before, too old, or cut off
    std::uint64_t dtls_dropped = 0;         // more waited than is held
    std::uint64_t srtp_unverified = 0;      // SRTP before keys
    std::uint64_t srtp_auth_failures = 0;
    std::uint64_t srtp_replays = 0;
    std::uint64_t srtp_malformed = 0;
};

struct PeerTransportConfig {
    IceCredentials local_ice;
    IceCredentials remote_ice;
    Fingerprint remote_fingerprint;
    DtlsRole role = DtlsRole::kServer;
    std::shared_ptr<const DtlsIdentity> identity;
    SrtpFanout* fanout = nullptr;  // the worker's engine; outlives the transport
    TransportLimits limits;
};

class PeerTransport {
  public:
    PeerTransport(Instant now, PeerTransportConfig config);
    ~PeerTransport();
    PeerTransport(PeerTransport&&) noexcept;
    PeerTransport& operator=(PeerTransport&&) noexcept;

    // A STUN message whose USERNAME begins with our ufrag, or that came on a known path.
    void handle_stun(Instant now, const Path& path, std::span<const std::byte> message);
    void handle_dtls(Instant now, const Path& path, std::span<const std::byte> record);
    // An authentic check came on `path`: what arrives there is this peer's.
    [[nodiscard]] bool is_verified(const Path& path) const;

    // Decrypts in place. Counts what is refused.
    [[nodiscard]] SrtpResult unprotect_rtp(Instant now, std::span<std::byte> packet);
    [[nodiscard]] SrtpResult unprotect_rtcp(Instant now, std::span<std::byte> packet);

    // For an SrtpUnprotectBatch, which takes the place of the two above: null while there are no
    // keys, and after the end.
    [[nodiscard]] SrtpSession* srtp_session();
    // Counts what a batch refused, takes what it authenticated for a sign of life, and returns it.
    SrtpResult account(Instant now, SrtpResult result);

    // Encrypts `plain_bytes` of `buffer` in place; `buffer` has kSrtcpOverheadBytesMax to spare.
    // Nothing before kConnected.
    [[nodiscard]] std::optional<std::span<std::byte>> protect_rtcp(std::span<std::byte> buffer,
                                                                   std::size_t plain_bytes);

    // SCTP of data channels: one DTLS record, at most DtlsEndpoint::kApplicationBytesMax. False
    // where it cannot be sent now; then it is lost, as a datagram may be.
    bool send_application_data(std::span<const std::byte> data);

    // RFC 8445 section 9: new credentials on both sides; media goes on over the old path until a
    // check with the new ones succeeds. DTLS and SRTP stay.
    void restart_ice(Instant now, IceCredentials local, IceCredentials remote);
    // Where restart_ice() was given empty ones, since the peer's were not known yet.
    void set_remote_ice(IceCredentials remote);

    // A TCP connection is gone; its path is forgotten.
    void handle_link_closed(Instant now, LinkId link);

    // Sends close_notify; kClosed is not reported for it.
    void close(Instant now);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // A STUN answer or DTLS record to send, or nothing when drained. Valid until the next call.
    [[nodiscard]] std::optional<OutDatagram> poll_datagram();
    [[nodiscard]] std::optional<TransportEvent> poll_event();

    [[nodiscard]] bool connected() const;
    // Where media goes; null before the first nominated path (or after its TCP connection closed).
    // Valid until the next call that takes `now`.
    [[nodiscard]] const Path* selected_path() const;
    // Null before kConnected; then valid for the transport's life.
    [[nodiscard]] const SrtpSendKey* send_key() const;
    // Asks for what send_key() and selected_path() read.
    void prefetch() const;
    // After prefetch(): asks for what every reader of the key reads.
    void prefetch_key() const;
    [[nodiscard]] std::optional<SrtpProfile> srtp_profile() const;
    [[nodiscard]] const IceCredentials& local_ice() const;
    [[nodiscard]] const IceCredentials& remote_ice() const;
    [[nodiscard]] const TransportCounters& counters() const;
    // Round trip measured during the DTLS handshake, or zero.
    [[nodiscard]] Duration handshake_rtt() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// What a datagram is, by its first byte (RFC 7983 section 7) and, for RTP and RTCP, its second
// (RFC 5761 section 4).
enum class DatagramKind : std::uint8_t { kStun, kDtls, kRtp, kRtcp, kOther };
[[nodiscard]] DatagramKind classify(std::span<const std::byte> datagram);

// Our side's ufrag from the USERNAME of a binding request ("ours:theirs", RFC 8445 section 7.2.2);
// empty where there is none. Checks structure only, not integrity.
[[nodiscard]] std::string_view stun_local_ufrag(std::span<const std::byte> message);

}  // namespace isthmus::media::transport
