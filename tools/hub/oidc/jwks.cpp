#include "tools/hub/oidc/jwks.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/http/x509.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

using http::OpensslFreer;
using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslFreer<EVP_PKEY_CTX_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, OpensslFreer<EVP_MD_CTX_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, OpensslFreer<BN_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslFreer<OSSL_PARAM_BLD_free>>;
using ParametersPtr = std::unique_ptr<OSSL_PARAM, OpensslFreer<OSSL_PARAM_free>>;
using EcdsaPtr = std::unique_ptr<ECDSA_SIG, OpensslFreer<ECDSA_SIG_free>>;

// RFC 7518 section 3.3 wants 2048; what is above 8192 costs milliseconds a token and is nobody's.
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;
constexpr std::size_t kRsaExponentBytesMax = 4;  // 65537 in practice; long ones only cost time
constexpr std::size_t kP256Bytes = 32;
constexpr std::size_t kEd25519Bytes = 32;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::shared_ptr<void> hold(EVP_PKEY* key) {
    return {key, [](void* held) { EVP_PKEY_free(static_cast<EVP_PKEY*>(held)); }};
}

NumberPtr number_of(std::string_view bytes) {
    return NumberPtr(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::shared_ptr<void> key_of(const char* type, OSSL_PARAM_BLD* builder) {
    const ParametersPtr parameters(OSSL_PARAM_BLD_to_param(builder));
    const ContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
        return nullptr;
    }
    return hold(key);
}

std::shared_ptr<void> rsa_key(const json::value& jwk) {
    const auto modulus = channel::bytes_field(jwk, "n");
    const auto exponent = channel::bytes_field(jwk, "e");
    if (!modulus || !exponent || exponent->empty() || exponent->size() > kRsaExponentBytesMax ||
        modulus->size() > kRsaBitsMax / 8) {
        return nullptr;
    }
    const NumberPtr n = number_of(*modulus);
    const NumberPtr e = number_of(*exponent);
    const BuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!n || !e || !builder || BN_num_bits(n.get()) < kRsaBitsMin || BN_is_odd(n.get()) != 1 ||
        BN_is_odd(e.get()) != 1 || BN_is_one(e.get()) == 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
        return nullptr;
    }
    return key_of("RSA", builder.get());
}

std::shared_ptr<void> p256_key(const json::value& jwk) {
    const auto x = channel::bytes_field(jwk, "x", kP256Bytes);
    const auto y = channel::bytes_field(jwk, "y", kP256Bytes);
    if (!x || !y || channel::text_field(jwk, "crv") != "P-256") {
        return nullptr;
    }
    constexpr char kUncompressed = 4;  // SEC 1 section 2.3.3
    const std::string point = std::string(1, kUncompressed) + *x + *y;
    const BuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(
            builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(
            builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
        return nullptr;
    }
    return key_of("EC", builder.get());  // refuses a point that is not on the curve
}

std::shared_ptr<void> ed25519_key(const json::value& jwk) {
    const auto x = channel::bytes_field(jwk, "x", kEd25519Bytes);
    if (!x || channel::text_field(jwk, "crv") != "Ed25519") {
        return nullptr;
    }
    EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*x), x->size());
    return key != nullptr ? hold(key) : nullptr;
}

std::optional<Jwk> read_key(const json::value& jwk) {
    if (channel::text_field(jwk, "use").value_or("sig") != "sig") {
        return std::nullopt;
    }
    Jwk read{.id = channel::text_field(jwk, "kid").value_or(""), .key = nullptr};
    const std::string type = channel::text_field(jwk, "kty").value_or("");
    if (type == "RSA") {
        read.algorithm = Algorithm::kRs256;
        read.key = rsa_key(jwk);
    } else if (type == "EC") {
        read.algorithm = Algorithm::kEs256;
        read.key = p256_key(jwk);
    } else if (type == "OKP") {
        read.algorithm = Algorithm::kEdDsa;
        read.key = ed25519_key(jwk);
    }
    const auto algorithm = channel::text_field(jwk, "alg");
    if (!read.key || (algorithm && parse_algorithm(*algorithm) != read.algorithm)) {
        return std::nullopt;
    }
    return read;
}

// A JWS has r and s side by side (RFC 7518 section 3.4), OpenSSL wants them as ASN.1.
std::string ecdsa_signature(std::string_view raw) {
    if (raw.size() != 2 * kP256Bytes) {
        return {};
    }
    const EcdsaPtr signature(ECDSA_SIG_new());
    NumberPtr r = number_of(raw.substr(0, kP256Bytes));
    NumberPtr s = number_of(raw.substr(kP256Bytes));
    // They are the signature's then; it takes any two that are there.
    if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.release(), s.release()) != 1) {
        return {};
    }
    unsigned char* out = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &out);
    std::string der;
    if (size > 0) {
        der.assign(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    }
    OPENSSL_free(out);
    return der;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
    if (name == "RS256") {
        return Algorithm::kRs256;
    }
    if (name == "ES256") {
        return Algorithm::kEs256;
    }
    if (name == "EdDSA") {
        return Algorithm::kEdDsa;
    }
    return std::nullopt;
}

bool Jwk::verifies(std::string_view text, std::string_view signature) const {
    std::string held;
    if (algorithm == Algorithm::kEs256) {
        held = ecdsa_signature(signature);
        signature = held;
    }
    const DigestPtr context(EVP_MD_CTX_new());
    const EVP_MD* digest = algorithm == Algorithm::kEdDsa ? nullptr : EVP_sha256();
    return !signature.empty() && context &&
           EVP_DigestVerifyInit(
               context.get(), nullptr, digest, nullptr, static_cast<EVP_PKEY*>(key.get())) == 1 &&
           EVP_DigestVerify(
               context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) ==
               1;
}

std::optional<Jwks> Jwks::parse(std::string_view text) {
    const auto value = channel::parse_json(text, kBytesMax);
    const json::value* keys = value ? channel::find_field(*value, "keys") : nullptr;
    if (keys == nullptr || !keys->is_array() || keys->get_array().size() > kKeysMax) {
        return std::nullopt;
    }
    Jwks out;
    for (const json::value& key : keys->get_array()) {
        if (auto read = read_key(key)) {
            out.keys_.push_back(std::move(*read));
        }
    }
    return out;
}

const Jwk* Jwks::find(std::string_view id, Algorithm algorithm) const {
    const Jwk* found = nullptr;
    for (const Jwk& key : keys_) {
        if (key.algorithm != algorithm || (!id.empty() && key.id != id)) {
            continue;
        }
        if (found != nullptr) {
            return nullptr;  // which of the two?
        }
        found = &key;
    }
    return found;
}

}  // namespace isthmus::hub::oidc
