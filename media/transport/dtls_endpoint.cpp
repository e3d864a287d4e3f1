#include "media/transport/dtls_endpoint.h"

#include <utility>

#include <openssl/crypto.h>

namespace isthmus::media::transport {

DtlsEndpoint::DtlsEndpoint(std::shared_ptr<const DtlsIdentity> identity,
                           DtlsRole role,
                           const Fingerprint& remote)
    : identity_(std::move(identity)),
      handshake_(std::make_unique<DtlsHandshake>(*identity_, role, remote, queues_)) {}

DtlsEndpoint::~DtlsEndpoint() {
    if (keys_) {
        OPENSSL_cleanse(&*keys_, sizeof *keys_);
    }
}

void DtlsEndpoint::start(Instant now) {
    if (handshake_ && state_ == DtlsState::kHandshaking) {
        handshake_->start(now);
        follow_handshake();
    }
}

void DtlsEndpoint::handle_datagram(Instant now, std::span<const std::byte> datagram) {
    if (datagram.empty() || datagram.size() > kDatagramBytesMax) {
        return;
    }
    if (state_ == DtlsState::kHandshaking) {
        handshake_->handle_datagram(now, datagram);
        follow_handshake();
    } else if (session_ && state_ == DtlsState::kConnected) {
        session_->handle_datagram(datagram, queues_);
        follow_session();
    }
}

void DtlsEndpoint::handle_timeout(Instant now) {
    if (state_ == DtlsState::kHandshaking) {
        handshake_->handle_timeout(now);
        follow_handshake();
    }
}

void DtlsEndpoint::follow_handshake() {
    switch (handshake_->state()) {
        case DtlsHandshake::State::kRunning:
            return;
        case DtlsHandshake::State::kFailed:
            state_ = DtlsState::kFailed;
            break;
        case DtlsHandshake::State::kFingerprintMismatch:
            state_ = DtlsState::kFingerprintMismatch;
            break;
        case DtlsHandshake::State::kDone:
            state_ = DtlsState::kConnected;
            keys_ = handshake_->srtp_keys();
            session_.emplace(handshake_->handover());
            session_->take_early(handshake_->early_records(), queues_);
            follow_session();
            break;
    }
    rtt_ = handshake_->rtt();
    handshake_.reset();
}

void DtlsEndpoint::follow_session() {
    if (!session_) {
        return;
    }
    switch (session_->state()) {
        case DtlsSession::State::kOpen:
            return;
        case DtlsSession::State::kClosed:
            state_ = DtlsState::kClosed;
            return;
        case DtlsSession::State::kFailed:
            state_ = DtlsState::kFailed;
            return;
    }
}

bool DtlsEndpoint::send_application_data(std::span<const std::byte> data) {
    return session_ && state_ == DtlsState::kConnected && !data.empty() &&
           data.size() <= kApplicationBytesMax && session_->send(data, queues_);
}

std::optional<std::vector<std::byte>> DtlsEndpoint::poll_application_data() {
    return queues_.received.pop();
}

void DtlsEndpoint::close() {
    if (session_ && state_ == DtlsState::kConnected) {
        session_->close(queues_);
    }
    if (state_ == DtlsState::kHandshaking || state_ == DtlsState::kConnected) {
        state_ = DtlsState::kClosed;
    }
    handshake_.reset();
}

std::optional<std::vector<std::byte>> DtlsEndpoint::poll_datagram() {
    return queues_.outgoing.pop();
}

}  // namespace isthmus::media::transport
