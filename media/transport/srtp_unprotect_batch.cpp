#include "media/transport/srtp_unprotect_batch.h"

#include "media/transport/srtp_session_state.h"

namespace isthmus::media::transport {

void SrtpUnprotectBatch::unprotect(std::span<SrtpIncoming> packets) {
    for (SrtpIncoming& packet : packets) {
        SrtpInbound& inbound = packet.session->state_->inbound;
        if (inbound.is_aead()) {
            packet.result = inbound.unprotect(packet.kind, packet.packet);
            continue;
        }
        begin(packet);
        if (attempt_count_ == kPackets) {
            finish_attempts();
        }
    }
    finish_attempts();
}

void SrtpUnprotectBatch::begin(SrtpIncoming& packet) {
    const SrtpInbound& inbound = packet.session->state_->inbound;
    auto frame = inbound.take_apart(packet.kind, packet.packet);
    if (!frame) {
        packet.result = std::unexpected(frame.error());
        return;
    }
    // Whether it is new is asked when the packets before it have been noted.
    static_cast<void>(inbound.locate(*frame));
    Attempt& attempt = attempts_[attempt_count_];
    attempt.packet = &packet;
    attempt.frame = *frame;
    digests_[attempt_count_] = inbound.begin(attempt.frame, attempt.check, false);
    ++attempt_count_;
}

void SrtpUnprotectBatch::finish_attempts() {
    cipher_.digest(std::span(digests_).first(attempt_count_));
    key_stream_count_ = 0;
    for (std::size_t i = 0; i < attempt_count_; ++i) {
        finish(attempts_[i]);
    }
    cipher_.apply_key_stream(std::span(key_streams_).first(key_stream_count_));
    attempt_count_ = 0;
}

void SrtpUnprotectBatch::finish(Attempt& attempt) {
    SrtpInbound& inbound = attempt.packet->session->state_->inbound;
    SrtpFrame& frame = attempt.frame;
    const SrtpIndex index_before = frame.index;
    if (!inbound.locate(frame)) {
        attempt.packet->result = std::unexpected(SrtpError::kReplay);
        return;
    }
    // The packets before this one moved the stream on so far that its number means another index
    // now (a stream that begins just before the roll-over): hash it again.
    if (frame.index != index_before) {
        const DigestJob digest = inbound.begin(frame, attempt.check, true);
        cipher_.digest({&digest, 1});
    }
    if (!attempt.check.matches()) {
        attempt.packet->result = std::unexpected(SrtpError::kAuthentication);
        return;
    }
    inbound.note(frame);
    key_streams_[key_stream_count_++] = inbound.key_stream(frame);
    attempt.packet->result = frame.plain();
}

}  // namespace isthmus::media::transport
