#include "base/http/credentials.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace isthmus::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<Challenge> challenges(std::string_view text) {
    return parse_challenges(text).value();
}

constexpr AuthorizedRequest kIndex{.method = "GET", .uri = "/dir/index.html"};
constexpr AuthorizedRequest kTunnel{.method = "CONNECT", .uri = "hub.example:443"};

TEST(Credentials, AreBasicWhereNothingElseIsAsked) {
    // RFC 7617 section 2.
    EXPECT_EQ(basic_authorization({.user = "Aladdin", .password = "open sesame"}),
              "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

// SPEC rfc7616#3.9.1
TEST(Credentials, AnswerTheDigestsOfTheSpecification) {
    const Credentials mufasa{.user = "Mufasa", .password = "Circle of Life"};
    const std::string challenge = R"(realm="http-auth@example.org", qop="auth, auth-int", )"
                                  R"(nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", )"
                                  R"(opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")";
    constexpr std::string_view kNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    const auto sha = digest_authorization(
        challenges("Digest algorithm=SHA-256, " + challenge)[0], mufasa, kIndex, kNonce, 1);
    ASSERT_TRUE(sha);
    EXPECT_THAT(
        *sha,
        HasSubstr("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
    EXPECT_THAT(*sha, HasSubstr("algorithm=SHA-256, cnonce="));
    EXPECT_THAT(*sha, HasSubstr("nc=00000001, qop=auth, opaque=\"FQhe/"));
    const auto md5 = digest_authorization(
        challenges("Digest algorithm=MD5, " + challenge)[0], mufasa, kIndex, kNonce, 1);
    ASSERT_TRUE(md5);
    EXPECT_THAT(*md5, HasSubstr("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
}

// RFC 2617 section 3.5, which names no algorithm.
TEST(Credentials, TakeMd5WhereNoAlgorithmIsNamed) {
    const auto answer = digest_authorization(
        challenges(R"(Digest realm="testrealm@host.com", qop="auth,auth-int", )"
                   R"(nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093")")[0],
        {.user = "Mufasa", .password = "Circle Of Life"},
        kIndex,
        "0a4f113b",
        1);
    ASSERT_TRUE(answer);
    EXPECT_THAT(*answer, HasSubstr("response=\"6629fae49393a05397450978507c4ef1\""));
    EXPECT_THAT(*answer, Not(HasSubstr("algorithm")));
}

TEST(Credentials, PreferWhatIsStrongest) {
    SeededRandom random(1);
    const Credentials user{.user = "node", .password = "pw"};
    const std::string basic = R"(Basic realm="p")";
    const std::string md5 = R"(Digest realm="p", nonce="a", qop="auth")";
    const std::string sha = R"(Digest realm="p", nonce="b", qop="auth", algorithm=SHA-256)";
    const auto answer = [&](const std::string& text, bool basic_allowed = true) {
        return answer_challenges(challenges(text), user, kTunnel, basic_allowed, random)
            .value_or("nothing");
    };
    EXPECT_THAT(answer(basic + ", " + md5 + ", " + sha), HasSubstr("nonce=\"b\""));
    EXPECT_THAT(answer(basic + ", " + md5), HasSubstr("nonce=\"a\""));
    EXPECT_THAT(answer(basic), StartsWith("Basic "));
    EXPECT_EQ(answer(basic, false), "nothing");
    EXPECT_EQ(answer("Negotiate, NTLM"), "nothing");
    EXPECT_EQ(answer(R"(Digest realm="p", nonce="a", qop="auth-int")"), "nothing");
    EXPECT_EQ(answer(R"(Digest realm="p", nonce="a", algorithm=SHA-512-256)"), "nothing");
    EXPECT_EQ(answer(R"(Digest realm="p")"), "nothing");
    EXPECT_EQ(answer(""), "nothing");
}

TEST(Credentials, AnswerProxiesOfOldWithoutQop) {
    const auto answer = digest_authorization(challenges(R"(Digest realm="p", nonce="a")")[0],
                                             {.user = "no\"de", .password = "pw"},
                                             kTunnel,
                                             "client",
                                             1);
    ASSERT_TRUE(answer);
    EXPECT_THAT(*answer, HasSubstr(R"(username="no\"de")"));
    EXPECT_THAT(*answer, Not(HasSubstr("cnonce")));
    EXPECT_THAT(*answer, Not(HasSubstr("qop")));
}

}  // namespace
}  // namespace isthmus::http
