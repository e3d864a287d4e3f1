#include "base/http/challenge.h"

#include <string>

#include <gtest/gtest.h>

namespace isthmus::http {
namespace {

TEST(Challenges, AreTakenApart) {
    const auto challenges = parse_challenges(
        R"(Digest realm="a \"quoted\" realm", qop="auth, auth-int", nonce=abc , stale=FALSE)");
    ASSERT_TRUE(challenges);
    ASSERT_EQ(challenges->size(), 1U);
    const Challenge& digest = challenges->front();
    EXPECT_TRUE(digest.is("digest"));
    EXPECT_FALSE(digest.is("Basic"));
    EXPECT_EQ(digest.parameter("Realm"), R"(a "quoted" realm)");
    EXPECT_EQ(digest.parameter("qop"), "auth, auth-int");
    EXPECT_EQ(digest.parameter("nonce"), "abc");
    EXPECT_EQ(digest.parameter("stale"), "FALSE");
    EXPECT_EQ(digest.parameter("opaque"), "");
}

// SPEC rfc9110#11.6.1
TEST(Challenges, MayBeSeveralInOneField) {
    const auto challenges = parse_challenges(
        R"(Negotiate,NTLM TlRMTVNTUAAB==, ,Basic realm="x", title="a, b",Newauth)");
    ASSERT_TRUE(challenges);
    ASSERT_EQ(challenges->size(), 4U);
    EXPECT_EQ((*challenges)[0].scheme, "Negotiate");
    EXPECT_EQ((*challenges)[1].token68, "TlRMTVNTUAAB==");
    EXPECT_EQ((*challenges)[2].parameter("title"), "a, b");
    EXPECT_EQ((*challenges)[3].scheme, "Newauth");
    EXPECT_TRUE((*challenges)[3].parameters.empty());
}

TEST(Challenges, ThatBreakTheGrammarAreNone) {
    for (const std::string text : {"realm=\"x\"",
                                   "Basic a=b, realm=",
                                   "Basic realm=\"open",
                                   "Basic realm=\"open\\",
                                   "Basic realm=\"a\" b=c",
                                   "Basic realm=a, realm=b",
                                   "NTLM abc== , realm=a",
                                   "Basic @",
                                   "\x01"}) {
        EXPECT_FALSE(parse_challenges(text)) << text;
    }
    EXPECT_TRUE(parse_challenges("").value().empty());
}

TEST(Challenges, AreBounded) {
    std::string many;
    for (std::size_t i = 0; i < kChallengesMax; ++i) {
        many += "A" + std::to_string(i) + ",";
    }
    EXPECT_TRUE(parse_challenges(many));
    EXPECT_FALSE(parse_challenges(many + "B"));
    std::string parameters = "Basic ";
    for (std::size_t i = 0; i < kChallengeParametersMax; ++i) {
        parameters += "p" + std::to_string(i) + "=1,";
    }
    EXPECT_TRUE(parse_challenges(parameters));
    EXPECT_FALSE(parse_challenges(parameters + "q=1"));
}

}  // namespace
}  // namespace isthmus::http
