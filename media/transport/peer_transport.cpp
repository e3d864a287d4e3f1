#include "media/transport/peer_transport.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/prefetch.h"
#include "media/transport/drained_queue.h"
#include "media/transport/dtls_endpoint.h"
#include "media/transport/ice_lite.h"

namespace isthmus::media::transport {
namespace {

// STUN answers held for poll_datagram(); the caller drains after each message.
constexpr std::size_t kAnswersMax = 32;

struct Outgoing {
    Path path;
    std::vector<std::byte> bytes;
};

}  // namespace

struct PeerTransport::State {
    State(Instant now, PeerTransportConfig config);

    void apply(Instant now, const Path& path, const CheckOutcome& outcome);
    // Takes over what the DTLS endpoint came to.
    void follow_dtls(Instant now);
    // Once the handshake is done.
    void take_keys(Instant now);
    // Hands up what came in DTLS records.
    void take_data();
    void finish(CloseReason reason);
    [[nodiscard]] Instant deadline() const;
    SrtpResult account(Instant now, SrtpResult result);

    SrtpFanout* fanout;
    TransportLimits limits;
    IceLite ice;
    DtlsEndpoint dtls;
    std::unique_ptr<SrtpSession> srtp;
    std::unique_ptr<SrtpSendKey> send_key;
    // Where DTLS goes: the path that it came from or that was nominated, whichever was later.
    std::optional<Path> dtls_path;
    Instant made_at;
    Instant heard_at;  // last valid check or authentic packet
    bool connected = false;
    bool closed = false;

    DrainedQueue<Outgoing> answers;
    Outgoing sending;  // what poll_datagram() gave out last
    DrainedQueue<TransportEvent> events;
    TransportCounters counters;
};

PeerTransport::State::State(Instant now, PeerTransportConfig config)
    : fanout(config.fanout),
      limits(config.limits),
      ice(std::move(config.local_ice), std::move(config.remote_ice), config.limits.paths),
      dtls(std::move(config.identity), config.role, config.remote_fingerprint),
      made_at(now),
      heard_at(now) {
    CHECK(fanout != nullptr);
}

void PeerTransport::State::apply(Instant now, const Path& path, const CheckOutcome& outcome) {
    if (!outcome.answer.empty() && answers.size() < kAnswersMax) {
        answers.push({.path = path, .bytes = {outcome.answer.begin(), outcome.answer.end()}});
    }
    switch (outcome.result) {
        case CheckResult::kValid:
            heard_at = now;
            break;
        case CheckResult::kRoleConflict:
            ++counters.stun_role_conflicts;
            break;
        case CheckResult::kBad:
            ++counters.stun_bad;
            break;
        case CheckResult::kRepeated:
        case CheckResult::kRefused:
        case CheckResult::kIgnored:
            break;
    }
    if (outcome.selected_path_changed) {
        dtls_path = path;
        events.push({.kind = TransportEventKind::kPathChanged});
        // RFC 8445 section 12.1.2: a lite agent sends nothing of its own accord before this.
        dtls.start(now);
        follow_dtls(now);
    }
}

void PeerTransport::State::follow_dtls(Instant now) {
    counters.dtls_refused = dtls.refused();
    counters.dtls_dropped = dtls.dropped();
    switch (dtls.state()) {
        case DtlsState::kHandshaking:
            return;
        case DtlsState::kConnected:
            take_keys(now);
            take_data();
            return;
        case DtlsState::kClosed:
            take_data();
            finish(CloseReason::kDtlsCloseNotify);
            return;
        case DtlsState::kFailed:
            finish(CloseReason::kDtlsFailure);
            return;
        case DtlsState::kFingerprintMismatch:
            finish(CloseReason::kFingerprintMismatch);
            return;
    }
}

void PeerTransport::State::take_keys(Instant now) {
    if (connected) {
        return;
    }
    const DtlsSrtpKeys* keys = dtls.keys();
    CHECK(keys != nullptr);
    srtp = std::make_unique<SrtpSession>(keys->remote, keys->local, *fanout);
    send_key = fanout->make_key(keys->local);
    connected = true;
    heard_at = now;
    events.push({.kind = TransportEventKind::kConnected});
}

void PeerTransport::State::take_data() {
    while (auto data = dtls.poll_application_data()) {
        events.push({.kind = TransportEventKind::kData, .data = std::move(*data)});
    }
}

void PeerTransport::State::finish(CloseReason reason) {
    if (!closed) {
        closed = true;
        events.push({.kind = TransportEventKind::kClosed, .reason = reason});
    }
}

Instant PeerTransport::State::deadline() const {
    return connected ? heard_at + limits.consent : made_at + limits.handshake;
}

SrtpResult PeerTransport::State::account(Instant now, SrtpResult result) {
    if (result) {
        heard_at = now;
        return result;
    }
    switch (result.error()) {
        case SrtpError::kAuthentication:
            ++counters.srtp_auth_failures;
            break;
        case SrtpError::kReplay:
            ++counters.srtp_replays;
            break;
        case SrtpError::kMalformed:
        case SrtpError::kOther:
            ++counters.srtp_malformed;
            break;
    }
    return result;
}

PeerTransport::PeerTransport(Instant now, PeerTransportConfig config)
    : state_(std::make_unique<State>(now, std::move(config))) {}

PeerTransport::~PeerTransport() = default;
PeerTransport::PeerTransport(PeerTransport&&) noexcept = default;
PeerTransport& PeerTransport::operator=(PeerTransport&&) noexcept = default;

void PeerTransport::handle_stun(Instant now, const Path& path, std::span<const std::byte> message) {
    if (state_->closed) {
        return;
    }
    std::array<std::byte, kStunBytesMax> answer{};
    state_->apply(now, path, state_->ice.handle_message(now, path, message, answer));
}

void PeerTransport::handle_dtls(Instant now, const Path& path, std::span<const std::byte> record) {
    if (state_->closed) {
        return;
    }
    if (!state_->ice.is_verified(path)) {
        ++state_->counters.dtls_unverified;
        return;
    }
    state_->dtls_path = path;
    state_->dtls.handle_datagram(now, record);
    state_->follow_dtls(now);
}

bool PeerTransport::is_verified(const Path& path) const {
    return state_->ice.is_verified(path);
}

SrtpResult PeerTransport::unprotect_rtp(Instant now, std::span<std::byte> packet) {
    if (!state_->srtp || state_->closed) {
        ++state_->counters.srtp_unverified;
        return std::unexpected(SrtpError::kOther);
    }
    return state_->account(now, state_->srtp->unprotect_rtp(packet));
}

SrtpResult PeerTransport::unprotect_rtcp(Instant now, std::span<std::byte> packet) {
    if (!state_->srtp || state_->closed) {
        ++state_->counters.srtp_unverified;
        return std::unexpected(SrtpError::kOther);
    }
    return state_->account(now, state_->srtp->unprotect_rtcp(packet));
}

SrtpSession* PeerTransport::srtp_session() {
    return state_->closed ? nullptr : state_->srtp.get();
}

SrtpResult PeerTransport::account(Instant now, SrtpResult result) {
    return state_->account(now, result);
}

std::optional<std::span<std::byte>> PeerTransport::protect_rtcp(std::span<std::byte> buffer,
                                                                std::size_t plain_bytes) {
    if (!state_->srtp) {
        return std::nullopt;
    }
    const auto packet = state_->srtp->protect_rtcp(buffer, plain_bytes);
    return packet ? std::optional(*packet) : std::nullopt;
}

bool PeerTransport::send_application_data(std::span<const std::byte> data) {
    const bool sent = !state_->closed && state_->dtls.send_application_data(data);
    state_->counters.dtls_dropped = state_->dtls.dropped();
    return sent;
}

void PeerTransport::restart_ice(Instant /*now*/, IceCredentials local, IceCredentials remote) {
    state_->ice.restart(std::move(local), std::move(remote));
}

void PeerTransport::set_remote_ice(IceCredentials remote) {
    state_->ice.set_remote(std::move(remote));
}

void PeerTransport::handle_link_closed(Instant /*now*/, LinkId link) {
    state_->ice.remove_link(link);
    std::optional<Path>& dtls_path = state_->dtls_path;
    if (dtls_path && dtls_path->protocol == Protocol::kTcp && dtls_path->link == link) {
        const Path* selected = state_->ice.selected();
        dtls_path = selected == nullptr ? std::nullopt : std::optional(*selected);
    }
}

void PeerTransport::close(Instant /*now*/) {
    state_->dtls.close();
    state_->closed = true;
}

void PeerTransport::handle_timeout(Instant now) {
    if (state_->closed) {
        return;
    }
    state_->dtls.handle_timeout(now);
    state_->follow_dtls(now);
    if (now >= state_->deadline()) {
        state_->finish(state_->connected ? CloseReason::kConsentExpired
                                         : CloseReason::kHandshakeTimeout);
    }
}

Instant PeerTransport::next_timeout() const {
    return state_->closed ? kNever : std::min(state_->deadline(), state_->dtls.next_timeout());
}

std::optional<OutDatagram> PeerTransport::poll_datagram() {
    if (auto answer = state_->answers.pop()) {
        state_->sending = std::move(*answer);
        return OutDatagram{.path = &state_->sending.path, .bytes = state_->sending.bytes};
    }
    while (auto record = state_->dtls.poll_datagram()) {
        // Without a path its TCP connection is gone: as good as lost.
        if (const std::optional<Path>& path = state_->dtls_path) {
            state_->sending = {.path = *path, .bytes = std::move(*record)};
            return OutDatagram{.path = &state_->sending.path, .bytes = state_->sending.bytes};
        }
    }
    return std::nullopt;
}

std::optional<TransportEvent> PeerTransport::poll_event() {
    return state_->events.pop();
}

bool PeerTransport::connected() const {
    return state_->connected && !state_->closed;
}

const Path* PeerTransport::selected_path() const {
    return state_->ice.selected();
}

void PeerTransport::prefetch() const {
    state_->ice.prefetch_selected();
    isthmus::prefetch(&state_->send_key, sizeof state_->send_key);
}

void PeerTransport::prefetch_key() const {
    isthmus::prefetch(state_->send_key.get(), sizeof(SrtpSendKey));
}

const SrtpSendKey* PeerTransport::send_key() const {
    return state_->send_key.get();
}

std::optional<SrtpProfile> PeerTransport::srtp_profile() const {
    return state_->send_key ? std::optional(state_->send_key->profile()) : std::nullopt;
}

const IceCredentials& PeerTransport::local_ice() const {
    return state_->ice.local();
}

const IceCredentials& PeerTransport::remote_ice() const {
    return state_->ice.remote();
}

const TransportCounters& PeerTransport::counters() const {
    return state_->counters;
}

Duration PeerTransport::handshake_rtt() const {
    return state_->dtls.rtt();
}

}  // namespace isthmus::media::transport
