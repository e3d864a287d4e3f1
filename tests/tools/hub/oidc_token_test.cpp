// ID tokens: who signed them, for whom, when, for which sign-in.
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/base64url.h"
#include "tests/tools/hub/oidc_signer.h"
#include "tools/hub/oidc/id_token.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNow = 1'800'000'000;

json::object claims() {
    return {{"iss", "https://issuer.test"},
            {"aud", "hub"},
            {"sub", "alice"},
            {"nonce", "n-1"},
            {"iat", kNow - 5},
            {"exp", kNow + 300}};
}

json::object claims_with(std::string_view name, json::value value) {
    json::object out = claims();
    out[name] = std::move(value);
    return out;
}

json::object claims_without(std::string_view name) {
    json::object out = claims();
    out.erase(name);
    return out;
}

class IdTokenTest : public ::testing::Test {
  protected:
    std::expected<IdToken, TokenFault> read(const std::string& token) {
        return read_id_token(token,
                             keys_,
                             {.issuer = "https://issuer.test",
                              .client_id = "hub",
                              .nonce = "n-1",
                              .begun_s = kNow - 60,
                              .now_s = kNow});
    }

    TokenFault fault_of(const json::value& with) {
        const auto token = read(signer_.sign(with));
        EXPECT_FALSE(token.has_value()) << json::serialize(with);
        return token ? TokenFault::kMalformed : token.error();
    }

    Signer signer_{"ES256", "k1"};
    Jwks keys_ = *Jwks::parse(signer_.jwks());
};

TEST_F(IdTokenTest, NamesWhoSignedIn) {
    const auto token = read(signer_.sign(claims()));
    ASSERT_TRUE(token.has_value()) << to_string(token.error());
    EXPECT_EQ(token->subject, "alice");
    EXPECT_EQ(token->claims.at("aud"), json::value("hub"));
}

TEST_F(IdTokenTest, TakesEveryAlgorithmThatItKnows) {
    for (const char* algorithm : {"RS256", "ES256", "EdDSA"}) {
        const Signer signer(algorithm, "k");
        keys_ = *Jwks::parse(signer.jwks());
        EXPECT_TRUE(read(signer.sign(claims())).has_value()) << algorithm;
    }
}

TEST_F(IdTokenTest, RefusesAnotherKey) {
    const Signer stranger("ES256", "k1");  // says the name of ours
    EXPECT_EQ(read(stranger.sign(claims())).error(), TokenFault::kSignature);
    const Signer newer("ES256", "k2");
    EXPECT_EQ(read(newer.sign(claims())).error(), TokenFault::kUnknownKey);
}

TEST_F(IdTokenTest, RefusesAChangedToken) {
    const std::string token = signer_.sign(claims());
    const std::size_t dot = token.find('.');
    std::string changed = token;
    changed.replace(dot + 1,
                    token.find('.', dot + 1) - dot - 1,
                    http::encode_base64url(json::serialize(claims_with("sub", "mallory"))));
    EXPECT_EQ(read(changed).error(), TokenFault::kSignature);
}

TEST_F(IdTokenTest, RefusesNoneAndKeysOfAnotherKind) {
    const json::value header = {{"alg", "none"}};
    const std::string unsigned_token = http::encode_base64url(json::serialize(header)) + "." +
                                       http::encode_base64url(json::serialize(claims())) + ".";
    EXPECT_EQ(read(unsigned_token).error(), TokenFault::kAlgorithm);
    EXPECT_EQ(read(signer_.sign_as({{"alg", "HS256"}, {"kid", "k1"}}, claims())).error(),
              TokenFault::kAlgorithm);
    // The public key is there under that name, for another algorithm.
    EXPECT_EQ(read(signer_.sign_as({{"alg", "RS256"}, {"kid", "k1"}}, claims())).error(),
              TokenFault::kUnknownKey);
    EXPECT_EQ(
        read(signer_.sign_as({{"alg", "ES256"}, {"kid", "k1"}, {"crit", {"x"}}}, claims())).error(),
        TokenFault::kMalformed);
}

TEST_F(IdTokenTest, TakesATokenWithoutAKeyNameWhereThereIsOneKeyOnly) {
    EXPECT_TRUE(read(signer_.sign_as({{"alg", "ES256"}}, claims())).has_value());
    const Signer second("ES256", "k2");
    keys_ = *Jwks::parse(
        json::serialize(json::object{{"keys", json::array{signer_.jwk(), second.jwk()}}}));
    EXPECT_EQ(read(signer_.sign_as({{"alg", "ES256"}}, claims())).error(), TokenFault::kUnknownKey);
}

TEST_F(IdTokenTest, RefusesAnotherIssuer) {
    EXPECT_EQ(fault_of(claims_with("iss", "https://issuer.test/")), TokenFault::kIssuer);
    EXPECT_EQ(fault_of(claims_without("iss")), TokenFault::kIssuer);
}

TEST_F(IdTokenTest, RefusesATokenForAnotherClient) {
    EXPECT_EQ(fault_of(claims_with("aud", "other")), TokenFault::kAudience);
    EXPECT_EQ(fault_of(claims_with("aud", json::array{"other"})), TokenFault::kAudience);
    EXPECT_EQ(fault_of(claims_without("aud")), TokenFault::kAudience);
    EXPECT_EQ(fault_of(claims_with("azp", "other")), TokenFault::kAuthorizedParty);
    // For two: it has to say for whom it was made.
    EXPECT_EQ(fault_of(claims_with("aud", json::array{"hub", "other"})),
              TokenFault::kAuthorizedParty);
    json::object both = claims_with("aud", json::array{"hub", "other"});
    both["azp"] = "hub";
    EXPECT_TRUE(read(signer_.sign(both)).has_value());
}

TEST_F(IdTokenTest, AllowsClocksToDifferByAMinute) {
    EXPECT_TRUE(read(signer_.sign(claims_with("exp", kNow - kSkewSeconds + 1))).has_value());
    EXPECT_EQ(fault_of(claims_with("exp", kNow - kSkewSeconds)), TokenFault::kExpired);
    EXPECT_EQ(fault_of(claims_with("exp", "soon")), TokenFault::kExpired);
    EXPECT_EQ(fault_of(claims_without("exp")), TokenFault::kExpired);
    EXPECT_TRUE(read(signer_.sign(claims_with("iat", kNow + kSkewSeconds))).has_value());
    EXPECT_EQ(fault_of(claims_with("iat", kNow + kSkewSeconds + 1)), TokenFault::kIssuedAt);
    EXPECT_EQ(fault_of(claims_without("iat")), TokenFault::kIssuedAt);
    EXPECT_EQ(fault_of(claims_with("nbf", kNow + kSkewSeconds + 1)), TokenFault::kIssuedAt);
    // Fractions of a second are allowed.
    EXPECT_TRUE(read(signer_.sign(claims_with("exp", 1'800'000'100.25))).has_value());
}

TEST_F(IdTokenTest, RefusesATokenFromBeforeTheSignIn) {
    EXPECT_EQ(fault_of(claims_with("iat", kNow - 60 - kSkewSeconds - 1)), TokenFault::kIssuedAt);
}

TEST_F(IdTokenTest, RefusesTheNonceOfAnotherSignIn) {
    EXPECT_EQ(fault_of(claims_with("nonce", "n-2")), TokenFault::kNonce);
    EXPECT_EQ(fault_of(claims_without("nonce")), TokenFault::kNonce);
    EXPECT_EQ(fault_of(claims_with("nonce", 7)), TokenFault::kNonce);
}

TEST_F(IdTokenTest, RefusesATokenOfNobody) {
    EXPECT_EQ(fault_of(claims_without("sub")), TokenFault::kSubject);
    EXPECT_EQ(fault_of(claims_with("sub", "")), TokenFault::kSubject);
    EXPECT_EQ(fault_of(claims_with("sub", "a\nb")), TokenFault::kSubject);
    EXPECT_EQ(fault_of(claims_with("sub", json::value(std::string(kSubjectBytesMax + 1, 'a')))),
              TokenFault::kSubject);
}

TEST_F(IdTokenTest, RefusesWhatIsNoToken) {
    for (const char* text : {"", "a", "a.b", "a.b.c", "a.b.c.d", "..", "e30.e30.e30"}) {
        EXPECT_FALSE(read(text).has_value()) << text;
    }
    EXPECT_EQ(read(std::string(kTokenBytesMax + 1, 'a')).error(), TokenFault::kMalformed);
}

TEST(Jwks, PassesOverKeysThatAreOfNoUse) {
    const Signer good("RS256", "r");
    json::object weak = good.jwk().as_object();
    weak["n"] = "AQAB";
    json::object encrypting = good.jwk().as_object();
    encrypting["use"] = "enc";
    json::object contradicting = good.jwk().as_object();
    contradicting["alg"] = "HS256";
    json::object off_curve = Signer("ES256", "e").jwk().as_object();
    off_curve["y"] = off_curve["x"];
    const json::object set = {
        {"keys",
         json::array{
             weak, encrypting, contradicting, off_curve, {{"kty", "oct"}, {"k", "AAAA"}}, 7}}};
    const auto keys = Jwks::parse(json::serialize(set));
    ASSERT_TRUE(keys.has_value());
    EXPECT_EQ(keys->size(), 0U);
    EXPECT_EQ(Jwks::parse(good.jwks())->size(), 1U);
    EXPECT_FALSE(Jwks::parse("[]").has_value());
    EXPECT_FALSE(Jwks::parse(R"({"keys":{}})").has_value());
}

}  // namespace
}  // namespace isthmus::hub::oidc
