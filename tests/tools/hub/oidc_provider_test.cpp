// What is said to providers, what they answer, when they are asked again; roles; the sealed state.
#include <deque>
#include <string>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tools/hub/oidc/provider.h"
#include "tools/hub/oidc/provider_directory.h"
#include "tools/hub/oidc/role_mapping.h"
#include "tools/hub/oidc/sign_in.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr const char* kIssuer = "https://issuer.test/tenant";

json::object discovery_document() {
    return {{"issuer", kIssuer},
            {"authorization_endpoint", "https://issuer.test/auth?tenant=1"},
            {"token_endpoint", "https://issuer.test/token"},
            {"userinfo_endpoint", "https://issuer.test/me"},
            {"jwks_uri", "https://issuer.test/jwks"}};
}

Result<Discovery> read(const json::object& document) {
    return read_discovery(json::serialize(document), kIssuer);
}

TEST(OidcProvider, IsAskedWhereItsIssuerSays) {
    EXPECT_EQ(discovery_url("https://a.test"), "https://a.test/.well-known/openid-configuration");
    EXPECT_EQ(discovery_url("https://a.test/t/"),
              "https://a.test/t/.well-known/openid-configuration");
    EXPECT_EQ(fault_of_issuer("https://10.0.0.7:8443/realms/x"), "");
    for (const char* bad : {"", "http://a.test", "https://a.test/?x=1", "https://a.test/#x", "a"}) {
        EXPECT_NE(fault_of_issuer(bad), "") << bad;
    }
}

TEST(OidcProvider, RefusesADocumentOfAnotherIssuerOrWithoutTls) {
    EXPECT_TRUE(read(discovery_document()).has_value());
    json::object other = discovery_document();
    other["issuer"] = std::string(kIssuer) + "/";
    EXPECT_FALSE(read(other).has_value());
    for (const char* name : {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
        json::object plain = discovery_document();
        plain[name] = "http://issuer.test/x";
        EXPECT_FALSE(read(plain).has_value()) << name;
        plain.erase(name);
        EXPECT_FALSE(read(plain).has_value()) << name;
    }
}

TEST(OidcProvider, IsSentTheBrowserWithAllThatBindsTheAnswer) {
    const std::string url = authorization_url(*read(discovery_document()),
                                              {.client_id = "hub & co",
                                               .redirect_uri = "https://hub.test/v1/oidc/callback",
                                               .scopes = "openid groups",
                                               .state = "S",
                                               .nonce = "N",
                                               .challenge = "C"});
    EXPECT_EQ(url,
              "https://issuer.test/auth?tenant=1&response_type=code&client_id=hub%20%26%20co"
              "&redirect_uri=https%3A%2F%2Fhub.test%2Fv1%2Foidc%2Fcallback&scope=openid%20groups"
              "&state=S&nonce=N&code_challenge=C&code_challenge_method=S256");
    // RFC 7636 appendix B.
    EXPECT_EQ(challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
              "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(OidcProvider, GetsTheClientsSecretAsItTakesIt) {
    const CodeExchange exchange{.client_id = "hub",
                                .client_secret = "s:1",
                                .redirect_uri = "https://h",
                                .code = "c d",
                                .verifier = "v"};
    const auto basic = token_request(*read(discovery_document()), exchange);
    EXPECT_EQ(basic.body,
              "grant_type=authorization_code&code=c%20d&redirect_uri=https%3A%2F%2Fh"
              "&code_verifier=v");
    EXPECT_EQ(basic.headers.find("Authorization")->second, "Basic aHViOnMlM0Ex");  // hub:s%3A1
    json::object document = discovery_document();
    document["token_endpoint_auth_methods_supported"] = {"client_secret_post"};
    const auto post = token_request(*read(document), exchange);
    EXPECT_TRUE(post.body.ends_with("&client_id=hub&client_secret=s%3A1")) << post.body;
    EXPECT_FALSE(post.headers.contains("Authorization"));
    CodeExchange open = exchange;
    open.client_secret.clear();
    const auto none = token_request(*read(discovery_document()), open);
    EXPECT_TRUE(none.body.ends_with("&client_id=hub")) << none.body;
    EXPECT_FALSE(none.headers.contains("Authorization"));
}

TEST(OidcProvider, IsBelievedAboutTheSubjectOfTheTokenOnly) {
    const http::Response answer{.status = 200, .headers = {}, .body = R"({"sub":"bob","g":1})"};
    EXPECT_TRUE(read_userinfo(answer, "bob").has_value());
    EXPECT_FALSE(read_userinfo(answer, "alice").has_value());
    const http::Response refusal{.status = 400,
                                 .headers = {},
                                 .body = R"({"error":"invalid_grant","error_description":"a\nb"})"};
    const auto tokens = read_tokens(refusal);
    ASSERT_FALSE(tokens.has_value());
    EXPECT_TRUE(tokens.error().message.contains("invalid_grant a b")) << tokens.error().message;
}

class ProviderDirectoryTest : public ::testing::Test {
  protected:
    void answer(unsigned status, std::string body) {
        ASSERT_FALSE(asked_.empty());
        auto [url, answer] = std::move(asked_.front());
        asked_.pop_front();
        answer(http::Response{.status = status, .headers = {}, .body = std::move(body)});
    }

    // What the directory says, once it does.
    void discover() {
        directory_.discover(kIssuer, [this](const auto& found) {
            ++told_;
            good_ = found.has_value();
        });
    }

    void find_keys(bool anew) {
        directory_.find_keys("https://issuer.test/jwks", anew, [this](const auto& found) {
            ++told_;
            good_ = found.has_value();
        });
    }

    std::int64_t now_ms_ = 1'800'000'000'000;
    std::deque<std::pair<std::string, http::Client::Answer>> asked_;
    ProviderDirectory directory_{
        [this](const http::ClientRequest& request, http::Client::Answer answer) {
            asked_.emplace_back(request.url, std::move(answer));
        },
        [this] { return now_ms_; }};
    int told_ = 0;
    bool good_ = false;
};

TEST_F(ProviderDirectoryTest, AsksOnceForAllWhoWaitAndKeepsTheAnswerForAnHour) {
    discover();
    discover();
    ASSERT_EQ(asked_.size(), 1U);
    EXPECT_EQ(asked_[0].first, discovery_url(kIssuer));
    answer(200, json::serialize(discovery_document()));
    EXPECT_EQ(told_, 2);
    EXPECT_TRUE(good_);
    now_ms_ += kFreshMs - 1;
    discover();
    EXPECT_EQ(told_, 3);
    EXPECT_TRUE(asked_.empty());
    now_ms_ += 1;
    discover();
    EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(ProviderDirectoryTest, DoesNotAskAProviderThatFailedForSomeSeconds) {
    discover();
    answer(503, "");
    EXPECT_FALSE(good_);
    discover();
    EXPECT_EQ(told_, 2);
    EXPECT_TRUE(asked_.empty());
    now_ms_ += kRetryMs;
    discover();
    EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(ProviderDirectoryTest, GoesOnWithWhatItKnowsWhereTheProviderIsAway) {
    discover();
    answer(200, json::serialize(discovery_document()));
    now_ms_ += kFreshMs;
    discover();
    answer(500, "");
    EXPECT_TRUE(good_);
    now_ms_ += kUsableMs;
    discover();
    answer(500, "");
    EXPECT_FALSE(good_);
}

TEST_F(ProviderDirectoryTest, LooksForAnUnknownKeyOnceInAWhile) {
    find_keys(false);
    answer(200, R"({"keys":[]})");
    find_keys(true);
    ASSERT_EQ(asked_.size(), 1U);  // at once: the provider may have changed it a moment ago
    answer(200, R"({"keys":[]})");
    find_keys(true);
    EXPECT_TRUE(asked_.empty());
    now_ms_ += kKeysAnewMs;
    find_keys(true);
    EXPECT_EQ(asked_.size(), 1U);
    answer(200, "no keys");
    EXPECT_TRUE(good_);  // those from before
}

TEST_F(ProviderDirectoryTest, LetsSoManyWaitAndNoMore) {
    for (std::size_t i = 0; i < kWaitingMax; ++i) {
        discover();
    }
    EXPECT_EQ(told_, 0);
    discover();
    EXPECT_EQ(told_, 1);
    EXPECT_FALSE(good_);
}

json::object claims(std::string_view text) {
    return json::parse(text).as_object();
}

TEST(RoleMapping, TakesTheFirstRuleThatFits) {
    const auto mapping = read_role_mapping(json::parse(
        R"({"claim":"groups","rules":[{"value":"admins","role":"full"},
            {"value":"staff","role":"support"}],"otherwise":null})"));
    ASSERT_TRUE(mapping.has_value());
    EXPECT_EQ(map_role(*mapping, claims(R"({"groups":["staff","admins"]})")), Role::kFull);
    EXPECT_EQ(map_role(*mapping, claims(R"({"groups":"staff"})")), Role::kSupport);
    EXPECT_EQ(map_role(*mapping, claims(R"({"groups":["Admins",7,null]})")), std::nullopt);
    EXPECT_EQ(map_role(*mapping, claims(R"({"groups":{"admins":true}})")), std::nullopt);
    EXPECT_EQ(map_role(*mapping, claims("{}")), std::nullopt);
    EXPECT_EQ(read_role_mapping(write_role_mapping(*mapping))->rules.size(), 2U);
}

TEST(RoleMapping, FindsClaimsWithinOthersAndThoseWithDotsInTheirNames) {
    RoleMapping mapping{.claim = "realm_access.roles",
                        .rules = {{.value = "admin", .role = Role::kFull}},
                        .otherwise = Role::kReadOnly};
    EXPECT_EQ(map_role(mapping, claims(R"({"realm_access":{"roles":["admin"]}})")), Role::kFull);
    EXPECT_EQ(map_role(mapping, claims(R"({"realm_access":"admin"})")), Role::kReadOnly);
    mapping.claim = "https://hub.test/roles";
    EXPECT_EQ(map_role(mapping, claims(R"({"https://hub.test/roles":"admin"})")), Role::kFull);
}

TEST(RoleMapping, IsRefusedWhereNobodyCouldSignInOrARoleIsUnknown) {
    for (const char* text : {"{}",
                             "null",
                             R"({"claim":"groups"})",
                             R"({"rules":[{"value":"a","role":"full"}]})",
                             R"({"claim":"g","rules":[{"value":"a","role":"root"}]})",
                             R"({"claim":"g","rules":{}})",
                             R"({"otherwise":"operator"})"}) {
        EXPECT_FALSE(read_role_mapping(json::parse(text)).has_value()) << text;
    }
    EXPECT_TRUE(read_role_mapping(json::parse(R"({"otherwise":"support"})")).has_value());
}

TEST(RoleMapping, CallsPeopleWhatTheProviderDoes) {
    EXPECT_EQ(name_of(claims(R"({"preferred_username":"al","email":"a@b"})"), "s"), "al");
    EXPECT_EQ(name_of(claims(R"({"preferred_username":"a\nb","email":"a@b"})"), "s"), "a@b");
    EXPECT_EQ(name_of(claims(R"({"email":7})"), "s"), "s");
}

TEST(OidcSignIn, TravelsSealedForTenMinutes) {
    SeededRandom random(1);
    const MasterKey key = *MasterKey::from_text(std::string(43, 'A'));
    const SignIn sign_in{.organisation = "o",
                         .nonce = "n",
                         .verifier = "v",
                         .challenge = "c",
                         .return_to = "http://127.0.0.1:1/x",
                         .return_state = "s",
                         .begun_s = 1000};
    const std::string sealed = seal_sign_in(key, random, sign_in);
    EXPECT_FALSE(sealed.contains("127.0.0.1"));
    const auto opened = open_sign_in(key, sealed, 1000 + kSignInSeconds - 1);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->verifier, "v");
    EXPECT_EQ(opened->return_to, "http://127.0.0.1:1/x");
    EXPECT_FALSE(open_sign_in(key, sealed, 1000 + kSignInSeconds).has_value());
    EXPECT_FALSE(open_sign_in(key, sealed + "A", 1000).has_value());
    const MasterKey other = *MasterKey::from_text(std::string(42, 'B') + "A");
    EXPECT_FALSE(open_sign_in(other, sealed, 1000).has_value());
}

TEST(OidcSignIn, ReturnsToThisMachineOnly) {
    EXPECT_TRUE(is_loopback_address("http://127.0.0.1:49152/signed-in"));
    EXPECT_TRUE(is_loopback_address("http://[::1]:1/"));
    for (const char* bad : {"https://127.0.0.1:1/",
                            "http://localhost:1/",
                            "http://127.0.0.1/",
                            "http://127.0.0.1:0/",
                            "http://127.0.0.1:65536/",
                            "http://127.0.0.1:1",
                            "http://127.0.0.1:1@evil.test/",
                            "http://127.0.0.1:1/?x",
                            "http://127.0.0.1:1/\r\nX: y",
                            "http://127.0.0.1.evil.test:1/",
                            "http://127.0.0.1:-1/"}) {
        EXPECT_FALSE(is_loopback_address(bad)) << bad;
    }
}

}  // namespace
}  // namespace isthmus::hub::oidc
