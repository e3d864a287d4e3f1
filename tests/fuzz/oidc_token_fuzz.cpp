// What an identity provider and a browser send to the hub: keys, tokens, documents, claims. The
// text is taken for each of them; and once for the claims of a token that is signed well, for the
// fuzzer cannot forge a signature.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/http/base64url.h"
#include "base/http/x509.h"
#include "tools/hub/oidc/id_token.h"
#include "tools/hub/oidc/jwks.h"
#include "tools/hub/oidc/provider.h"
#include "tools/hub/oidc/role_mapping.h"
#include "tools/hub/oidc/sign_in.h"

namespace isthmus::hub::oidc {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

const ExpectedToken& expected() {
    static const ExpectedToken kExpected{.issuer = "https://issuer.test",
                                         .client_id = "hub",
                                         .nonce = "nonce",
                                         .begun_s = kNow - 10,
                                         .now_s = kNow};
    return kExpected;
}

// An Ed25519 key that is the same in every run.
class Signer {
  public:
    Signer() {
        const std::string secret(32, '\x07');
        key_.reset(
            EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519,
                                         nullptr,
                                         reinterpret_cast<const unsigned char*>(secret.data()),
                                         secret.size()));
        std::string x(32, '\0');
        std::size_t size = x.size();
        CHECK(key_ && EVP_PKEY_get_raw_public_key(
                          key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1);
        keys_ = *Jwks::parse(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":")" +
                             http::encode_base64url(x) + "\"}]}");
        CHECK(keys_.size() == 1);
    }

    [[nodiscard]] std::string sign(std::string_view header, std::string_view payload) const {
        const std::string text =
            http::encode_base64url(header) + "." + http::encode_base64url(payload);
        const std::unique_ptr<EVP_MD_CTX, http::OpensslFreer<EVP_MD_CTX_free>> context(
            EVP_MD_CTX_new());
        std::string signature(64, '\0');
        std::size_t size = signature.size();
        CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
        CHECK(EVP_DigestSign(context.get(),
                             reinterpret_cast<unsigned char*>(signature.data()),
                             &size,
                             reinterpret_cast<const unsigned char*>(text.data()),
                             text.size()) == 1);
        return text + "." + http::encode_base64url(signature);
    }

    [[nodiscard]] const Jwks& keys() const { return keys_; }

  private:
    http::KeyPtr key_;
    Jwks keys_;
};

void read_documents(std::string_view text) {
    if (const auto keys = Jwks::parse(text)) {
        CHECK(keys->size() <= Jwks::kKeysMax);
        for (const Algorithm algorithm :
             {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa}) {
            const Jwk* key = keys->find("", algorithm);
            CHECK(key == nullptr || !key->verifies("text", std::string(64, 's')));
        }
    }
    if (const auto discovery = read_discovery(text, "https://issuer.test")) {
        CHECK(discovery->token_endpoint.starts_with("https://"));
        CHECK(discovery->jwks_uri.starts_with("https://"));
    }
    const auto tokens = read_tokens({.status = 200, .headers = {}, .body = std::string(text)});
    CHECK(tokens || !tokens.error().message.empty());
    CHECK(!read_tokens({.status = 400, .headers = {}, .body = std::string(text)}));
    const auto userinfo =
        read_userinfo({.status = 200, .headers = {}, .body = std::string(text)}, "alice");
    CHECK(!userinfo || userinfo->at("sub") == boost::json::value("alice"));
    (void)fault_of_issuer(std::string(text));
    // Loopback addresses go into a Location header.
    CHECK(!is_loopback_address(text) || !text.contains('\n'));
}

void run(std::string_view text) {
    static const Signer kSigner;
    static const MasterKey kMaster = *MasterKey::from_text(std::string(43, 'A'));
    CHECK(!open_sign_in(kMaster, text, kNow));
    CHECK(!read_id_token(text, kSigner.keys(), expected()));
    const std::size_t line = text.find('\n');
    const std::string_view first = text.substr(0, line);
    const std::string_view rest = line == std::string_view::npos ? "" : text.substr(line + 1);
    // The first line for the header, what follows for the claims.
    const auto other = read_id_token(kSigner.sign(first, rest), kSigner.keys(), expected());
    CHECK(!other || !other->subject.empty());
    const auto token = read_id_token(
        kSigner.sign(R"({"alg":"EdDSA","kid":"k"})", text), kSigner.keys(), expected());
    if (token) {
        CHECK(!token->subject.empty());
        CHECK(token->claims.at("iss") == boost::json::value("https://issuer.test"));
        CHECK(token->claims.at("nonce") == boost::json::value("nonce"));
        const RoleMapping mapping{.claim = "realm.groups",
                                  .rules = {{.value = "admins", .role = Role::kFull}},
                                  .otherwise = std::nullopt};
        const auto role = map_role(mapping, token->claims);
        CHECK(!role || *role == Role::kFull);
        CHECK(!name_of(token->claims, token->subject).empty());
    }
    read_documents(text);
}

}  // namespace
}  // namespace isthmus::hub::oidc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::hub::oidc::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
