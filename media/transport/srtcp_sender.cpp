#include "media/transport/srtcp_sender.h"

#include <array>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/srtp_packet_layout.h"

namespace isthmus::media::transport {

SrtcpSender::SrtcpSender(const SrtpMasterKey& local, SrtpCipher& cipher, std::uint32_t index)
    : cipher_(&cipher), key_(cipher.expand(derive_rtcp_session_keys(local))), index_(index) {}

SrtpResult SrtcpSender::protect(std::span<std::byte> buffer, std::size_t plain_bytes) {
    CHECK(buffer.size() >= plain_bytes + kSrtcpOverheadBytesMax);
    if (plain_bytes < kRtcpHeaderBytes || plain_bytes > kSrtpPacketBytesMax) {
        return std::unexpected(SrtpError::kMalformed);
    }
    if (index_ == ~kSrtcpEncrypted) {
        return std::unexpected(SrtpError::kOther);
    }
    ++index_;
    const SrtpNonce nonce{.key = key_.get(), .ssrc = load_be32(buffer.data() + 4), .index = index_};
    const std::span<std::byte> text =
        buffer.subspan(kRtcpHeaderBytes, plain_bytes - kRtcpHeaderBytes);
    const std::span<std::byte> packet =
        buffer.first(plain_bytes + key_->tag_bytes() + kSrtcpIndexBytes);
    std::byte* const end = buffer.data() + plain_bytes;
    if (key_->profile() != SrtpProfile::kAesCm128HmacSha1_80) {
        store_be32(end + key_->tag_bytes(), index_ | kSrtcpEncrypted);
        const SrtcpAssociatedData associated = srtcp_associated_data(packet);
        cipher_->seal({.nonce = nonce, .associated = associated, .text = text, .tag = end});
        return packet;
    }
    store_be32(end, index_ | kSrtcpEncrypted);
    const KeyStreamJob stream{.nonce = nonce, .text = text};
    cipher_->apply_key_stream({&stream, 1});
    std::array<std::byte, kSha1Bytes> digest{};
    const DigestJob job{.key = key_.get(),
                        .message = buffer.first(plain_bytes + kSrtcpIndexBytes),
                        .digest = &digest};
    cipher_->digest({&job, 1});
    std::memcpy(end + kSrtcpIndexBytes, digest.data(), key_->tag_bytes());
    return packet;
}

}  // namespace isthmus::media::transport
