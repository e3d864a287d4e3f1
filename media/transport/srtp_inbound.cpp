#include "media/transport/srtp_inbound.h"

#include <cstring>
#include <optional>

#include <openssl/crypto.h>

#include "base/byte_order.h"
#include "media/transport/srtp_packet_layout.h"

namespace isthmus::media::transport {

namespace {

constexpr std::size_t kRtpHeaderBytes = 12;

// Length of the RTP header with CSRCs and extension block; nothing where `packet` is no RTP or ends
// within it.
[[nodiscard]] std::optional<std::size_t> rtp_header_bytes(std::span<const std::byte> packet) {
    if (packet.size() < kRtpHeaderBytes || (load_u8(packet.data()) >> 6U) != 2) {
        return std::nullopt;
    }
    const std::uint8_t first = load_u8(packet.data());
    std::size_t bytes = kRtpHeaderBytes + std::size_t{4} * (first & 0x0FU);
    if ((first & 0x10U) != 0) {
        if (packet.size() < bytes + 4) {
            return std::nullopt;
        }
        bytes += 4 + std::size_t{4} * load_be16(packet.data() + bytes + 2);
    }
    if (packet.size() < bytes) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace

bool SrtpTagCheck::matches() const {
    return CRYPTO_memcmp(received.data(), digest.data(), received.size()) == 0;
}

SrtpInbound::SrtpInbound(const SrtpMasterKey& remote, SrtpCipher& cipher)
    : cipher_(&cipher),
      rtp_key_(cipher.expand(derive_rtp_session_keys(remote))),
      rtcp_key_(cipher.expand(derive_rtcp_session_keys(remote))) {}

std::expected<SrtpFrame, SrtpError> SrtpInbound::take_apart(SrtpPacketKind kind,
                                                            std::span<std::byte> packet) const {
    if (packet.size() > kSrtpPacketBytesMax) {
        return std::unexpected(SrtpError::kMalformed);
    }
    return kind == SrtpPacketKind::kRtp ? take_rtp_apart(packet) : take_rtcp_apart(packet);
}

std::expected<SrtpFrame, SrtpError> SrtpInbound::take_rtp_apart(std::span<std::byte> packet) const {
    const std::optional<std::size_t> header_bytes = rtp_header_bytes(packet);
    const std::size_t tag_bytes = rtp_key_->tag_bytes();
    if (!header_bytes || packet.size() < *header_bytes + tag_bytes) {
        return std::unexpected(SrtpError::kMalformed);
    }
    const std::size_t text_bytes = packet.size() - *header_bytes - tag_bytes;
    return SrtpFrame{.packet = packet,
                     .kind = SrtpPacketKind::kRtp,
                     .ssrc = load_be32(packet.data() + 8),
                     .text = packet.subspan(*header_bytes, text_bytes),
                     .tag = packet.data() + *header_bytes + text_bytes};
}

std::expected<SrtpFrame, SrtpError> SrtpInbound::take_rtcp_apart(
    std::span<std::byte> packet) const {
    const std::size_t tag_bytes = rtcp_key_->tag_bytes();
    if (packet.size() < kRtcpHeaderBytes + kSrtcpIndexBytes + tag_bytes ||
        (load_u8(packet.data()) >> 6U) != 2) {
        return std::unexpected(SrtpError::kMalformed);
    }
    // AEAD: text, tag, index. Counter mode: text, index, tag.
    const std::size_t text_bytes = packet.size() - kRtcpHeaderBytes - kSrtcpIndexBytes - tag_bytes;
    const std::size_t end = kRtcpHeaderBytes + text_bytes;
    const std::size_t index_at = is_aead() ? end + tag_bytes : end;
    const std::uint32_t word = load_be32(packet.data() + index_at);
    if ((word & kSrtcpEncrypted) == 0) {
        return std::unexpected(SrtpError::kMalformed);
    }
    return SrtpFrame{.packet = packet,
                     .kind = SrtpPacketKind::kRtcp,
                     .ssrc = load_be32(packet.data() + 4),
                     .index = word & ~kSrtcpEncrypted,
                     .text = packet.subspan(kRtcpHeaderBytes, text_bytes),
                     .tag = packet.data() + (is_aead() ? end : end + kSrtcpIndexBytes)};
}

bool SrtpInbound::locate(SrtpFrame& frame) const {
    if (frame.kind == SrtpPacketKind::kRtcp) {
        const RtcpWindow* window = rtcp_streams_.find(frame.ssrc);
        return window == nullptr || window->is_new(frame.index);
    }
    const RtpWindow* window = rtp_streams_.find(frame.ssrc);
    const std::uint16_t sequence = load_be16(frame.packet.data() + 2);
    frame.index = window != nullptr ? window->estimate(sequence) : sequence;
    return window == nullptr || window->is_new(frame.index);
}

SrtpNonce SrtpInbound::nonce_of(const SrtpFrame& frame) const {
    const auto& key = frame.kind == SrtpPacketKind::kRtp ? rtp_key_ : rtcp_key_;
    return {.key = key.get(), .ssrc = frame.ssrc, .index = frame.index};
}

bool SrtpInbound::open(const SrtpFrame& frame) const {
    AeadJob job{.nonce = nonce_of(frame), .associated = {}, .text = frame.text, .tag = frame.tag};
    if (frame.kind == SrtpPacketKind::kRtp) {
        const auto header_bytes = static_cast<std::size_t>(frame.text.data() - frame.packet.data());
        job.associated = frame.packet.first(header_bytes);
        return cipher_->open(job);
    }
    const SrtcpAssociatedData associated = srtcp_associated_data(frame.packet);
    job.associated = associated;
    return cipher_->open(job);
}

DigestJob SrtpInbound::begin(const SrtpFrame& frame, SrtpTagCheck& check, bool again) const {
    if (!again) {
        std::memcpy(check.received.data(), frame.tag, check.received.size());
    }
    auto message_bytes = static_cast<std::size_t>(frame.tag - frame.packet.data());
    if (frame.kind == SrtpPacketKind::kRtp) {
        const auto roc = static_cast<std::uint32_t>(frame.index >> 16U);
        store_be32(frame.tag, roc);
        message_bytes += sizeof roc;
    }
    return {.key = nonce_of(frame).key,
            .message = frame.packet.first(message_bytes),
            .digest = &check.digest};
}

KeyStreamJob SrtpInbound::key_stream(const SrtpFrame& frame) const {
    return {.nonce = nonce_of(frame), .text = frame.text};
}

bool SrtpInbound::check_and_decrypt(const SrtpFrame& frame) const {
    SrtpTagCheck check;
    const DigestJob digest = begin(frame, check, false);
    cipher_->digest({&digest, 1});
    if (!check.matches()) {
        return false;
    }
    const KeyStreamJob stream = key_stream(frame);
    cipher_->apply_key_stream({&stream, 1});
    return true;
}

void SrtpInbound::note(const SrtpFrame& frame) {
    if (frame.kind == SrtpPacketKind::kRtp) {
        rtp_streams_.note(frame.ssrc).note(frame.index);
    } else {
        rtcp_streams_.note(frame.ssrc).note(frame.index);
    }
}

SrtpResult SrtpInbound::unprotect(SrtpPacketKind kind, std::span<std::byte> packet) {
    auto frame = take_apart(kind, packet);
    if (!frame) {
        return std::unexpected(frame.error());
    }
    if (!locate(*frame)) {
        return std::unexpected(SrtpError::kReplay);
    }
    if (!(is_aead() ? open(*frame) : check_and_decrypt(*frame))) {
        return std::unexpected(SrtpError::kAuthentication);
    }
    note(*frame);
    return frame->plain();
}

}  // namespace isthmus::media::transport
