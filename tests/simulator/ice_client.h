// The client of media/client with queues around it, for tests that look at packets one by one.
//
// After every call that takes `now`, and after send_rtp() and send_rtcp(), drain poll_datagram()
// and then read poll_rtp() and poll_rtcp(). Speaks plaintext RTP and RTCP to its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/client/client_transport.h"
#include "media/transport/datagram.h"

namespace isthmus::simulator {

using IceClientConfig = media::client::ClientTransportConfig;

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
    void add_path(Instant now, const Path& path) { transport_.ice().add_path(now, path); }

    void remove_path(const Path& path) { transport_.ice().remove_path(path); }

    // Moves to a path that was added: the next check there carries USE-CANDIDATE.
    void nominate(Instant now, const Path& path) { transport_.ice().nominate(now, path); }

    // New credentials on both sides; every path is checked and one nominated again.
    void restart_ice(Instant now,
                     media::transport::IceCredentials local,
                     media::transport::IceCredentials remote) {
        transport_.ice().restart(now, std::move(local), std::move(remote));
    }

    void handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes);

    void handle_timeout(Instant now) { transport_.handle_timeout(now); }

    [[nodiscard]] Instant next_timeout() const { return transport_.next_timeout(); }

    // Valid until the next call.
    [[nodiscard]] std::optional<media::transport::OutDatagram> poll_datagram();

    // Whole plaintext packets; false before connected(), or for what is no packet. Sequence numbers
    // may wrap.
    bool send_rtp(std::span<const std::byte> packet);
    bool send_rtcp(std::span<const std::byte> packet);
    [[nodiscard]] std::optional<Bytes> poll_rtp();
    [[nodiscard]] std::optional<Bytes> poll_rtcp();

    // One DTLS record each.
    bool send_application_data(std::span<const std::byte> data) {
        return transport_.send_application_data(data);
    }

    [[nodiscard]] std::optional<Bytes> poll_application_data() {
        return transport_.poll_application_data();
    }

    // Sends close_notify.
    void close() { transport_.close(); }

    [[nodiscard]] bool connected() const { return transport_.connected(); }

    [[nodiscard]] media::transport::DtlsState dtls_state() const { return transport_.dtls_state(); }

    // The nominated path, once the node confirmed it; or null.
    [[nodiscard]] const Path* selected_path() const { return transport_.selected_path(); }

    [[nodiscard]] std::optional<media::transport::SrtpProfile> srtp_profile() const;

    // The address that the node last saw us at.
    [[nodiscard]] const std::optional<media::transport::SocketAddress>& mapped() const {
        return transport_.ice().mapped();
    }

    [[nodiscard]] IceClientCounters counters() const;

    [[nodiscard]] Duration handshake_rtt() const { return transport_.handshake_rtt(); }

  private:
    struct Outgoing {
        Path path;
        Bytes bytes;
    };

    [[nodiscard]] std::uint32_t roll_over(std::uint32_t ssrc, std::uint16_t sequence);
    void send(Bytes bytes);

    media::transport::SrtpFanout* fanout_;
    media::client::ClientTransport transport_;
    std::map<std::uint32_t, std::uint64_t> sent_sequences_;  // by SSRC, extended
    std::deque<Outgoing> outgoing_;
    Outgoing sending_;
    std::deque<Bytes> rtp_;
    std::deque<Bytes> rtcp_;
};

}  // namespace isthmus::simulator
