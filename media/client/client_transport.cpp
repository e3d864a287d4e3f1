#include "media/client/client_transport.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "media/transport/peer_transport.h"

namespace isthmus::media::client {

using transport::DatagramKind;
using transport::OutDatagram;
using transport::Path;

namespace {

[[nodiscard]] transport::SrtpFanout& checked(transport::SrtpFanout* fanout) {
    CHECK(fanout != nullptr);
    return *fanout;
}

}  // namespace

ClientTransport::ClientTransport(ClientTransportConfig config, RandomSource& random)
    : fanout_(checked(config.fanout)),
      speak_dtls_(config.speak_dtls),
      ice_({.local = std::move(config.local),
            .remote = std::move(config.remote),
            .nominate_at_once = config.nominate_at_once,
            .begin_as_controlled = config.begin_as_controlled},
           random),
      dtls_(std::move(config.identity), config.role, config.remote_fingerprint) {}

PlainPacket ClientTransport::handle_datagram(Instant now,
                                             const Path& path,
                                             std::span<std::byte> bytes) {
    switch (transport::classify(bytes)) {
        case DatagramKind::kRtp:
            return unprotect(bytes, PlainKind::kRtp);
        case DatagramKind::kRtcp:
            return unprotect(bytes, PlainKind::kRtcp);
        case DatagramKind::kStun:
            ice_.handle_message(now, path, bytes);
            begin_dtls(now);
            return {};
        case DatagramKind::kDtls:
            if (speak_dtls_) {
                dtls_.handle_datagram(now, bytes);
                follow_dtls();
            }
            return {};
        case DatagramKind::kOther:
            return {};
    }
    return {};
}

void ClientTransport::handle_timeout(Instant now) {
    ice_.handle_timeout(now);
    if (now >= dtls_.next_timeout()) {
        dtls_.handle_timeout(now);
        follow_dtls();
    }
}

Instant ClientTransport::next_timeout() const {
    return std::min(dtls_.next_timeout(), ice_.next_timeout());
}

std::optional<OutDatagram> ClientTransport::poll_datagram() {
    if (const auto check = ice_.poll_check()) {
        return check;
    }
    while (auto record = dtls_.poll_datagram()) {
        if (const Path* const path = ice_.selected_path()) {
            record_ = std::move(*record);
            return OutDatagram{.path = path, .bytes = record_};
        }
    }
    return std::nullopt;
}

std::optional<std::span<std::byte>> ClientTransport::protect_rtcp(std::span<std::byte> buffer,
                                                                  std::size_t plain_bytes) {
    if (!srtp_ || !connected()) {
        return std::nullopt;
    }
    const auto sealed = srtp_->protect_rtcp(buffer, plain_bytes);
    return sealed ? std::optional(*sealed) : std::nullopt;
}

PlainPacket ClientTransport::unprotect(std::span<std::byte> packet, PlainKind kind) {
    if (!srtp_) {
        ++counters_.srtp_errors;
        return {};
    }
    return account(
        kind,
        kind == PlainKind::kRtcp ? srtp_->unprotect_rtcp(packet) : srtp_->unprotect_rtp(packet));
}

PlainPacket ClientTransport::account(PlainKind kind, const transport::SrtpResult& result) {
    if (!result) {
        ++counters_.srtp_errors;
        return {};
    }
    return {.kind = kind, .bytes = *result};
}

void ClientTransport::begin_dtls(Instant now) {
    if (speak_dtls_ && ice_.selected_path() != nullptr) {
        dtls_.start(now);
    }
}

void ClientTransport::follow_dtls() {
    const transport::DtlsSrtpKeys* keys = dtls_.keys();
    if (keys == nullptr || srtp_) {
        return;
    }
    srtp_.emplace(keys->remote, keys->local, fanout_);
    send_key_ = fanout_.make_key(keys->local);
}

}  // namespace isthmus::media::client
