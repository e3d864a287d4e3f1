// Signing in through an identity provider, step by step: what lets in, what does not, who is whom.
#include <algorithm>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/oidc_under_test.h"
#include "tools/hub/oidc/providers.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

class OidcSignInTest : public ::testing::Test {
  protected:
    std::string token_of(const http::Response& response) {
        EXPECT_EQ(response.status, 200U) << response.body;
        return response.status == 200
                   ? std::string(json::parse(response.body).at("token").as_string())
                   : "";
    }

    // The browser is told so, and the administrator.
    void expect_refused(const http::Response& response, const std::string& why) {
        EXPECT_EQ(response.status, 302U) << response.body;
        const auto location = response.headers.find("Location");
        ASSERT_NE(location, response.headers.end());
        EXPECT_TRUE(query_field(location->second, "error").contains(why)) << location->second;
        EXPECT_EQ(query_field(location->second, "code"), "");
        EXPECT_TRUE(std::ranges::any_of(hub_.audit(), [&](const std::string& line) {
            return line.starts_with("person.login.refuse") && line.contains(why);
        })) << why;
    }

    OidcUnderTest hub_;
};

TEST_F(OidcSignInTest, EndsInASessionOfAPersonWhomTheProviderKnows) {
    hub_.claims["groups"] = {"staff", "admins"};
    const Begun begun = hub_.begin();
    EXPECT_TRUE(begun.url.starts_with("https://issuer.test/auth?")) << begun.url;
    EXPECT_EQ(query_field(begun.url, "redirect_uri"), "https://hub.test" + hub_.callback(""));
    EXPECT_EQ(query_field(begun.url, "code_challenge_method"), "S256");
    const http::Response redirect = hub_.come_back(begun);
    ASSERT_EQ(redirect.status, 302U) << redirect.body;
    const std::string location = redirect.headers.find("Location")->second;
    EXPECT_TRUE(location.starts_with(std::string(OidcUnderTest::kReturnTo) + "?code="));
    EXPECT_EQ(query_field(location, "state"), "mine");
    // The hub's own verifier went to the provider, and fits what the browser was sent with.
    const std::string sent = query_field("?" + hub_.last_token_request, "code_verifier");
    EXPECT_EQ(challenge_of(sent), query_field(begun.url, "code_challenge"));
    const std::string token = token_of(hub_.redeem(redirect));
    EXPECT_EQ(hub_.who(token).at("name"), json::value("alice"));
    EXPECT_EQ(hub_.who(token).at("role"), json::value("full"));
}

TEST_F(OidcSignInTest, KnowsAPersonAgainBySubjectAlone) {
    const json::value first = hub_.who(token_of(hub_.sign_in()));
    hub_.claims["preferred_username"] = "renamed";
    const json::value second = hub_.who(token_of(hub_.sign_in()));
    EXPECT_EQ(first.at("id"), second.at("id"));
    // Another subject that calls itself the same is somebody else.
    hub_.claims["sub"] = "s-2";
    hub_.claims["preferred_username"] = "alice";
    const json::value third = hub_.who(token_of(hub_.sign_in()));
    EXPECT_NE(third.at("id"), first.at("id"));
    EXPECT_NE(third.at("name"), json::value("alice"));
}

TEST_F(OidcSignInTest, NeverBecomesAPersonOfTheSameNameOrAddress) {
    hub_.claims["preferred_username"] = "admin";
    hub_.claims["email"] = "admin";
    const json::value who = hub_.who(token_of(hub_.sign_in()));
    EXPECT_NE(who.at("id"), json::value(hub_.administrator.person));
    EXPECT_EQ(who.at("role"), json::value("support"));
}

TEST_F(OidcSignInTest, FollowsTheProvidersRoleAtEachSignIn) {
    hub_.claims["groups"] = "admins";
    const std::string token = token_of(hub_.sign_in());
    EXPECT_EQ(hub_.who(token).at("role"), json::value("full"));
    hub_.claims["groups"] = "staff";
    token_of(hub_.sign_in());
    EXPECT_EQ(hub_.who(token).at("role"), json::value("support"));  // the session before, too
}

TEST_F(OidcSignInTest, RefusesWhomNoRuleFitsAndEndsTheirSessions) {
    const std::string token = token_of(hub_.sign_in());
    hub_.run([](const Context& context) {
        const json::value provider = {
            {"issuer", OidcUnderTest::kIssuer},
            {"clientId", "hub"},
            {"mapping",
             {{"claim", "groups"},
              {"rules", json::array{{{"value", "admins"}, {"role", "full"}}}}}}};
        EXPECT_TRUE(put_provider(context, provider).has_value());
    });
    hub_.claims["groups"] = {"staff"};
    expect_refused(hub_.come_back(hub_.begin()), "no rule");
    EXPECT_TRUE(hub_.who(token).is_null());
}

TEST_F(OidcSignInTest, AsksUserInfoForAClaimThatTheTokenLacks) {
    hub_.userinfo = {{"sub", "s-1"}, {"groups", {"admins"}}};
    EXPECT_EQ(hub_.who(token_of(hub_.sign_in())).at("role"), json::value("full"));
    hub_.userinfo["sub"] = "s-2";
    expect_refused(hub_.come_back(hub_.begin()), "somebody else");
}

TEST_F(OidcSignInTest, RefusesTokensThatAreNotForThisSignIn) {
    hub_.spoil = [](json::object& claims) { claims["nonce"] = "another"; };
    expect_refused(hub_.come_back(hub_.begin()), "another sign-in");
    hub_.spoil = [](json::object& claims) { claims["aud"] = "another"; };
    expect_refused(hub_.come_back(hub_.begin()), "another client");
    hub_.spoil = [](json::object& claims) { claims["iss"] = "https://another.test"; };
    expect_refused(hub_.come_back(hub_.begin()), "another issuer");
    hub_.spoil = [this](json::object& claims) { claims["exp"] = hub_.now_ms / 1000 - 61; };
    expect_refused(hub_.come_back(hub_.begin()), "run out");
    hub_.spoil = nullptr;
    hub_.signer = Signer("ES256", "k1");  // the published key stays the old one
    expect_refused(hub_.come_back(hub_.begin()), "signature");
}

TEST_F(OidcSignInTest, FetchesTheKeysAnewForOneThatItDoesNotKnow) {
    token_of(hub_.sign_in());
    EXPECT_EQ(hub_.key_fetches, 1);
    hub_.signer = Signer("RS256", "k2");
    hub_.published_keys = hub_.signer.jwks();
    token_of(hub_.sign_in());
    EXPECT_EQ(hub_.key_fetches, 2);
    // One that nobody publishes is looked for once in a while, however many come with it.
    hub_.signer = Signer("ES256", "k3");
    for (int i = 0; i < 3; ++i) {
        expect_refused(hub_.come_back(hub_.begin()), "does not publish");
    }
    EXPECT_EQ(hub_.key_fetches, 2);
}

TEST_F(OidcSignInTest, RefusesWhatTheProviderRefuses) {
    hub_.token_status = 400;
    expect_refused(hub_.come_back(hub_.begin()), "status 400");
    hub_.token_status = 200;
    const Begun begun = hub_.begin();
    expect_refused(hub_.ask("GET", hub_.callback("?error=access_denied&state=" + begun.state)),
                   "access_denied");
    // An answer that another provider mixed in (RFC 9207).
    expect_refused(
        hub_.ask("GET", hub_.callback("?code=c&iss=https://evil.test&state=" + begun.state)),
        "another provider");
}

TEST_F(OidcSignInTest, TakesNoStateButItsOwnWithinTenMinutes) {
    EXPECT_EQ(hub_.ask("GET", hub_.callback("?code=c&state=forged")).status, 400U);
    EXPECT_EQ(hub_.ask("GET", hub_.callback("")).status, 400U);
    const Begun begun = hub_.begin();
    // Another organisation's provider sent the browser there.
    EXPECT_EQ(hub_.ask("GET", "/v1/oidc/callback/another?code=c&state=" + begun.state).status,
              400U);
    hub_.now_ms += kSignInSeconds * 1000;
    EXPECT_EQ(hub_.come_back(begun).status, 400U);
}

TEST_F(OidcSignInTest, GivesTheSessionToTheProgramThatBeganOnly) {
    const http::Response redirect = hub_.come_back(hub_.begin());
    const std::string other = std::string(OidcUnderTest::kVerifier) + "x";
    EXPECT_EQ(hub_.redeem(redirect, other).status, 401U);
    // And the code is used up by it.
    EXPECT_EQ(hub_.redeem(redirect).status, 401U);
    const http::Response good = hub_.come_back(hub_.begin());
    EXPECT_EQ(hub_.redeem(good).status, 200U);
    EXPECT_EQ(hub_.redeem(good).status, 401U);
    const http::Response late = hub_.come_back(hub_.begin());
    hub_.now_ms += kCodeSeconds * 1000;
    EXPECT_EQ(hub_.redeem(late).status, 401U);
}

TEST_F(OidcSignInTest, GoesOnAtAnyInstanceOfTheHub) {
    const Begun begun = hub_.begin();
    hub_.go_to_another_instance();
    const http::Response redirect = hub_.come_back(begun);
    hub_.go_to_another_instance();
    EXPECT_EQ(hub_.who(token_of(hub_.redeem(redirect))).at("name"), json::value("alice"));
}

TEST_F(OidcSignInTest, ChangesNothingBeforeTheCodeIsRedeemed) {
    hub_.claims["groups"] = "admins";
    hub_.come_back(hub_.begin());
    hub_.run([](const Context& context) {
        EXPECT_EQ(list_people(context).at("items").as_array().size(), 1U);
    });
}

TEST_F(OidcSignInTest, ShowsTheCodeWhereTheBrowserIsOnAnotherMachine) {
    const http::Response page = hub_.come_back(hub_.begin({{"returnTo", ""}}));
    EXPECT_EQ(page.status, 200U);
    const std::size_t begin = page.body.find("<code>") + 6;
    const std::string code = page.body.substr(begin, page.body.find("</code>") - begin);
    const auto session = hub_.ask(
        "POST", "/v1/oidc/tokens", {{"code", code}, {"verifier", OidcUnderTest::kVerifier}});
    EXPECT_EQ(session.status, 200U) << session.body;
    // What the provider says of an error is text on a page, never markup.
    const Begun begun = hub_.begin({{"returnTo", ""}});
    const http::Response refusal =
        hub_.ask("GET", hub_.callback("?error=%3Cscript%3E&state=" + begun.state));
    EXPECT_EQ(refusal.status, 403U);
    EXPECT_FALSE(refusal.body.contains("<script>"));
}

TEST_F(OidcSignInTest, SendsNobodyElsewhere) {
    for (const char* to :
         {"https://evil.test/", "http://localhost:1/", "http://127.0.0.1:1/?x=1"}) {
        const auto refused =
            hub_.ask("POST",
                     "/v1/oidc/sign-ins",
                     {{"organization", "One"}, {"challenge", challenge_of("v")}, {"returnTo", to}});
        EXPECT_EQ(refused.status, 400U) << to;
    }
    EXPECT_EQ(hub_.ask("POST", "/v1/oidc/sign-ins", {{"challenge", "short"}}).status, 400U);
    EXPECT_EQ(hub_.ask("POST",
                       "/v1/oidc/sign-ins",
                       {{"organization", "Two"}, {"challenge", challenge_of("v")}})
                  .status,
              404U);
}

TEST_F(OidcSignInTest, LinksAPersonWhoIsLoggedIn) {
    std::string token;
    hub_.run([&](const Context& context) {
        token = begin_session(context, hub_.administrator.organisation, hub_.administrator.person)
                    .token;
    });
    const http::Response redirect = hub_.come_back(hub_.begin());
    const std::string code = query_field(redirect.headers.find("Location")->second, "code");
    const json::value body = {
        {"code", code}, {"verifier", OidcUnderTest::kVerifier}, {"link", true}};
    EXPECT_EQ(hub_.ask("POST", "/v1/oidc/tokens", body).status, 401U);  // nobody is logged in
    // Its role is the provider's from now on, but the last full administrator stays one.
    const http::Response support = hub_.ask("POST", "/v1/oidc/tokens", body, token);
    EXPECT_EQ(support.status, 409U) << support.body;
    hub_.claims["groups"] = "admins";
    const http::Response again = hub_.come_back(hub_.begin());
    const http::Response linked =
        hub_.ask("POST",
                 "/v1/oidc/tokens",
                 {{"code", query_field(again.headers.find("Location")->second, "code")},
                  {"verifier", OidcUnderTest::kVerifier},
                  {"link", true}},
                 token);
    EXPECT_EQ(hub_.who(token_of(linked)).at("name"), json::value("admin"));
    EXPECT_EQ(hub_.who(token_of(hub_.sign_in())).at("id"), json::value(hub_.administrator.person));
}

TEST_F(OidcSignInTest, WritesAtMostThirtyRefusalsOfStrangersAMinuteIntoTheAuditLog) {
    const Begun begun = hub_.begin();
    for (int i = 0; i < 40; ++i) {
        hub_.ask("GET", hub_.callback("?error=x&state=" + begun.state));
    }
    EXPECT_EQ(std::ranges::count_if(
                  hub_.audit(),
                  [](const std::string& line) { return line.starts_with("person.login.refuse"); }),
              30);
}

}  // namespace
}  // namespace isthmus::hub::oidc
