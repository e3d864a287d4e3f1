// An organisation's provider as its administrators set it, and passwords beside it.
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/api_under_test.h"
#include "tools/hub/oidc/accounts.h"
#include "tools/hub/oidc/provider.h"
#include "tools/hub/oidc/providers.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr const char* kPath = "/v1/organization/identity-provider";
constexpr const char* kPasswords = "/v1/organization/identity-provider/passwords";

json::object provider() {
    return {{"issuer", "https://issuer.test"},
            {"clientId", "hub"},
            {"clientSecret", "the client's secret"},
            {"scopes", {"groups"}},
            {"mapping", {{"otherwise", "support"}}}};
}

class IdentityProviderTest : public ::testing::Test {
  protected:
    // In a transaction, as the caller.
    void as(const Caller& caller, const std::function<void(const Context&)>& job) {
        EXPECT_TRUE(api_.run(&caller,
                             [&](const Context& context) -> Result<void> {
                                 job(context);
                                 return {};
                             })
                        .has_value());
    }

    // Their one-time passwords are theirs now.
    void settle_passwords() {
        as(one_,
           [](const Context& context) { context.sql->run("update people set must_change = 0"); });
    }

    std::expected<Login, LoginRefusal> log_in(const std::string& name) {
        std::expected<Login, LoginRefusal> out = std::unexpected(LoginRefusal::kWrong);
        as(one_, [&](const Context& context) {
            out = try_login(context,
                            {.account = *find_account(context, name),
                             .password_good = true,
                             .code = {},
                             .new_password_hash = {}});
        });
        return out;
    }

    std::string person_id(const std::string& name) {
        std::string id;
        as(one_, [&](const Context& context) {
            id = context.sql->find({"id"}, "from people where name = ?", {name})->text(0);
        });
        return id;
    }

    ApiUnderTest api_;
    Caller one_ = api_.add_organisation("One");
    Caller two_ = api_.add_organisation("Two");
};

TEST_F(IdentityProviderTest, IsShownWithoutItsSecretAndWithWhatToRegister) {
    EXPECT_EQ(api_.call(one_, "GET", kPath).error().code, ErrorCode::kNotFound);
    api_.body_of(one_, "PUT", kPath, provider());
    const json::value shown = api_.body_of(one_, "GET", kPath);
    EXPECT_EQ(shown.at("hasClientSecret"), json::value(true));
    EXPECT_EQ(shown.at("scopes"), json::value("openid groups"));
    EXPECT_EQ(shown.at("redirectUri"),
              json::value("https://hub.test/v1/oidc/callback/" + one_.organisation));
    EXPECT_FALSE(json::serialize(shown).contains("the client's secret"));
    EXPECT_FALSE(json::serialize(api_.body_of(one_, "GET", "/v1/audit")).contains("the client's"));
    EXPECT_FALSE(api_.dump(one_.organisation).contains("the client's secret"));
    EXPECT_EQ(api_.call(two_, "GET", kPath).error().code, ErrorCode::kNotFound);
    as(one_, [&](const Context& context) {
        EXPECT_EQ(find_provider(context, "One")->client_secret, "the client's secret");
        EXPECT_EQ(find_provider(context, one_.organisation)->issuer, "https://issuer.test");
        EXPECT_TRUE(find_provider(context, "").has_value());  // there is one only
        EXPECT_FALSE(find_provider(context, "Two").has_value());
    });
}

TEST_F(IdentityProviderTest, KeepsItsSecretForTheSameIssuerAndClientOnly) {
    api_.body_of(one_, "PUT", kPath, provider());
    json::object changed = provider();
    changed.erase("clientSecret");
    EXPECT_EQ(api_.body_of(one_, "PUT", kPath, changed).at("hasClientSecret"), json::value(true));
    changed["issuer"] = "https://evil.test";
    EXPECT_EQ(api_.body_of(one_, "PUT", kPath, changed).at("hasClientSecret"), json::value(false));
    api_.body_of(one_, "PUT", kPath, provider());
    changed = provider();
    changed["clientSecret"] = nullptr;
    EXPECT_EQ(api_.body_of(one_, "PUT", kPath, changed).at("hasClientSecret"), json::value(false));
}

TEST_F(IdentityProviderTest, IsRefusedWhereItCouldNotWork) {
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, json::value>>{{"issuer", "http://issuer.test"},
                                                          {"issuer", nullptr},
                                                          {"clientId", ""},
                                                          {"mapping", json::object()},
                                                          {"scopes", {"two words"}},
                                                          {"scopes", "openid"},
                                                          {"clientSecret", 7}}) {
        json::object body = provider();
        body[name] = value;
        const auto answer = api_.call(one_, "PUT", kPath, body);
        EXPECT_EQ(answer ? ErrorCode::kInternal : answer.error().code, ErrorCode::kInvalidArgument)
            << name;
    }
}

TEST_F(IdentityProviderTest, LeavesOnePasswordWhenTheyAreSwitchedOff) {
    api_.body_of(one_, "POST", "/v1/people", {{"name", "second"}, {"role", "full"}});
    const json::value emergency = {{"mode", "emergency"}, {"administrator", one_.name}};
    EXPECT_EQ(api_.call(one_, "PUT", kPasswords, emergency).error().code, ErrorCode::kNotFound);
    api_.body_of(one_, "PUT", kPath, provider());
    // A one-time password is none for emergencies.
    EXPECT_EQ(api_.call(one_, "PUT", kPasswords, emergency).error().code,
              ErrorCode::kInvalidArgument);
    settle_passwords();
    EXPECT_TRUE(log_in("second").has_value());
    api_.body_of(one_, "PUT", kPasswords, emergency);
    EXPECT_EQ(log_in("second").error(), LoginRefusal::kPasswordsOff);
    EXPECT_TRUE(log_in(one_.name).has_value());
    EXPECT_TRUE(log_in(two_.name).has_value());  // another organisation's
    // That one can neither be removed nor lose the role.
    const std::string path = "/v1/people/" + one_.person;
    EXPECT_EQ(api_.call(one_, "DELETE", path).error().code, ErrorCode::kConflict);
    EXPECT_EQ(api_.call(one_, "PATCH", path, {{"role", "support"}}).error().code,
              ErrorCode::kConflict);
    api_.body_of(one_, "PUT", kPasswords, {{"mode", "on"}});
    EXPECT_TRUE(log_in("second").has_value());
    EXPECT_TRUE(api_.call(one_, "PATCH", path, {{"role", "support"}}).has_value());
}

TEST_F(IdentityProviderTest, EndsSessionsThatPasswordsBeganWhenTheyAreSwitchedOff) {
    api_.body_of(one_, "POST", "/v1/people", {{"name", "second"}, {"role", "full"}});
    api_.body_of(one_, "PUT", kPath, provider());
    settle_passwords();
    const auto second = log_in("second");
    const auto other = log_in(two_.name);
    ASSERT_TRUE(second && other);
    api_.body_of(one_, "PUT", kPasswords, {{"mode", "emergency"}, {"administrator", one_.name}});
    as(one_, [&](const Context& context) {
        EXPECT_FALSE(find_caller(context, second->token).has_value());
        EXPECT_TRUE(find_caller(context, other->token).has_value());
    });
}

TEST_F(IdentityProviderTest, LetsPasswordsCountAgainWhenItIsRemoved) {
    api_.body_of(one_, "POST", "/v1/people", {{"name", "second"}, {"role", "full"}});
    api_.body_of(one_, "PUT", kPath, provider());
    settle_passwords();
    api_.body_of(one_, "PUT", kPasswords, {{"mode", "emergency"}, {"administrator", one_.name}});
    EXPECT_TRUE(api_.call(one_, "DELETE", kPath).has_value());
    EXPECT_TRUE(log_in("second").has_value());
}

TEST_F(IdentityProviderTest, MakesPeopleWithoutAPasswordWhoAreGoneWithTheirLinks) {
    api_.body_of(one_, "PUT", kPath, provider());
    const Vouched vouched{.organisation = one_.organisation,
                          .issuer = "https://issuer.test",
                          .subject = "s",
                          .name = "alice",
                          .role = Role::kSupport};
    const auto sign_in = [&] {
        std::string token;
        as(one_, [&](const Context& context) {
            const std::string code = add_sign_in_code(context, vouched, challenge_of("v"));
            const auto login = redeem_sign_in_code(context, {.code = code, .verifier = "v"});
            ASSERT_TRUE(login.has_value()) << login.error().message;
            token = login->token;
        });
        return token;
    };
    const std::string token = sign_in();
    as(one_, [&](const Context& context) {
        EXPECT_EQ(find_caller(context, token)->name, "alice");
        EXPECT_EQ(find_account(context, "alice")->password_hash, no_password());
    });
    const std::string first = person_id("alice");
    EXPECT_TRUE(api_.call(one_, "DELETE", "/v1/people/" + first).has_value());
    as(one_,
       [&](const Context& context) { EXPECT_FALSE(find_caller(context, token).has_value()); });
    sign_in();
    EXPECT_NE(person_id("alice"), first);
    // A code that waits is worth nothing once the provider is another.
    std::string code;
    as(one_, [&](const Context& context) {
        code = add_sign_in_code(context, vouched, challenge_of("v"));
    });
    api_.body_of(one_, "PUT", kPath, provider());
    as(one_, [&](const Context& context) {
        EXPECT_FALSE(redeem_sign_in_code(context, {.code = code, .verifier = "v"}).has_value());
    });
}

}  // namespace
}  // namespace isthmus::hub::oidc
