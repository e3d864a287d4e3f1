#include "media/transport/srtp_cipher_openssl.h"

#include <array>

namespace isthmus::media::transport {

namespace {

enum class Direction : std::uint8_t { kDecrypt = 0, kEncrypt = 1 };

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

void control(EVP_CIPHER_CTX* context, int command, const AeadJob& job) {
    const auto tag_bytes = static_cast<int>(job.nonce.key->tag_bytes());
    CHECK(EVP_CIPHER_CTX_ctrl(context, command, tag_bytes, job.tag) == 1);
}

EVP_CIPHER_CTX* begin(const AeadJob& job, Direction direction) {
    const OpenSslKey& key = key_of(job.nonce.key);
    std::array<std::byte, 12> nonce{};
    key.salt.write_gcm_nonce(job.nonce.ssrc, job.nonce.index, nonce.data());
    set_nonce(key.context.get(), nonce.data(), direction);
    return key.context.get();
}

void take_text(EVP_CIPHER_CTX* context, const AeadJob& job) {
    update(context, nullptr, job.associated);
    update(context, job.text.data(), job.text);
}

}  // namespace

void OpenSslSrtpCipher::seal(const AeadJob& job) {
    EVP_CIPHER_CTX* const context = begin(job, Direction::kEncrypt);
    take_text(context, job);
    int written = 0;
    CHECK(EVP_CipherFinal_ex(context, openssl_bytes(job.tag), &written) == 1);
    control(context, EVP_CTRL_AEAD_GET_TAG, job);
}

bool OpenSslSrtpCipher::open(const AeadJob& job) {
    EVP_CIPHER_CTX* const context = begin(job, Direction::kDecrypt);
    control(context, EVP_CTRL_AEAD_SET_TAG, job);
    take_text(context, job);
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
