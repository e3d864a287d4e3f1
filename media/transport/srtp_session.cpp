#include "media/transport/srtp_session.h"

#include "media/transport/srtp_session_state.h"

namespace isthmus::media::transport {

SrtpSession::SrtpSession(const SrtpMasterKey& remote,
                         const SrtpMasterKey& local,
                         SrtpFanout& engine)
    : state_(std::make_unique<State>(remote, local, engine.cipher())) {}

SrtpSession::SrtpSession(SrtpSession&&) noexcept = default;
SrtpSession& SrtpSession::operator=(SrtpSession&&) noexcept = default;
SrtpSession::~SrtpSession() = default;

SrtpResult SrtpSession::unprotect_rtp(std::span<std::byte> packet) {
    return state_->inbound.unprotect(SrtpPacketKind::kRtp, packet);
}

SrtpResult SrtpSession::unprotect_rtcp(std::span<std::byte> packet) {
    return state_->inbound.unprotect(SrtpPacketKind::kRtcp, packet);
}

SrtpResult SrtpSession::protect_rtcp(std::span<std::byte> buffer, std::size_t plain_bytes) {
    return state_->rtcp_sender.protect(buffer, plain_bytes);
}

}  // namespace isthmus::media::transport
