#include "signaling/access/token.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace isthmus::signaling::access {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSecret = "devsecret-change-me-32-characters!";
constexpr std::int64_t kNow = 1'750'000'000;

const ApiKeys& keys() {
    static const ApiKeys kKeys{{"devkey", std::string(kSecret)}, {"empty", ""}};
    return kKeys;
}

// An encoder of its own, so that the tests do not lean on the code that they test.
std::string base64url(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                       reinterpret_cast<const unsigned char*>(bytes.data()),
                                       static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(length));
    std::erase(out, '=');
    for (char& c : out) {
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    return out;
}

std::string signed_with(std::string_view header,
                        std::string_view claims,
                        std::string_view secret = kSecret,
                        const EVP_MD* digest = EVP_sha256()) {
    std::string jwt = base64url(header) + "." + base64url(claims);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(digest,
         secret.data(),
         static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(jwt.data()),
         jwt.size(),
         mac,
         &length);
    return jwt + "." + base64url(std::string_view(reinterpret_cast<char*>(mac), length));
}

std::string jwt_of(std::string_view claims) {
    return signed_with(R"({"alg":"HS256","typ":"JWT"})", claims);
}

std::string claims_with(std::string_view more) {
    return R"({"iss":"devkey","exp":1750003600)" + std::string(more) + "}";
}

std::string refusal(std::string_view jwt, std::int64_t now = kNow) {
    const Result<AccessToken> token = verify_token(jwt, keys(), now);
    if (token) {
        return "accepted";
    }
    EXPECT_EQ(token.error().code, ErrorCode::kUnauthenticated);
    return token.error().message;
}

TEST(Token, ReadsWhatLiveKitsServersWrite) {
    const Result<AccessToken> token = verify_token(
        jwt_of(
            R"({"video":{"roomJoin":true,"room":"demo","canPublish":false,"canPublishData":true,)"
            R"("canPublishSources":["camera"]},"sub":"alice","iss":"devkey","nbf":1750000000,)"
            R"("exp":1750003600,"name":"Alice","metadata":"{\"a\":1}"})"),
        keys(),
        kNow);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->issuer, "devkey");
    EXPECT_EQ(token->identity, "alice");
    EXPECT_EQ(token->name, "Alice");
    EXPECT_EQ(token->metadata, R"({"a":1})");
    EXPECT_EQ(token->not_before_unix_s, 1'750'000'000);
    EXPECT_EQ(token->expires_unix_s, 1'750'003'600);
    EXPECT_EQ(token->video.room, "demo");
    EXPECT_TRUE(token->video.room_join);
    EXPECT_FALSE(token->video.can_publish);
    EXPECT_TRUE(token->video.can_subscribe) << "absent means true";
    EXPECT_FALSE(token->video.room_admin);
}

TEST(Token, ReadsWhatRoomsAreToldOfAParticipant) {
    const Result<AccessToken> token = verify_token(
        jwt_of(claims_with(
            R"(,"kind":"agent","attributes":{"role":"scribe","lang":"de"},)"
            R"("video":{"canPublish":true,"canPublishData":false,"canUpdateOwnMetadata":true,)"
            R"("recorder":true,"agent":true,"canPublishSources":["microphone","screen_share"]},)"
            R"("roomConfig":{"emptyTimeout":60,"departureTimeout":5,"maxParticipants":3,)"
            R"("metadata":"m"})")),
        keys(),
        kNow);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->kind, "agent");
    EXPECT_EQ(token->attributes.size(), 2U);
    EXPECT_EQ(token->attributes.at("role"), "scribe");
    EXPECT_EQ(token->video.can_publish_data, false);
    EXPECT_TRUE(token->video.can_update_own_metadata);
    EXPECT_TRUE(token->video.recorder);
    EXPECT_TRUE(token->video.agent);
    EXPECT_EQ(token->video.can_publish_sources,
              (std::vector<std::string>{"microphone", "screen_share"}));
    EXPECT_EQ(token->room_config.empty_timeout_s, 60U);
    EXPECT_EQ(token->room_config.departure_timeout_s, 5U);
    EXPECT_EQ(token->room_config.participants_max, 3U);
    EXPECT_EQ(token->room_config.metadata, "m");
}

TEST(Token, DataFollowsPublishingWhereNothingIsSaid) {
    const Result<AccessToken> token =
        verify_token(jwt_of(claims_with(R"(,"video":{"canPublish":false})")), keys(), kNow);
    ASSERT_TRUE(token);
    EXPECT_FALSE(token->video.can_publish_data.has_value());
    EXPECT_FALSE(token->room_config.empty_timeout_s.has_value());
}

// As a refreshed token is written.
TEST(Token, SigningKeepsWhatRoomsNeed) {
    AccessToken token;
    token.issuer = "devkey";
    token.identity = "alice";
    token.expires_unix_s = kNow + 60;
    token.attributes = {{"role", "scribe"}};
    token.kind = "agent";
    token.video.can_publish_data = false;
    token.video.can_publish_sources = {"camera"};
    token.video.can_update_own_metadata = true;
    token.video.recorder = true;
    const Result<AccessToken> read = verify_token(sign_token(token, kSecret), keys(), kNow);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->attributes, token.attributes);
    EXPECT_EQ(read->kind, "agent");
    EXPECT_EQ(read->video.can_publish_data, false);
    EXPECT_EQ(read->video.can_publish_sources, token.video.can_publish_sources);
    EXPECT_TRUE(read->video.can_update_own_metadata);
    EXPECT_TRUE(read->video.recorder);
}

TEST(Token, WithoutVideoGrantsNothingButTheDefaults) {
    const Result<AccessToken> token = verify_token(jwt_of(claims_with("")), keys(), kNow);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->identity, "");
    EXPECT_FALSE(token->video.room_join);
    EXPECT_TRUE(token->video.can_publish);
    EXPECT_TRUE(token->video.can_subscribe);
    EXPECT_FALSE(token->video.room_list);
    EXPECT_FALSE(token->video.room_create);
}

TEST(Token, SigningAndVerifyingGivesTheSame) {
    AccessToken token;
    token.issuer = "devkey";
    token.identity =
        "b\xC3\xB6"
        "b";
    token.name = "Bob \"B\"";
    token.metadata = "m";
    token.not_before_unix_s = kNow - 5;
    token.expires_unix_s = kNow + 60;
    token.video = {.room = "demo",
                   .room_join = true,
                   .can_publish = false,
                   .can_subscribe = true,
                   .hidden = true,
                   .room_admin = true,
                   .room_list = true,
                   .room_create = true};
    const Result<AccessToken> read = verify_token(sign_token(token, kSecret), keys(), kNow);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->identity, token.identity);
    EXPECT_EQ(read->name, token.name);
    EXPECT_EQ(read->metadata, token.metadata);
    EXPECT_EQ(read->not_before_unix_s, token.not_before_unix_s);
    EXPECT_EQ(read->expires_unix_s, token.expires_unix_s);
    EXPECT_EQ(read->video.room, "demo");
    EXPECT_FALSE(read->video.can_publish);
    EXPECT_TRUE(read->video.hidden);
    EXPECT_TRUE(read->video.room_admin);
    EXPECT_TRUE(read->video.room_list);
    EXPECT_TRUE(read->video.room_create);
}

// RFC 7515 appendix A.1.
TEST(Token, ComputesTheSignatureOfRfc7515) {
    const std::string key_text =
        "\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f"
        "\x5a\xb3\x28\xe6\xf0\x54\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf"
        "\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3\x77\x62\x3d\x22"
        "\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3";
    const std::string jwt =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const Result<AccessToken> token = verify_token(jwt, {{"joe", key_text}}, 1'300'819'000);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->expires_unix_s, 1'300'819'380);
}

TEST(Token, RefusesOtherAlgorithmsEvenWithAFittingSignature) {
    const std::string claims = claims_with("");
    EXPECT_THAT(refusal(signed_with(R"({"alg":"none"})", claims)), HasSubstr("HS256"));
    EXPECT_THAT(refusal(base64url(R"({"alg":"none"})") + "." + base64url(claims) + "."),
                HasSubstr("HS256"));
    EXPECT_THAT(refusal(signed_with(R"({"alg":"RS256"})", claims)), HasSubstr("HS256"));
    EXPECT_THAT(refusal(signed_with(R"({"alg":"HS512"})", claims, kSecret, EVP_sha512())),
                HasSubstr("HS256"));
    EXPECT_THAT(refusal(signed_with(R"({"alg":"hs256"})", claims)), HasSubstr("HS256"));
    EXPECT_THAT(refusal(signed_with(R"({"alg":["HS256"]})", claims)), HasSubstr("HS256"));
    EXPECT_THAT(refusal(signed_with(R"({"typ":"JWT"})", claims)), HasSubstr("HS256"));
    EXPECT_THAT(refusal(signed_with(R"({"alg":"HS256","crit":["exp"]})", claims)),
                HasSubstr("critical"));
}

TEST(Token, RefusesWhatIsNoJwt) {
    EXPECT_THAT(refusal(""), HasSubstr("Authorization: Bearer"));
    EXPECT_THAT(refusal("abc"), HasSubstr("three parts"));
    EXPECT_THAT(refusal("a.b"), HasSubstr("three parts"));
    EXPECT_THAT(refusal("a.b.c.d"), HasSubstr("three parts"));
    EXPECT_THAT(refusal("..."), HasSubstr("three parts"));
    EXPECT_THAT(refusal(".."), HasSubstr("not a JSON object"));
    EXPECT_THAT(refusal("!.!.!"), HasSubstr("not base64url"));
    EXPECT_THAT(refusal(std::string_view("\0.\0.\0", 5)), HasSubstr("not base64url"));
    EXPECT_THAT(refusal(std::string().append(10'000'000, 'a')), HasSubstr("longer than"));
    EXPECT_THAT(refusal(signed_with("[]", claims_with(""))), HasSubstr("not a JSON object"));
    EXPECT_THAT(refusal(jwt_of("[1]")), HasSubstr("not a JSON object"));
    EXPECT_THAT(refusal(jwt_of("{")), HasSubstr("not a JSON object"));
    EXPECT_THAT(refusal(jwt_of(claims_with(",\"sub\":\"\xFF\""))), HasSubstr("not a JSON object"));
    std::string deep;
    for (int i = 0; i < 2000; ++i) {
        deep += "{\"a\":";
    }
    EXPECT_THAT(refusal(jwt_of(deep)), testing::AnyOf(HasSubstr("JSON"), HasSubstr("longer")));
}

TEST(Token, RefusesAWrongSignature) {
    const std::string good = jwt_of(claims_with(""));
    ASSERT_EQ(refusal(good), "accepted");
    EXPECT_THAT(refusal(signed_with(R"({"alg":"HS256"})", claims_with(""), "other secret")),
                HasSubstr("does not fit any API key"));
    // Every single character of the signature counts, the last with its unused bits too.
    for (std::size_t i = good.rfind('.') + 1; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(refusal(bad), "accepted") << i;
    }
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_NE(refusal(good.substr(0, length)), "accepted") << length;
    }
    EXPECT_NE(refusal(good + "="), "accepted");
    EXPECT_NE(refusal(good + "A"), "accepted");
}

TEST(Token, DoesNotTellWhetherAKeyExists) {
    const std::string wrong_secret = signed_with(R"({"alg":"HS256"})", claims_with(""), "x");
    const std::string unknown_key =
        signed_with(R"({"alg":"HS256"})", R"({"iss":"nobody","exp":1750003600})", "x");
    EXPECT_EQ(refusal(wrong_secret), refusal(unknown_key));
    EXPECT_THAT(refusal(jwt_of(R"({"exp":1750003600})")), HasSubstr("iss"));
    EXPECT_THAT(refusal(jwt_of(R"({"iss":7,"exp":1750003600})")), HasSubstr("iss"));
}

TEST(Token, AKeyWithoutSecretFitsNothing) {
    EXPECT_THAT(
        refusal(signed_with(R"({"alg":"HS256"})", R"({"iss":"empty","exp":1750003600})", "")),
        HasSubstr("does not fit"));
    EXPECT_THAT(
        refusal(signed_with(R"({"alg":"HS256"})", R"({"iss":"empty","exp":1750003600})", "-")),
        HasSubstr("does not fit"));
}

TEST(Token, HoldsFromNotBeforeToExpiryWithTenSecondsOfLeeway) {
    const std::string jwt = jwt_of(claims_with(R"(,"nbf":1750000000)"));
    EXPECT_EQ(refusal(jwt, 1'750'003'600 + 9), "accepted");
    EXPECT_THAT(refusal(jwt, 1'750'003'600 + 10), HasSubstr("expired"));
    EXPECT_EQ(refusal(jwt, 1'750'000'000 - 10), "accepted");
    EXPECT_THAT(refusal(jwt, 1'750'000'000 - 11), HasSubstr("not valid yet"));
}

TEST(Token, NeedsAnExpiry) {
    EXPECT_THAT(refusal(jwt_of(R"({"iss":"devkey"})")), HasSubstr("exp"));
}

TEST(Token, DatesAreNumbersInRange) {
    const auto with_expiry = [](std::string_view value) {
        return jwt_of(R"({"iss":"devkey","exp":)" + std::string(value) + "}");
    };
    EXPECT_EQ(refusal(with_expiry("1750003600.5")), "accepted");
    EXPECT_EQ(refusal(with_expiry("1.7500036e9")), "accepted");
    for (const char* bad : {"\"1750003600\"",
                            "null",
                            "true",
                            "-1",
                            "1e300",
                            "18446744073709551615",
                            "9223372036854775807",
                            "[]"}) {
        EXPECT_THAT(refusal(with_expiry(bad)), HasSubstr("exp must be a date")) << bad;
    }
}

TEST(Token, ClaimsHaveTheirTypes) {
    const auto with = [](std::string_view more) { return refusal(jwt_of(claims_with(more))); };
    EXPECT_THAT(with(R"(,"sub":7)"), HasSubstr("sub must be a string"));
    EXPECT_THAT(with(R"(,"name":{})"), HasSubstr("name must be a string"));
    EXPECT_THAT(with(R"(,"metadata":null)"), HasSubstr("metadata must be a string"));
    EXPECT_THAT(with(R"(,"video":"all")"), HasSubstr("video must be an object"));
    EXPECT_THAT(with(R"(,"video":{"roomJoin":"true"})"), HasSubstr("roomJoin must be true"));
    EXPECT_THAT(with(R"(,"video":{"canPublish":1})"), HasSubstr("canPublish must be true"));
    EXPECT_THAT(with(R"(,"video":{"room":["a"]})"), HasSubstr("room must be a string"));
}

TEST(Token, IdentityIsBoundedText) {
    const auto with = [](std::string_view sub) {
        return refusal(jwt_of(claims_with(R"(,"sub":")" + std::string(sub) + "\"")));
    };
    EXPECT_EQ(with(std::string(256, 'a')), "accepted");
    EXPECT_THAT(with(std::string(257, 'a')), HasSubstr("identity"));
    EXPECT_THAT(with("a\\nb"), HasSubstr("identity"));
    EXPECT_THAT(with("a\\u0000b"), HasSubstr("identity"));
}

}  // namespace
}  // namespace isthmus::signaling::access
