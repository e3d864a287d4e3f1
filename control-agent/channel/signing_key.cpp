#include "control-agent/channel/signing_key.h"

#include <algorithm>
#include <utility>

#include "base/http/base64url.h"
#include "control-agent/channel/pkey.h"

namespace isthmus::channel {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

using ContextPtr = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::optional<PublicKey> PublicKey::from_bytes(std::string_view bytes) {
    PublicKey key;
    if (bytes.size() != key.bytes_.size()) {
        return std::nullopt;
    }
    std::ranges::copy(bytes, key.bytes_.begin());
    return key;
}

std::string PublicKey::id() const {
    return http::encode_base64url(fingerprint());
}

bool PublicKey::verify(std::string_view label,
                       std::initializer_list<std::string_view> fields,
                       std::string_view signature) const {
    if (signature.size() != kSignatureBytes) {
        return false;
    }
    const auto key = internal::public_key(EVP_PKEY_ED25519, bytes());
    const ContextPtr context(EVP_MD_CTX_new());
    if (!key || !context ||
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, internal::pkey(key)) != 1) {
        return false;
    }
    const Bytes text = statement(label, fields);
    return EVP_DigestVerify(
               context.get(), raw(signature), signature.size(), raw(text), text.size()) == 1;
}

SigningKey SigningKey::generate(RandomSource& random) {
    auto key = from_seed(random_bytes(random, kKeyBytes));
    CHECK(key.has_value());
    return std::move(*key);
}

std::optional<SigningKey> SigningKey::from_seed(std::string_view seed) {
    auto key = seed.size() == kKeyBytes ? internal::private_key(EVP_PKEY_ED25519, seed) : nullptr;
    if (!key) {
        return std::nullopt;
    }
    const auto public_key = PublicKey::from_bytes(internal::raw_public(key));
    CHECK(public_key.has_value());
    return SigningKey(std::move(key), *public_key);
}

Result<SigningKey> SigningKey::from_pem(const std::string& pem) {
    auto key = internal::private_from_pem(EVP_PKEY_ED25519, pem);
    if (!key) {
        return make_error(ErrorCode::kInvalidArgument,
                          "this is no Ed25519 private key in PEM without passphrase");
    }
    const auto public_key = PublicKey::from_bytes(internal::raw_public(key));
    CHECK(public_key.has_value());
    return SigningKey(std::move(key), *public_key);
}

Bytes SigningKey::sign(std::string_view label,
                       std::initializer_list<std::string_view> fields) const {
    const ContextPtr context(EVP_MD_CTX_new());
    CHECK(context &&
          EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, internal::pkey(key_)) == 1);
    const Bytes text = statement(label, fields);
    Bytes signature(kSignatureBytes, '\0');
    std::size_t size = signature.size();
    CHECK(EVP_DigestSign(context.get(),
                         reinterpret_cast<unsigned char*>(signature.data()),
                         &size,
                         raw(text),
                         text.size()) == 1);
    return signature;
}

std::string SigningKey::to_pem() const {
    return internal::private_to_pem(key_);
}

Bytes SigningKey::seed() const {
    Bytes out(kKeyBytes, '\0');
    std::size_t size = out.size();
    CHECK(EVP_PKEY_get_raw_private_key(
              internal::pkey(key_), reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
    return out;
}

}  // namespace isthmus::channel
