// From a master key to the keys that packets are protected with, and their nonces.
//
// The key derivation rate is zero: DTLS-SRTP knows no other (RFC 5764 section 4.1.2), so a master
// key gives one set of session keys. Specification: RFC 3711 section 4.3, RFC 7714 sections 8.1,
// 9.1 and 11.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/byte_order.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::media::transport {

inline constexpr std::size_t kSrtpAuthKeyBytes = 20;  // RFC 3711 section 5.2

// The first sizes_of(profile) bytes of key and salt count; the AEAD profiles have no auth_key.
struct SrtpSessionKeys {
    SrtpProfile profile = SrtpProfile::kAeadAes128Gcm;
    std::array<std::byte, 32> key{};
    std::array<std::byte, 14> salt{};
    std::array<std::byte, kSrtpAuthKeyBytes> auth_key{};

    SrtpSessionKeys() = default;
    SrtpSessionKeys(const SrtpSessionKeys&) = default;
    SrtpSessionKeys& operator=(const SrtpSessionKeys&) = default;
    ~SrtpSessionKeys();  // wipes
};

[[nodiscard]] SrtpSessionKeys derive_rtp_session_keys(const SrtpMasterKey& master);
[[nodiscard]] SrtpSessionKeys derive_rtcp_session_keys(const SrtpMasterKey& master);

// Which packet of its SSRC: for RTP the roll-over counter before the sequence number, 48 bits (RFC
// 3711 section 3.3.1); for RTCP the SRTCP index, 31 bits.
using SrtpIndex = std::uint64_t;

[[nodiscard]] inline SrtpIndex srtp_index_of(const std::byte* rtp_header, std::uint32_t roc) {
    return (SrtpIndex{roc} << 16U) | load_be16(rtp_header + 2);
}

// A session salt in two words, and the nonces made from it.
class SrtpSalt {
  public:
    // `salt` is zero behind its 12 or 14 bytes.
    explicit SrtpSalt(const std::array<std::byte, 14>& salt)
        : high_(load_be64(salt.data())),
          low_((std::uint64_t{load_be32(salt.data() + 8)} << 32U) |
               (std::uint64_t{load_be16(salt.data() + 12)} << 16U)) {}

    // RFC 3711 section 4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16). Writes 16 bytes.
    void write_counter_block(std::uint32_t ssrc, SrtpIndex index, std::byte* to) const {
        store_be64(to, high_ ^ ssrc);
        store_be64(to + 8, low_ ^ (index << 16U));
    }

    // RFC 7714 section 8.1: salt XOR (0x0000 || SSRC || ROC || SEQ), and section 9.1, salt XOR
    // (0x0000 || SSRC || 0x0000 || 0 || SRTCP index): the index at the end in either. Writes 12
    // bytes.
    void write_gcm_nonce(std::uint32_t ssrc, SrtpIndex index, std::byte* to) const {
        store_be64(to, high_ ^ (std::uint64_t{ssrc} << 16U) ^ (index >> 32U));
        store_be32(to + 8, static_cast<std::uint32_t>((low_ >> 32U) ^ index));
    }

  private:
    std::uint64_t high_;
    std::uint64_t low_;
};

}  // namespace isthmus::media::transport
