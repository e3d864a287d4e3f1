// SRTP by OpenSSL: everywhere, and the check on the other engine.
//
// Each key keeps its own cipher context with the key schedule expanded; a packet sets only the
// nonce. Nothing is allocated per packet.

// HMAC by the low-level SHA-1 calls, which OpenSSL 3 calls deprecated: keyed once, a packet copies
// two states of 96 bytes. The EVP calls allocate for each message (EVP_MD_CTX_copy_ex duplicates
// the provider's state).
#define OPENSSL_SUPPRESS_DEPRECATED

#include <array>
#include <cstring>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"
#include "media/transport/srtp_fanout_engines.h"

namespace isthmus::media::transport {

namespace {

using CipherContext =
    std::unique_ptr<EVP_CIPHER_CTX,
                    decltype([](EVP_CIPHER_CTX* context) { EVP_CIPHER_CTX_free(context); })>;
using Cipher =
    std::unique_ptr<EVP_CIPHER, decltype([](EVP_CIPHER* cipher) { EVP_CIPHER_free(cipher); })>;

constexpr std::size_t kSha1BlockBytes = 64;

unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

void update(EVP_CIPHER_CTX* context, std::byte* out, std::span<const std::byte> in) {
    int written = 0;
    const int ok = EVP_EncryptUpdate(context,
                                     out == nullptr ? nullptr : raw(out),
                                     &written,
                                     raw(in.data()),
                                     static_cast<int>(in.size()));
    CHECK(ok == 1);
}

// HMAC-SHA1 (RFC 2104) with the padded key hashed beforehand.
class HmacSha1 {
  public:
    explicit HmacSha1(std::span<const std::byte, kSrtpAuthKeyBytes> key) {
        start(inner_, key, 0x36);
        start(outer_, key, 0x5C);
    }

    HmacSha1(const HmacSha1&) = delete;
    HmacSha1& operator=(const HmacSha1&) = delete;

    ~HmacSha1() {
        OPENSSL_cleanse(&inner_, sizeof inner_);
        OPENSSL_cleanse(&outer_, sizeof outer_);
    }

    void tag(std::span<const std::byte> message,
             std::array<unsigned char, SHA_DIGEST_LENGTH>& out) const {
        SHA_CTX state = inner_;
        SHA1_Update(&state, message.data(), message.size());
        SHA1_Final(out.data(), &state);
        state = outer_;
        SHA1_Update(&state, out.data(), out.size());
        SHA1_Final(out.data(), &state);
    }

  private:
    static void start(SHA_CTX& state,
                      std::span<const std::byte, kSrtpAuthKeyBytes> key,
                      unsigned char pad) {
        std::array<unsigned char, kSha1BlockBytes> block{};
        std::memcpy(block.data(), key.data(), key.size());
        for (unsigned char& byte : block) {
            byte ^= pad;
        }
        SHA1_Init(&state);
        SHA1_Update(&state, block.data(), block.size());
        OPENSSL_cleanse(block.data(), block.size());
    }

    SHA_CTX inner_{};
    SHA_CTX outer_{};
};

struct OpenSslKey final : SrtpSendKey {
    OpenSslKey(const SrtpSessionKeys& keys, const EVP_CIPHER* cipher)
        : SrtpSendKey(keys.profile),
          context(EVP_CIPHER_CTX_new()),
          salt(keys.salt),
          hmac(keys.auth_key) {
        CHECK(context != nullptr);
        CHECK(EVP_EncryptInit_ex2(context.get(), cipher, raw(keys.key.data()), nullptr, nullptr) ==
              1);
    }

    CipherContext context;
    SrtpSalt salt;
    HmacSha1 hmac;  // of the profile that has one
};

void set_nonce(EVP_CIPHER_CTX* context, const std::byte* nonce) {
    CHECK(EVP_EncryptInit_ex2(context, nullptr, nullptr, raw(nonce), nullptr) == 1);
}

void protect_gcm(const SrtpJob& job, const OpenSslKey& key) {
    std::array<std::byte, 12> nonce{};
    key.salt.write_gcm_nonce(job.header.data(), job.roc, nonce.data());
    set_nonce(key.context.get(), nonce.data());
    const std::span plaintext(place_plaintext(job), job.plain_bytes());
    std::byte* const ciphertext = job.out + job.header.size();
    std::byte* const tag = ciphertext + plaintext.size();
    update(key.context.get(), nullptr, job.header);
    update(key.context.get(), ciphertext, plaintext);
    int written = 0;
    CHECK(EVP_EncryptFinal_ex(key.context.get(), raw(tag), &written) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(
              key.context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(key.tag_bytes()), tag) ==
          1);
}

void protect_counter_mode(const SrtpJob& job, const OpenSslKey& key) {
    std::array<std::byte, 16> block{};
    key.salt.write_counter_block(job.header.data(), job.roc, block.data());
    set_nonce(key.context.get(), block.data());
    const std::span plaintext(place_plaintext(job), job.plain_bytes());
    std::byte* const ciphertext = job.out + job.header.size();
    std::byte* const tag = ciphertext + plaintext.size();
    update(key.context.get(), ciphertext, plaintext);
    // The tag covers the packet and then the roll-over counter (RFC 3711 section 4.2), which stands
    // where the tag will be.
    store_be32(tag, job.roc);
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    key.hmac.tag({job.out, job.header.size() + plaintext.size() + sizeof job.roc}, digest);
    std::memcpy(tag, digest.data(), key.tag_bytes());
}

class OpenSslFanout final : public SrtpSessionKeyFanout {
  public:
    OpenSslFanout()
        : aes_128_gcm_(fetch("AES-128-GCM")),
          aes_256_gcm_(fetch("AES-256-GCM")),
          aes_128_ctr_(fetch("AES-128-CTR")) {}

    [[nodiscard]] std::unique_ptr<SrtpSendKey> expand(const SrtpSessionKeys& keys) override {
        return std::make_unique<OpenSslKey>(keys, cipher_of(keys.profile));
    }

    void protect(std::span<const SrtpJob> jobs) override {
        for (const SrtpJob& job : jobs) {
            const auto& key = static_cast<const OpenSslKey&>(*job.key);
            if (key.profile() == SrtpProfile::kAesCm128HmacSha1_80) {
                protect_counter_mode(job, key);
            } else {
                protect_gcm(job, key);
            }
        }
    }

    [[nodiscard]] std::string_view name() const override { return "openssl"; }

  private:
    [[nodiscard]] static Cipher fetch(const char* name) {
        Cipher cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
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

    Cipher aes_128_gcm_;
    Cipher aes_256_gcm_;
    Cipher aes_128_ctr_;
};

}  // namespace

std::unique_ptr<SrtpSessionKeyFanout> make_openssl_fanout() {
    return std::make_unique<OpenSslFanout>();
}

}  // namespace isthmus::media::transport
