#include "media/transport/dtls_record_cipher.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::transport {
namespace {

constexpr std::size_t kSaltBytes = 4;
constexpr std::size_t kKeyBytesMax = 32;
constexpr std::size_t kMasterSecretBytes = 48;  // RFC 5246 section 8.1
constexpr std::size_t kRandomBytes = 32;        // RFC 5246 section 7.4.1.2
// RFC 5246 section 6.3.
constexpr std::string_view kLabel = "key expansion";

struct Deleter {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }

    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }

    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }

    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter>;

[[nodiscard]] unsigned char* as_uchar(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

[[nodiscard]] const unsigned char* as_uchar(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

[[nodiscard]] std::optional<std::uint8_t> key_bytes_of(const SSL* ssl) {
    const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
    switch (cipher == nullptr ? NID_undef : SSL_CIPHER_get_cipher_nid(cipher)) {
        case NID_aes_128_gcm:
            return 16;
        case NID_aes_256_gcm:
            return 32;
        default:
            return std::nullopt;
    }
}

// The TLS 1.2 PRF of the master secret, with the randoms for its seed (RFC 5246 section 6.3).
[[nodiscard]] bool expand(const SSL* ssl, std::span<unsigned char> out) {
    std::array<unsigned char, kMasterSecretBytes> secret{};
    std::array<unsigned char, kLabel.size() + 2 * kRandomBytes> seed{};
    std::ranges::copy(kLabel, seed.begin());
    unsigned char* const randoms = seed.data() + kLabel.size();
    if (SSL_SESSION_get_master_key(SSL_get_session(ssl), secret.data(), secret.size()) !=
            secret.size() ||
        SSL_get_server_random(ssl, randoms, kRandomBytes) != kRandomBytes ||
        SSL_get_client_random(ssl, randoms + kRandomBytes, kRandomBytes) != kRandomBytes) {
        return false;
    }
    const EVP_MD* hash = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
    const std::unique_ptr<EVP_KDF, Deleter> kdf(
        EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr));
    const std::unique_ptr<EVP_KDF_CTX, Deleter> context(EVP_KDF_CTX_new(kdf.get()));
    if (hash == nullptr || context == nullptr) {
        return false;
    }
    const std::array parameters = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_KDF_PARAM_DIGEST, const_cast<char*>(EVP_MD_get0_name(hash)), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
        OSSL_PARAM_construct_end()};
    const bool done = EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) == 1;
    OPENSSL_cleanse(secret.data(), secret.size());
    return done;
}

// Fetched once, and kept: as good as constants.
[[nodiscard]] const EVP_CIPHER* cipher_of(const DtlsTrafficKey& key) {
    using Cipher = std::unique_ptr<EVP_CIPHER, Deleter>;
    static const Cipher kAes128(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
    static const Cipher kAes256(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    return key.key_bytes == 16 ? kAes128.get() : kAes256.get();
}

// What goes into a record's tag besides its content, and its nonce.
struct Prelude {
    std::array<std::byte, kSaltBytes + kDtlsNonceBytes> nonce{};
    // Epoch and sequence number, type, version, length (RFC 6347 section 4.1.2.1).
    std::array<std::byte, 13> associated{};
};

[[nodiscard]] Prelude prelude_of(const DtlsTrafficKey& key,
                                 const DtlsRecordName& name,
                                 std::size_t content_bytes) {
    Prelude prelude;
    std::ranges::copy(key.salt, prelude.nonce.begin());
    store_be64(&prelude.nonce[kSaltBytes], name.nonce);
    store_be64(prelude.associated.data(), std::uint64_t{name.epoch} << 48U | name.sequence);
    prelude.associated[8] = static_cast<std::byte>(name.type);
    store_be16(&prelude.associated[9], kDtls12);
    store_be16(&prelude.associated[11], static_cast<std::uint16_t>(content_bytes));
    return prelude;
}

[[nodiscard]] CipherContext begin(const DtlsTrafficKey& key,
                                  const Prelude& prelude,
                                  bool encrypts) {
    CipherContext context(EVP_CIPHER_CTX_new());
    int written = 0;
    CHECK(context != nullptr);
    CHECK(EVP_CipherInit_ex2(context.get(),
                             cipher_of(key),
                             as_uchar(key.key.data()),
                             as_uchar(prelude.nonce.data()),
                             encrypts ? 1 : 0,
                             nullptr) == 1);
    CHECK(EVP_CipherUpdate(context.get(),
                           nullptr,
                           &written,
                           as_uchar(prelude.associated.data()),
                           static_cast<int>(prelude.associated.size())) == 1);
    return context;
}

void update(EVP_CIPHER_CTX* context, std::byte* out, std::span<const std::byte> in) {
    int written = 0;
    CHECK(EVP_CipherUpdate(
              context, as_uchar(out), &written, as_uchar(in.data()), static_cast<int>(in.size())) ==
          1);
}

}  // namespace

DtlsTrafficKey::~DtlsTrafficKey() {
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(salt.data(), salt.size());
}

std::optional<DtlsTrafficKeys> derive_dtls_traffic_keys(const SSL* ssl) {
    const auto key_bytes = key_bytes_of(ssl);
    if (!key_bytes) {
        return std::nullopt;
    }
    // Client key, server key, client salt, server salt; no MAC keys (RFC 5246 section 6.3).
    std::array<unsigned char, 2 * (kKeyBytesMax + kSaltBytes)> block{};
    if (!expand(ssl, std::span(block).first(2 * (*key_bytes + kSaltBytes)))) {
        return std::nullopt;
    }
    DtlsTrafficKeys keys;
    const auto* from = reinterpret_cast<const std::byte*>(block.data());
    for (DtlsTrafficKey* key : {&keys.client, &keys.server}) {
        key->key_bytes = *key_bytes;
        std::copy_n(from, *key_bytes, key->key.begin());
        from += *key_bytes;
    }
    for (DtlsTrafficKey* key : {&keys.client, &keys.server}) {
        std::copy_n(from, kSaltBytes, key->salt.begin());
        from += kSaltBytes;
    }
    OPENSSL_cleanse(block.data(), block.size());
    return keys;
}

void seal_dtls_record(const DtlsTrafficKey& key,
                      const DtlsRecordName& name,
                      std::span<const std::byte> content,
                      std::vector<std::byte>& datagram) {
    const std::size_t body_bytes = kDtlsNonceBytes + content.size() + kDtlsTagBytes;
    const std::size_t begins_at = datagram.size();
    datagram.resize(begins_at + kDtlsHeaderBytes + body_bytes);
    const auto record = std::span(datagram).subspan(begins_at);
    write_dtls_header(
        record.first<kDtlsHeaderBytes>(), name.type, name.epoch, name.sequence, body_bytes);
    store_be64(&record[kDtlsHeaderBytes], name.nonce);
    const auto text = record.subspan(kDtlsHeaderBytes + kDtlsNonceBytes, content.size());
    std::byte* const tag = text.data() + text.size();

    const CipherContext context = begin(key, prelude_of(key, name, content.size()), true);
    update(context.get(), text.data(), content);
    int written = 0;
    CHECK(EVP_CipherFinal_ex(context.get(), as_uchar(tag), &written) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kDtlsTagBytes, tag) == 1);
}

std::optional<std::span<const std::byte>> open_dtls_record(const DtlsTrafficKey& key,
                                                           const DtlsRecord& record,
                                                           std::span<std::byte> out) {
    const auto body = record.body();
    if (body.size() < kDtlsNonceBytes + kDtlsTagBytes || out.size() < body.size()) {
        return std::nullopt;
    }
    const auto text = body.subspan(kDtlsNonceBytes, body.size() - kDtlsNonceBytes - kDtlsTagBytes);
    std::array<std::byte, kDtlsTagBytes> tag{};
    std::ranges::copy(body.last(kDtlsTagBytes), tag.begin());
    const DtlsRecordName name{.type = record.type,
                              .epoch = record.epoch,
                              .sequence = record.sequence,
                              .nonce = load_be64(body.data())};

    const CipherContext context = begin(key, prelude_of(key, name, text.size()), false);
    CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kDtlsTagBytes, tag.data()) ==
          1);
    update(context.get(), out.data(), text);
    std::array<unsigned char, EVP_MAX_BLOCK_LENGTH> rest{};
    int written = 0;
    // Compares the tags, in constant time.
    if (EVP_CipherFinal_ex(context.get(), rest.data(), &written) != 1) {
        return std::nullopt;
    }
    return out.first(text.size());
}

}  // namespace isthmus::media::transport
