#include "media/transport/srtp_key_derivation.h"

#include <algorithm>
#include <memory>
#include <span>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace isthmus::media::transport {

namespace {

// RFC 3711 section 4.3.2.
struct Labels {
    std::uint8_t encryption;
    std::uint8_t authentication;
    std::uint8_t salt;
};

constexpr Labels kRtpLabels{.encryption = 0x00, .authentication = 0x01, .salt = 0x02};
constexpr Labels kRtcpLabels{.encryption = 0x03, .authentication = 0x04, .salt = 0x05};

using CipherPtr =
    std::unique_ptr<EVP_CIPHER_CTX,
                    decltype([](EVP_CIPHER_CTX* context) { EVP_CIPHER_CTX_free(context); })>;

unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

// RFC 3711 section 4.3.3: AES in counter mode over zeros, from the counter block
// ((label * 2^48) XOR master_salt) * 2^16. AEAD's shorter salt is zero at its end (RFC 7714
// section 11).
void derive(const SrtpMasterKey& master, std::uint8_t label, std::span<std::byte> out) {
    const SrtpProfileSizes sizes = sizes_of(master.profile);
    std::array<std::byte, 16> block{};
    std::copy_n(master.salt.begin(), sizes.salt_bytes, block.begin());
    block[7] ^= std::byte{label};

    const EVP_CIPHER* cipher = sizes.key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    const CipherPtr context(EVP_CIPHER_CTX_new());
    CHECK(context != nullptr);
    std::ranges::fill(out, std::byte{0});
    int written = 0;
    CHECK(EVP_EncryptInit_ex2(
              context.get(), cipher, raw(master.key.data()), raw(block.data()), nullptr) == 1);
    CHECK(EVP_EncryptUpdate(context.get(),
                            raw(out.data()),
                            &written,
                            raw(out.data()),
                            static_cast<int>(out.size())) == 1);
    CHECK(static_cast<std::size_t>(written) == out.size());
}

SrtpSessionKeys derive_all(const SrtpMasterKey& master, const Labels& labels) {
    const SrtpProfileSizes sizes = sizes_of(master.profile);
    SrtpSessionKeys keys;
    keys.profile = master.profile;
    derive(master, labels.encryption, std::span(keys.key).first(sizes.key_bytes));
    derive(master, labels.salt, std::span(keys.salt).first(sizes.salt_bytes));
    if (master.profile == SrtpProfile::kAesCm128HmacSha1_80) {
        derive(master, labels.authentication, keys.auth_key);
    }
    return keys;
}

}  // namespace

SrtpSessionKeys::~SrtpSessionKeys() {
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(salt.data(), salt.size());
    OPENSSL_cleanse(auth_key.data(), auth_key.size());
}

SrtpSessionKeys derive_rtp_session_keys(const SrtpMasterKey& master) {
    return derive_all(master, kRtpLabels);
}

SrtpSessionKeys derive_rtcp_session_keys(const SrtpMasterKey& master) {
    return derive_all(master, kRtcpLabels);
}

}  // namespace isthmus::media::transport
