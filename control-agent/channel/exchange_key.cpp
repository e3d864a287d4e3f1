#include "control-agent/channel/exchange_key.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/gcm.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/pkey.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::string_view kSealInfo = "isthmus-sealed-v1";
constexpr std::string_view kSealedMember = "sealed";

struct FreeKeyContext {
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

unsigned char* raw(Bytes& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

std::optional<ExchangeKey> wrap(std::shared_ptr<void> key,
                                ExchangeKey (*make)(std::shared_ptr<void>, ExchangePublicKey)) {
    if (!key) {
        return std::nullopt;
    }
    const auto public_key = ExchangePublicKey::from_bytes(internal::raw_public(key));
    CHECK(public_key.has_value());
    return make(std::move(key), *public_key);
}

// Replaces each sealed secret in a tree by what `replace` makes of it. Without recursion, for the
// tree came from outside; its depth was bounded when it was parsed.
template <typename Replace>
Result<void> replace_sealed(json::value& root, const Replace& replace) {
    std::vector<json::value*> open = {&root};
    while (!open.empty()) {
        json::value& value = *open.back();
        open.pop_back();
        if (is_sealed(value)) {
            auto replaced = replace(value);
            if (!replaced) {
                return std::unexpected(replaced.error());
            }
            value = std::move(*replaced);
        } else if (json::object* object = value.if_object()) {
            for (auto& member : *object) {
                open.push_back(&member.value());
            }
        } else if (json::array* array = value.if_array()) {
            for (json::value& element : *array) {
                open.push_back(&element);
            }
        }
    }
    return {};
}

}  // namespace

std::optional<ExchangePublicKey> ExchangePublicKey::from_bytes(std::string_view bytes) {
    ExchangePublicKey key;
    if (bytes.size() != key.bytes_.size()) {
        return std::nullopt;
    }
    std::ranges::copy(bytes, key.bytes_.begin());
    return key;
}

std::string ExchangePublicKey::id() const {
    return http::encode_base64url(sha256(bytes()));
}

ExchangeKey ExchangeKey::generate(RandomSource& random) {
    auto key = from_bytes(random_bytes(random, 32));
    CHECK(key.has_value());
    return std::move(*key);
}

std::optional<ExchangeKey> ExchangeKey::from_bytes(std::string_view bytes) {
    if (bytes.size() != 32) {
        return std::nullopt;
    }
    return wrap(internal::private_key(EVP_PKEY_X25519, bytes),
                [](auto key, auto public_key) { return ExchangeKey(std::move(key), public_key); });
}

Result<ExchangeKey> ExchangeKey::from_pem(const std::string& pem) {
    auto key =
        wrap(internal::private_from_pem(EVP_PKEY_X25519, pem),
             [](auto held, auto public_key) { return ExchangeKey(std::move(held), public_key); });
    if (!key) {
        return make_error(ErrorCode::kInvalidArgument,
                          "this is no X25519 private key in PEM without passphrase");
    }
    return std::move(*key);
}

std::optional<Bytes> ExchangeKey::agree(const ExchangePublicKey& other) const {
    const auto peer = internal::public_key(EVP_PKEY_X25519, other.bytes());
    const std::unique_ptr<EVP_PKEY_CTX, FreeKeyContext> context(
        EVP_PKEY_CTX_new(internal::pkey(key_), nullptr));
    Bytes secret(32, '\0');
    std::size_t size = secret.size();
    if (!peer || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer(context.get(), internal::pkey(peer)) != 1 ||
        EVP_PKEY_derive(context.get(), raw(secret), &size) != 1 ||
        equal_secrets(secret, Bytes(32, '\0'))) {
        return std::nullopt;
    }
    return secret;
}

std::string ExchangeKey::to_pem() const {
    return internal::private_to_pem(key_);
}

Result<json::value> seal_secret(RandomSource& random,
                                const ExchangePublicKey& to,
                                std::string_view secret,
                                std::string_view context) {
    if (secret.size() > kSecretBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "the secret is longer than 64 KiB");
    }
    const ExchangeKey ephemeral = ExchangeKey::generate(random);
    const auto agreed = ephemeral.agree(to);
    if (!agreed) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the node's sealing key is none; enrol the node anew");
    }
    const Bytes salt = Bytes(ephemeral.public_key().bytes()) + Bytes(to.bytes());
    const Bytes nonce = random_bytes(random, kGcmNonceBytes);
    const Bytes box = encrypt_gcm(hkdf_sha256(*agreed, salt, kSealInfo), nonce, context, secret);
    return json::value{{kSealedMember,
                        {{"to", to.id()},
                         {"ephemeral", http::encode_base64url(ephemeral.public_key().bytes())},
                         {"nonce", http::encode_base64url(nonce)},
                         {"box", http::encode_base64url(box)}}}};
}

bool is_sealed(const json::value& value) {
    const json::object* object = value.if_object();
    return object != nullptr && object->size() == 1 &&
           object_field(value, kSealedMember) != nullptr;
}

Result<std::string> open_secret(const ExchangeKey& key,
                                const json::value& sealed,
                                std::string_view context) {
    const json::value* inner = is_sealed(sealed) ? find_field(sealed, kSealedMember) : nullptr;
    const auto malformed = [] {
        return make_error(ErrorCode::kInvalidArgument, "this is not a sealed secret");
    };
    if (inner == nullptr) {
        return malformed();
    }
    const auto to = text_field(*inner, "to");
    const auto ephemeral = exchange_key_field(*inner, "ephemeral");
    const auto nonce = bytes_field(*inner, "nonce", kGcmNonceBytes);
    auto box = bytes_field(*inner, "box");
    if (!to || !ephemeral || !nonce || !box || box->size() > kSecretBytesMax + kGcmTagBytes) {
        return malformed();
    }
    if (*to != key.public_key().id()) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the secret was sealed to another node's key; seal it for this node");
    }
    const auto agreed = key.agree(*ephemeral);
    const Bytes salt = Bytes(ephemeral->bytes()) + Bytes(key.public_key().bytes());
    auto text =
        agreed
            ? decrypt_gcm(hkdf_sha256(*agreed, salt, kSealInfo), *nonce, context, std::move(*box))
            : std::nullopt;
    if (!text) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the sealed secret was changed since it was sealed; seal it again");
    }
    return std::move(*text);
}

Result<json::value> open_secrets(const ExchangeKey& key, const json::value& configuration) {
    json::value opened = configuration;
    const auto done = replace_sealed(opened, [&](const json::value& sealed) -> Result<json::value> {
        auto secret = open_secret(key, sealed);
        if (!secret) {
            return std::unexpected(secret.error());
        }
        return json::value(*secret);
    });
    if (!done) {
        return std::unexpected(done.error());
    }
    return opened;
}

json::value redact_secrets(const json::value& configuration) {
    json::value redacted = configuration;
    const auto done = replace_sealed(redacted, [](const json::value&) -> Result<json::value> {
        return json::value("(sealed)");
    });
    CHECK(done.has_value());
    return redacted;
}

}  // namespace isthmus::channel
