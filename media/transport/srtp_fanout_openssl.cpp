// SRTP by OpenSSL: everywhere, and the check on the other engine.
//
// Each key keeps its own cipher context with the key schedule expanded; a packet sets only the
// nonce. Nothing is allocated per packet.

#include <array>
#include <cstring>

#include <openssl/evp.h>

#include "base/check.h"
#include "media/transport/srtp_cipher_openssl.h"
#include "media/transport/srtp_fanout_engines.h"
#include "media/transport/srtp_openssl_keys.h"

namespace isthmus::media::transport {

namespace {

void update(EVP_CIPHER_CTX* context, std::byte* out, std::span<const std::byte> in) {
    int written = 0;
    const int ok = EVP_EncryptUpdate(context,
                                     out == nullptr ? nullptr : openssl_bytes(out),
                                     &written,
                                     openssl_bytes(in.data()),
                                     static_cast<int>(in.size()));
    CHECK(ok == 1);
}

void set_nonce(EVP_CIPHER_CTX* context, const std::byte* nonce) {
    CHECK(EVP_EncryptInit_ex2(context, nullptr, nullptr, openssl_bytes(nonce), nullptr) == 1);
}

void protect_gcm(const SrtpJob& job, const OpenSslKey& key) {
    std::array<std::byte, 12> nonce{};
    const std::byte* const header = job.header.data();
    key.salt.write_gcm_nonce(load_be32(header + 8), srtp_index_of(header, job.roc), nonce.data());
    set_nonce(key.context.get(), nonce.data());
    const std::span plaintext(place_plaintext(job), job.plain_bytes());
    std::byte* const ciphertext = job.out + job.header.size();
    std::byte* const tag = ciphertext + plaintext.size();
    update(key.context.get(), nullptr, job.header);
    update(key.context.get(), ciphertext, plaintext);
    int written = 0;
    CHECK(EVP_EncryptFinal_ex(key.context.get(), openssl_bytes(tag), &written) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(
              key.context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(key.tag_bytes()), tag) ==
          1);
}

void protect_counter_mode(const SrtpJob& job, const OpenSslKey& key) {
    std::array<std::byte, 16> block{};
    const std::byte* const header = job.header.data();
    key.salt.write_counter_block(
        load_be32(header + 8), srtp_index_of(header, job.roc), block.data());
    set_nonce(key.context.get(), block.data());
    const std::span plaintext(place_plaintext(job), job.plain_bytes());
    std::byte* const ciphertext = job.out + job.header.size();
    std::byte* const tag = ciphertext + plaintext.size();
    update(key.context.get(), ciphertext, plaintext);
    // The tag covers the packet and then the roll-over counter (RFC 3711 section 4.2), which stands
    // where the tag will be.
    store_be32(tag, job.roc);
    std::array<std::byte, kSha1Bytes> digest{};
    key.hmac.digest({job.out, job.header.size() + plaintext.size() + sizeof job.roc}, digest);
    std::memcpy(tag, digest.data(), key.tag_bytes());
}

class OpenSslFanout final : public SrtpSessionKeyFanout {
  public:
    [[nodiscard]] std::unique_ptr<SrtpSendKey> expand(const SrtpSessionKeys& keys) override {
        return cipher_.expand(keys);
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

    [[nodiscard]] SrtpCipher& cipher() override { return cipher_; }

    [[nodiscard]] std::string_view name() const override { return "openssl"; }

  private:
    OpenSslSrtpCipher cipher_;
};

}  // namespace

std::unique_ptr<SrtpSessionKeyFanout> make_openssl_fanout() {
    return std::make_unique<OpenSslFanout>();
}

}  // namespace isthmus::media::transport
