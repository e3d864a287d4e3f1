// A whole client, sans-I/O: controlling ICE towards an ICE-lite node, DTLS, SRTP both ways. Speaks
// plaintext RTP and RTCP to its owner.
//
// After every call that takes `now`, and after send_rtp() and send_rtcp(), drain poll_datagram()
// and then read poll_rtp() and poll_rtcp(). Behaves as Chromium does: checks every path, nominates
// the first that works with a second check, repeats the nomination on the selected path every 2.5
// s; `nominate_at_once` is Firefox's way. Leaves out: gathering, candidate priorities, congestion
// control, reports. Specification: RFC 8445 section 7.2, RFC 7675, RFC 5764.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/transport/datagram.h"
#include "media/transport/dtls_endpoint.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_session.h"
#include "media/transport/stun_message.h"

namespace isthmus::simulator {

struct IceClientConfig {
    media::transport::IceCredentials local;
    media::transport::IceCredentials remote;
    media::transport::Fingerprint remote_fingerprint;
    std::shared_ptr<const media::transport::DtlsIdentity> identity;
    media::transport::DtlsRole role = media::transport::DtlsRole::kClient;
    media::transport::SrtpFanout* fanout = nullptr;  // outlives the client
    bool nominate_at_once = false;
    // Wrong on purpose: the node answers 487, after which the client is controlling.
    bool begin_as_controlled = false;
    // False: ICE only, as a client that hangs half-way.
    bool speak_dtls = true;
};

struct IceClientCounters {
    std::uint64_t checks_sent = 0;
    std::uint64_t checks_answered = 0;
    std::uint64_t answers_bad = 0;
    std::uint64_t role_conflicts = 0;
    std::uint64_t srtp_errors = 0;
};

class IceClient {
  public:
    using Bytes = std::vector<std::byte>;
    using Path = media::transport::Path;

    // `random` outlives the client.
    IceClient(Instant now, IceClientConfig config, RandomSource& random);

    // Checked from now on.
    void add_path(Instant now, const Path& path);
    void remove_path(const Path& path);
    // Moves to a path that was added: the next check there carries USE-CANDIDATE.
    void nominate(Instant now, const Path& path);
    // New credentials on both sides; every path is checked and one nominated again.
    void restart_ice(Instant now,
                     media::transport::IceCredentials local,
                     media::transport::IceCredentials remote);

    void handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    // Valid until the next call.
    [[nodiscard]] std::optional<media::transport::OutDatagram> poll_datagram();

    // Whole plaintext packets; false before connected(), or for what is no packet. Sequence numbers
    // may wrap.
    bool send_rtp(std::span<const std::byte> packet);
    bool send_rtcp(std::span<const std::byte> packet);
    [[nodiscard]] std::optional<Bytes> poll_rtp();
    [[nodiscard]] std::optional<Bytes> poll_rtcp();

    // Sends close_notify.
    void close();

    [[nodiscard]] bool connected() const {
        return dtls_.state() == media::transport::DtlsState::kConnected && srtp_ != nullptr;
    }

    [[nodiscard]] media::transport::DtlsState dtls_state() const { return dtls_.state(); }

    // The nominated path, once the node confirmed it; or null.
    [[nodiscard]] const Path* selected_path() const { return selected_ ? &*selected_ : nullptr; }

    [[nodiscard]] std::optional<media::transport::SrtpProfile> srtp_profile() const;

    // The address that the node last saw us at.
    [[nodiscard]] const std::optional<media::transport::SocketAddress>& mapped() const {
        return mapped_;
    }

    [[nodiscard]] const IceClientCounters& counters() const { return counters_; }

    [[nodiscard]] Duration handshake_rtt() const { return dtls_.rtt(); }

  private:
    struct Check {
        media::transport::StunTransactionId transaction{};
        bool use_candidate = false;
    };

    struct Candidate {
        Path path;
        Instant next_check;
        bool valid = false;
        bool nominating = false;
        std::deque<Check> sent{};  // the latest few
    };

    struct Outgoing {
        Path path;
        Bytes bytes;
    };

    void check(Instant now, Candidate& candidate);
    void handle_stun(Instant now, const Path& path, std::span<const std::byte> message);
    void handle_answer(Instant now, Candidate& candidate, const Check& check, int error_code);
    void handle_srtp(std::span<std::byte> packet, bool is_rtcp);
    void follow_dtls();
    [[nodiscard]] std::uint32_t roll_over(std::uint32_t ssrc, std::uint16_t sequence);
    [[nodiscard]] Candidate* find(const Path& path);
    void send(const Path& path, Bytes bytes);

    IceClientConfig config_;
    RandomSource& random_;
    media::transport::DtlsEndpoint dtls_;
    std::unique_ptr<media::transport::SrtpSession> srtp_;
    std::unique_ptr<media::transport::SrtpSendKey> send_key_;
    bool controlling_ = true;
    std::uint64_t tie_breaker_ = 0;
    std::vector<Candidate> candidates_;
    std::optional<Path> selected_;
    std::optional<media::transport::SocketAddress> mapped_;
    std::map<std::uint32_t, std::uint64_t> sent_sequences_;  // by SSRC, extended
    std::deque<Outgoing> outgoing_;
    Outgoing sending_;
    std::deque<Bytes> rtp_;
    std::deque<Bytes> rtcp_;
    IceClientCounters counters_;
};

}  // namespace isthmus::simulator
