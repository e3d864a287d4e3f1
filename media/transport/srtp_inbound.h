// What a peer sends, in the steps of RFC 3711 section 3.3: take the packet apart and find its
// index, check that it is new, authenticate, decrypt, note it.
//
// SrtpSession takes the steps for one packet, SrtpUnprotectBatch for many at a time. Nothing that a
// packet says is kept before it has authenticated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "media/transport/srtp_cipher.h"
#include "media/transport/srtp_replay_window.h"
#include "media/transport/srtp_session.h"
#include "media/transport/srtp_streams.h"

namespace isthmus::media::transport {

// A packet taken apart.
struct SrtpFrame {
    std::span<std::byte> packet;
    SrtpPacketKind kind = SrtpPacketKind::kRtp;
    std::uint32_t ssrc = 0;
    SrtpIndex index = 0;
    std::span<std::byte> text;  // what is encrypted
    std::byte* tag = nullptr;

    [[nodiscard]] std::span<std::byte> plain() const {
        return packet.first(static_cast<std::size_t>(text.data() - packet.data()) + text.size());
    }
};

// The tag that came with a packet in counter mode, and the digest that it should begin.
struct SrtpTagCheck {
    static constexpr std::size_t kTagBytes = sizes_of(SrtpProfile::kAesCm128HmacSha1_80).tag_bytes;

    std::array<std::byte, kTagBytes> received{};
    std::array<std::byte, kSha1Bytes> digest{};

    // In constant time.
    [[nodiscard]] bool matches() const;
};

class SrtpInbound {
  public:
    // `cipher` outlives this.
    SrtpInbound(const SrtpMasterKey& remote, SrtpCipher& cipher);

    [[nodiscard]] SrtpProfile profile() const { return rtp_key_->profile(); }

    [[nodiscard]] bool is_aead() const { return profile() != SrtpProfile::kAesCm128HmacSha1_80; }

    // All steps.
    [[nodiscard]] SrtpResult unprotect(SrtpPacketKind kind, std::span<std::byte> packet);

    // Without an index yet.
    [[nodiscard]] std::expected<SrtpFrame, SrtpError> take_apart(SrtpPacketKind kind,
                                                                 std::span<std::byte> packet) const;
    // Sets the index that the packet has by what was noted so far (of RTCP it says so itself);
    // false where it is not new.
    [[nodiscard]] bool locate(SrtpFrame& frame) const;

    // The steps of counter mode. A digest covers an RTP packet and its roll-over counter, which
    // takes the place of the tag; begin() may be called again after another locate(), with `again`.
    [[nodiscard]] DigestJob begin(const SrtpFrame& frame, SrtpTagCheck& check, bool again) const;
    [[nodiscard]] KeyStreamJob key_stream(const SrtpFrame& frame) const;

    // The packet is authentic and new.
    void note(const SrtpFrame& frame);

  private:
    // libsrtp's window for RTCP. RTP's holds packets that a retransmission of a second ago brings:
    // at 1000 packets a second (a 10 Mbit/s video), 1024. RFC 3711 section 3.3.2 asks for 64.
    using RtcpWindow = SrtpReplayWindow<128>;
    using RtpWindow = SrtpReplayWindow<1024>;

    [[nodiscard]] std::expected<SrtpFrame, SrtpError> take_rtp_apart(
        std::span<std::byte> packet) const;
    [[nodiscard]] std::expected<SrtpFrame, SrtpError> take_rtcp_apart(
        std::span<std::byte> packet) const;
    [[nodiscard]] SrtpNonce nonce_of(const SrtpFrame& frame) const;
    [[nodiscard]] bool open(const SrtpFrame& frame) const;
    [[nodiscard]] bool check_and_decrypt(const SrtpFrame& frame) const;

    SrtpCipher* cipher_;
    std::unique_ptr<SrtpExpandedKey> rtp_key_;
    std::unique_ptr<SrtpExpandedKey> rtcp_key_;
    SrtpStreams<RtpWindow> rtp_streams_;
    SrtpStreams<RtcpWindow> rtcp_streams_;
};

}  // namespace isthmus::media::transport
