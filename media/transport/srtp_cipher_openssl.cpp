#include "media/transport/srtp_cipher_openssl.h"

#include <array>

namespace isthmus::media::transport {

namespace {

enum class Direction : int { kDecrypt = 0, kEncrypt = 1 };

const OpenSslKey& key_of(const SrtpExpandedKey* key) {
    return static_cast<const OpenSslKey&>(*key);
}

// The key schedule is the same for both directions, in counter mode as in GCM.
void set_nonce(EVP_CIPHER_CTX* context, const std::byte* nonce, Direction direction) {
    CHECK(EVP_CipherInit_ex2(context,
                             nullptr,
                             nullptr,
                             openssl_bytes(nonce),
                             static_cast<int>(direction),
                             nullptr) == 1);
}

void update(EVP_CIPHER_CTX* context, std::byte* out, std::span<const std::byte> in) {
    int written = 0;
    CHECK(EVP_CipherUpdate(context,
                           out == nullptr ? nullptr : openssl_bytes(out),
                           &written,
                           openssl_bytes(in.data()),
                           static_cast<int>(in.size())) == 1);
}

EVP_CIPHER_CTX* run_aead(const AeadJob& job, Direction direction) {
    const OpenSslKey& key = key_of(job.nonce.key);
    EVP_CIPHER_CTX* const context = key.context.get();
    std::array<std::byte, 12> nonce{};
    key.salt.write_gcm_nonce(job.nonce.ssrc, job.nonce.index, nonce.data());
    set_nonce(context, nonce.data(), direction);
    if (direction == Direction::kDecrypt) {
        CHECK(EVP_CIPHER_CTX_ctrl(
                  context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(key.tag_bytes()), job.tag) == 1);
    }
    update(context, nullptr, job.associated);
    update(context, job.text.data(), job.text);
    return context;
}

}  // namespace

void OpenSslSrtpCipher::seal(const AeadJob& job) {
    EVP_CIPHER_CTX* const context = run_aead(job, Direction::kEncrypt);
    int written = 0;
    CHECK(EVP_CipherFinal_ex(context, openssl_bytes(job.tag), &written) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(context,
                              EVP_CTRL_AEAD_GET_TAG,
                              static_cast<int>(job.nonce.key->tag_bytes()),
                              job.tag) == 1);
}

bool OpenSslSrtpCipher::open(const AeadJob& job) {
    EVP_CIPHER_CTX* const context = run_aead(job, Direction::kDecrypt);
    std::array<unsigned char, EVP_MAX_BLOCK_LENGTH> rest{};
    int written = 0;
    // Compares the tags, in constant time.
    return EVP_CipherFinal_ex(context, rest.data(), &written) == 1;
}

void OpenSslSrtpCipher::apply_key_stream(std::span<const KeyStreamJob> jobs) {
    for (const KeyStreamJob& job : jobs) {
        const OpenSslKey& key = key_of(job.nonce.key);
        std::array<std::byte, 16> block{};
        key.salt.write_counter_block(job.nonce.ssrc, job.nonce.index, block.data());
        set_nonce(key.context.get(), block.data(), Direction::kEncrypt);
        update(key.context.get(), job.text.data(), job.text);
    }
}

void OpenSslSrtpCipher::digest(std::span<const DigestJob> jobs) {
    for (const DigestJob& job : jobs) {
        key_of(job.key).hmac.digest(job.message, *job.digest);
    }
}

}  // namespace isthmus::media::transport
