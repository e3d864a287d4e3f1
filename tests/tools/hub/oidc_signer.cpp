#include "tests/tools/hub/oidc_signer.h"

#include <memory>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "base/http/base64url.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

using http::OpensslFreer;

std::string encode(std::string_view bytes) {
    return http::encode_base64url(bytes);
}

std::string number(EVP_PKEY* key, const char* name, int bytes) {
    BIGNUM* value = nullptr;
    CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1);
    const std::unique_ptr<BIGNUM, OpensslFreer<BN_free>> held(value);
    std::string out(static_cast<std::size_t>(bytes != 0 ? bytes : BN_num_bytes(value)), '\0');
    CHECK(BN_bn2binpad(value,
                       reinterpret_cast<unsigned char*>(out.data()),
                       static_cast<int>(out.size())) >= 0);
    return out;
}

// ASN.1 as r and s side by side.
std::string raw_ecdsa(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<ECDSA_SIG, OpensslFreer<ECDSA_SIG_free>> signature(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string out(64, '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes, 32) == 32);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes + 32, 32) == 32);
    return out;
}

}  // namespace

Signer::Signer(std::string algorithm, std::string id)
    : algorithm_(std::move(algorithm)), id_(std::move(id)) {
    if (algorithm_ == "RS256") {
        key_.reset(EVP_RSA_gen(2048));
    } else if (algorithm_ == "ES256") {
        key_.reset(EVP_EC_gen("P-256"));
    } else {
        key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    }
    CHECK(key_ != nullptr);
}

json::value Signer::jwk() const {
    json::object out = {{"kid", id_}, {"alg", algorithm_}, {"use", "sig"}};
    if (algorithm_ == "RS256") {
        out["kty"] = "RSA";
        out["n"] = encode(number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0));
        out["e"] = encode(number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0));
    } else if (algorithm_ == "ES256") {
        out["kty"] = "EC";
        out["crv"] = "P-256";
        out["x"] = encode(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32));
        out["y"] = encode(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32));
    } else {
        std::string x(32, '\0');
        std::size_t size = x.size();
        CHECK(EVP_PKEY_get_raw_public_key(
                  key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1);
        out["kty"] = "OKP";
        out["crv"] = "Ed25519";
        out["x"] = encode(x);
    }
    return out;
}

std::string Signer::jwks() const {
    return json::serialize(json::object{{"keys", json::array{jwk()}}});
}

std::string Signer::sign(const json::value& claims) const {
    return sign_as({{"alg", algorithm_}, {"kid", id_}}, claims);
}

std::string Signer::sign_as(const json::value& header, const json::value& claims) const {
    const std::string text =
        encode(json::serialize(header)) + "." + encode(json::serialize(claims));
    return text + "." + encode(signature(text));
}

std::string Signer::signature(std::string_view text) const {
    const std::unique_ptr<EVP_MD_CTX, OpensslFreer<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    const EVP_MD* digest = algorithm_ == "EdDSA" ? nullptr : EVP_sha256();
    CHECK(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1);
    std::size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
    std::string out(size, '\0');
    CHECK(EVP_DigestSign(context.get(),
                         reinterpret_cast<unsigned char*>(out.data()),
                         &size,
                         bytes,
                         text.size()) == 1);
    out.resize(size);
    return algorithm_ == "ES256" ? raw_ecdsa(out) : out;
}

}  // namespace isthmus::hub::oidc
