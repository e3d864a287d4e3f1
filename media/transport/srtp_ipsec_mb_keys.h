// What intel-ipsec-mb's half of SRTP keeps per key, and its manager. Only srtp_*_ipsec_mb.cpp
// include this.
#pragma once

#include <array>
#include <memory>

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include "media/transport/hmac_sha1.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_key_derivation.h"

namespace isthmus::media::transport {

// A multiple of the 16 messages that AVX-512 hashes abreast, and at most IMB_MAX_BURST_SIZE.
inline constexpr std::size_t kIpsecMbBurstJobs = 64;

struct IpsecMbDeleter {
    void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

using IpsecMbManager = std::unique_ptr<IMB_MGR, IpsecMbDeleter>;

[[nodiscard]] inline std::uint8_t* ipsec_mb_bytes(std::byte* bytes) {
    return reinterpret_cast<std::uint8_t*>(bytes);
}

[[nodiscard]] inline const std::uint8_t* ipsec_mb_bytes(const std::byte* bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes);
}

struct IpsecMbGcmKey final : SrtpExpandedKey {
    IpsecMbGcmKey(IMB_MGR* manager, const SrtpSessionKeys& keys)
        : SrtpExpandedKey(keys.profile), salt(keys.salt) {
        if (keys.profile == SrtpProfile::kAeadAes128Gcm) {
            IMB_AES128_GCM_PRE(manager, keys.key.data(), &expanded);
        } else {
            IMB_AES256_GCM_PRE(manager, keys.key.data(), &expanded);
        }
    }

    IpsecMbGcmKey(const IpsecMbGcmKey&) = delete;
    IpsecMbGcmKey& operator=(const IpsecMbGcmKey&) = delete;

    ~IpsecMbGcmKey() override { OPENSSL_cleanse(&expanded, sizeof expanded); }

    // The library stores to it aligned, which its own declaration leaves out.
    alignas(64) gcm_key_data expanded{};
    SrtpSalt salt;
};

struct IpsecMbCounterModeKey final : SrtpExpandedKey {
    IpsecMbCounterModeKey(IMB_MGR* manager, const SrtpSessionKeys& keys)
        : SrtpExpandedKey(keys.profile), salt(keys.salt), hmac(keys.auth_key) {
        alignas(16) std::array<std::uint32_t, 60> decryption{};  // the library insists on making it
        IMB_AES_KEYEXP_128(manager, keys.key.data(), expanded.data(), decryption.data());
        OPENSSL_cleanse(decryption.data(), sizeof decryption);
    }

    IpsecMbCounterModeKey(const IpsecMbCounterModeKey&) = delete;
    IpsecMbCounterModeKey& operator=(const IpsecMbCounterModeKey&) = delete;

    ~IpsecMbCounterModeKey() override { OPENSSL_cleanse(expanded.data(), sizeof expanded); }

    void name_hmac(IMB_JOB& job) const {
        job.u.HMAC._hashed_auth_key_xor_ipad =
            reinterpret_cast<const std::uint8_t*>(hmac.inner().data());
        job.u.HMAC._hashed_auth_key_xor_opad =
            reinterpret_cast<const std::uint8_t*>(hmac.outer().data());
    }

    alignas(16) std::array<std::uint32_t, 60> expanded{};
    SrtpSalt salt;
    HmacSha1 hmac;
};

[[nodiscard]] inline std::unique_ptr<SrtpExpandedKey> expand_ipsec_mb_key(
    IMB_MGR* manager, const SrtpSessionKeys& keys) {
    if (keys.profile == SrtpProfile::kAesCm128HmacSha1_80) {
        return std::make_unique<IpsecMbCounterModeKey>(manager, keys);
    }
    return std::make_unique<IpsecMbGcmKey>(manager, keys);
}

}  // namespace isthmus::media::transport
