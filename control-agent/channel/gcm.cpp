#include "control-agent/channel/gcm.h"

#include <memory>
#include <utility>

#include <openssl/evp.h>

#include "base/check.h"

namespace isthmus::channel {
namespace {

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

unsigned char* raw(Bytes& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

int length_of(std::string_view bytes) {
    return static_cast<int>(bytes.size());
}

}  // namespace

Bytes encrypt_gcm(std::string_view key,
                  std::string_view nonce,
                  std::string_view context,
                  std::string_view text) {
    CHECK(key.size() == kGcmKeyBytes && nonce.size() == kGcmNonceBytes);
    const CipherPtr cipher(EVP_CIPHER_CTX_new());
    EVP_CIPHER_CTX* const to = cipher.get();
    Bytes box(text.size() + kGcmTagBytes, '\0');
    unsigned char* const tag = raw(box) + text.size();
    int size = 0;
    CHECK(to != nullptr);
    CHECK(EVP_EncryptInit_ex(to, EVP_aes_256_gcm(), nullptr, raw(key), raw(nonce)) == 1);
    CHECK(EVP_EncryptUpdate(to, nullptr, &size, raw(context), length_of(context)) == 1);
    CHECK(EVP_EncryptUpdate(to, raw(box), &size, raw(text), length_of(text)) == 1);
    CHECK(EVP_EncryptFinal_ex(to, tag, &size) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(to, EVP_CTRL_GCM_GET_TAG, kGcmTagBytes, tag) == 1);
    return box;
}

std::optional<std::string> decrypt_gcm(std::string_view key,
                                       std::string_view nonce,
                                       std::string_view context,
                                       Bytes box) {
    CHECK(key.size() == kGcmKeyBytes);
    const CipherPtr cipher(EVP_CIPHER_CTX_new());
    EVP_CIPHER_CTX* const from = cipher.get();
    if (from == nullptr || nonce.size() != kGcmNonceBytes || box.size() < kGcmTagBytes) {
        return std::nullopt;
    }
    std::string text(box.size() - kGcmTagBytes, '\0');
    unsigned char* const tag = raw(box) + text.size();
    int size = 0;
    const bool good =
        EVP_DecryptInit_ex(from, EVP_aes_256_gcm(), nullptr, raw(key), raw(nonce)) == 1 &&
        EVP_DecryptUpdate(from, nullptr, &size, raw(context), length_of(context)) == 1 &&
        EVP_DecryptUpdate(from, raw(text), &size, raw(box), length_of(text)) == 1 &&
        EVP_CIPHER_CTX_ctrl(from, EVP_CTRL_GCM_SET_TAG, kGcmTagBytes, tag) == 1 &&
        EVP_DecryptFinal_ex(from, raw(text) + text.size(), &size) == 1;
    return good ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace isthmus::channel
