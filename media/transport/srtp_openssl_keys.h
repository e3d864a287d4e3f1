// What OpenSSL's half of SRTP keeps per key. Only srtp_*_openssl.cpp include this.
#pragma once

#include <memory>
#include <span>

#include <openssl/evp.h>

#include "base/check.h"
#include "media/transport/hmac_sha1.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_key_derivation.h"

namespace isthmus::media::transport {

struct OpenSslDeleter {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }

    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using OpenSslCipher = std::unique_ptr<EVP_CIPHER, OpenSslDeleter>;

[[nodiscard]] inline unsigned char* openssl_bytes(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

[[nodiscard]] inline const unsigned char* openssl_bytes(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

// A cipher context with the key schedule expanded; a packet sets only the nonce.
struct OpenSslKey final : SrtpExpandedKey {
    OpenSslKey(const SrtpSessionKeys& keys, const EVP_CIPHER* cipher)
        : SrtpExpandedKey(keys.profile),
          context(EVP_CIPHER_CTX_new()),
          salt(keys.salt),
          hmac(keys.auth_key) {
        CHECK(context != nullptr);
        CHECK(EVP_EncryptInit_ex2(
                  context.get(), cipher, openssl_bytes(keys.key.data()), nullptr, nullptr) == 1);
    }

    std::unique_ptr<EVP_CIPHER_CTX, OpenSslDeleter> context;
    SrtpSalt salt;
    HmacSha1 hmac;  // of the profile that has one
};

// The three ciphers, fetched once.
class OpenSslKeyMaker {
  public:
    [[nodiscard]] std::unique_ptr<SrtpExpandedKey> expand(const SrtpSessionKeys& keys) const {
        return std::make_unique<OpenSslKey>(keys, cipher_of(keys.profile));
    }

  private:
    [[nodiscard]] static OpenSslCipher fetch(const char* name) {
        OpenSslCipher cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
        CHECK(cipher != nullptr);
        return cipher;
    }

    [[nodiscard]] const EVP_CIPHER* cipher_of(SrtpProfile profile) const {
        switch (profile) {
            case SrtpProfile::kAesCm128HmacSha1_80:
                return aes_128_ctr_.get();
            case SrtpProfile::kAeadAes128Gcm:
                return aes_128_gcm_.get();
            case SrtpProfile::kAeadAes256Gcm:
                return aes_256_gcm_.get();
        }
        CHECK(false);
    }

    OpenSslCipher aes_128_gcm_ = fetch("AES-128-GCM");
    OpenSslCipher aes_256_gcm_ = fetch("AES-256-GCM");
    OpenSslCipher aes_128_ctr_ = fetch("AES-128-CTR");
};

}  // namespace isthmus::media::transport
