// Nothing crosses between organisations: every endpoint, called by one with the ids of another.
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/api_under_test.h"
#include "tools/hub/identity/totp.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

class TenancyTest : public ::testing::Test {
  protected:
    ApiUnderTest api_;
    Caller one_ = api_.add_organisation("One");
    Caller two_ = api_.add_organisation("Two");
};

// What one organisation has, by the names that paths use.
struct World {
    std::map<std::string, std::string> ids;
    std::vector<std::string> marks;  // texts that nobody else may see
};

class CrossingTest : public TenancyTest {
  protected:
    World make_world() {
        World world;
        const auto cluster =
            api_.body_of(one_, "POST", "/v1/hybrid/clusters", {{"name", "mark-cluster"}});
        world.ids["hybridClusterId"] = cluster.at("id").as_string();
        world.ids["node"] = api_.add_node(one_, "mark-cluster", "mark-node");
        const std::string node = "/v1/hybrid/nodes/" + world.ids["node"];
        const auto service =
            api_.body_of(one_, "PUT", node + "/services/mark-service", json::object());
        world.ids["service"] = "mark-service";
        world.ids["command"] = service.at("command").as_string();
        world.ids["connectorId"] = "media@" + world.ids["node"];
        const auto code =
            api_.body_of(one_, "POST", "/v1/hybrid/codes", {{"cluster", "mark-cluster"}});
        world.ids["code"] = code.at("id").as_string();
        const auto token =
            api_.body_of(one_, "POST", "/v1/tokens", {{"name", "mark-token"}, {"role", "full"}});
        world.ids["token"] = token.at("id").as_string();
        const auto person =
            api_.body_of(one_, "POST", "/v1/people", {{"name", "mark-person"}, {"role", "full"}});
        world.ids["person"] = person.at("id").as_string();
        world.ids["organization"] = one_.organisation;
        api_.body_of(one_,
                     "PUT",
                     node + "/configuration",
                     {{"programs", {{"node", {{"mark-configuration", 1}}}}}});
        for (const auto& [name, id] : world.ids) {
            world.marks.push_back(id);
        }
        world.marks.insert(world.marks.end(),
                           {"mark-cluster",
                            "mark-node",
                            "mark-person",
                            "mark-token",
                            "mark-configuration",
                            "admin of One"});
        std::erase(world.marks, "mark-service");  // the other's own word in a path
        return world;
    }

    static std::string fill(std::string_view pattern, const World& world) {
        std::string path(pattern);
        for (const auto& [name, id] : world.ids) {
            const std::string hole = "{" + name + "}";
            if (const auto at = path.find(hole); at != std::string::npos) {
                path.replace(at, hole.size(), id);
            }
        }
        return path;
    }
};

TEST_F(CrossingTest, AnswersNothingOfAnotherOrganisation) {
    const World world = make_world();
    const std::string before = api_.dump(one_.organisation);
    // Every field that any endpoint reads, with ids of the other organisation where it wants ids.
    const json::value body = {{"name", "x"},
                              {"cluster", world.ids.at("hybridClusterId")},
                              {"clusterId", world.ids.at("hybridClusterId")},
                              {"role", "full"},
                              {"mode", "on"},
                              {"program", "node"},
                              {"code", "123456"},
                              {"kind", "signing"},
                              {"administrator", "x"},
                              {"programs", json::object()}};
    int calls = 0;
    for (const Endpoint* endpoint : all_endpoints()) {
        const std::string path = fill(endpoint->path, world);
        const auto answer = api_.call(two_, std::string(endpoint->method), path, body);
        ++calls;
        const std::string text = answer ? json::serialize(answer->body) : answer.error().message;
        for (const std::string& mark : world.marks) {
            EXPECT_FALSE(text.contains(mark))
                << endpoint->method << ' ' << path << " shows " << mark << ": " << text;
        }
        if (answer) {
            EXPECT_TRUE(answer->wake.empty() && answer->cut.empty())
                << endpoint->method << ' ' << path;
        }
    }
    EXPECT_GT(calls, 45);
    EXPECT_EQ(api_.dump(one_.organisation), before);
}

TEST_F(TenancyTest, GivesEachRoleWhatItMay) {
    Caller readonly = one_;
    readonly.role = Role::kReadOnly;
    Caller support = one_;
    support.role = Role::kSupport;
    EXPECT_TRUE(api_.call(readonly, "GET", "/v1/audit").has_value());
    EXPECT_FALSE(api_.call(support, "GET", "/v1/audit").has_value());
    EXPECT_TRUE(api_.call(support, "GET", "/v1/hybrid/nodes").has_value());
    for (const Caller& caller : {readonly, support}) {
        EXPECT_EQ(api_.call(caller, "POST", "/v1/hybrid/clusters", {{"name", "x"}}).error().code,
                  ErrorCode::kPermissionDenied);
    }
    // A full administrator of an organisation is no operator of the hub.
    EXPECT_EQ(api_.call(one_, "GET", "/v1/organizations").error().code,
              ErrorCode::kPermissionDenied);
    EXPECT_EQ(api_.call(one_, "POST", "/v1/keys", {{"kind", "ca"}}).error().code,
              ErrorCode::kPermissionDenied);
    Caller operating = one_;
    operating.is_operator = true;
    EXPECT_TRUE(api_.call(operating, "GET", "/v1/organizations").has_value());
}

TEST_F(TenancyTest, HoldsOrganisationsToTheirQuotas) {
    Caller operating = one_;
    operating.is_operator = true;
    ASSERT_TRUE(api_.call(operating,
                          "PUT",
                          "/v1/organizations/" + two_.organisation + "/quotas",
                          {{"nodes", 1}, {"clusters", 1}, {"people", 1}})
                    .has_value());
    api_.body_of(two_, "POST", "/v1/hybrid/clusters", {{"name", "hq"}});
    EXPECT_EQ(api_.call(two_, "POST", "/v1/hybrid/clusters", {{"name", "lab"}}).error().code,
              ErrorCode::kLimitExceeded);
    EXPECT_EQ(api_.call(two_, "POST", "/v1/people", {{"name", "b"}, {"role", "full"}}).error().code,
              ErrorCode::kLimitExceeded);
    EXPECT_FALSE(api_.add_node(two_, "hq", "n").empty());
    EXPECT_EQ(api_.call(two_, "POST", "/v1/hybrid/codes", {{"cluster", "hq"}}).error().code,
              ErrorCode::kLimitExceeded);
}

TEST_F(TenancyTest, WritesOldAndNewValuesIntoTheAudit) {
    const auto made = api_.body_of(one_, "POST", "/v1/hybrid/clusters", {{"name", "hq"}});
    const std::string path = "/v1/hybrid/clusters/" + std::string(made.at("id").as_string());
    api_.body_of(one_, "PATCH", path, {{"name", "head office"}});
    const json::value audit = api_.body_of(one_, "GET", "/v1/audit");
    const json::value& newest = audit.at("items").at(0);
    EXPECT_EQ(newest.at("action"), json::value("cluster.change"));
    EXPECT_EQ(newest.at("old").at("name"), json::value("hq"));
    EXPECT_EQ(newest.at("new").at("name"), json::value("head office"));
    EXPECT_EQ(newest.at("remote"), json::value("192.0.2.1"));
}

TEST_F(TenancyTest, KeepsTheLastAdministrator) {
    const std::string path = "/v1/people/" + one_.person;
    EXPECT_EQ(api_.call(one_, "DELETE", path).error().code, ErrorCode::kConflict);
    EXPECT_EQ(api_.call(one_, "PATCH", path, {{"role", "support"}}).error().code,
              ErrorCode::kConflict);
    api_.body_of(one_, "POST", "/v1/people", {{"name", "second"}, {"role", "full"}});
    EXPECT_TRUE(api_.call(one_, "DELETE", path).has_value());
}

TEST_F(TenancyTest, TakesTokensAwayWithThePersonAndAtTheirEnd) {
    std::string token;
    const auto find = [&] {
        bool found = false;
        EXPECT_TRUE(api_.run(nullptr,
                             [&](const Context& context) -> Result<void> {
                                 found = find_caller(context, token).has_value();
                                 return {};
                             })
                        .has_value());
        return found;
    };
    ASSERT_TRUE(api_.run(nullptr,
                         [&](const Context& context) -> Result<void> {
                             token = begin_session(context, one_.organisation, one_.person).token;
                             return {};
                         })
                    .has_value());
    EXPECT_TRUE(find());
    api_.now_ms += (kSessionSeconds + 1) * 1000;
    EXPECT_FALSE(find());
    token = api_.body_of(one_, "POST", "/v1/tokens", {{"name", "ci"}, {"role", "readonly"}})
                .at("token")
                .as_string();
    EXPECT_TRUE(find());
    token += "x";
    EXPECT_FALSE(find());
}

class LoginTest : public TenancyTest {
  protected:
    // What a login says: a token, or why not.
    std::expected<Login, LoginRefusal> log_in(bool password_good, const std::string& code = "") {
        std::expected<Login, LoginRefusal> out = std::unexpected(LoginRefusal::kWrong);
        EXPECT_TRUE(api_.run(nullptr,
                             [&](const Context& context) -> Result<void> {
                                 const auto account = find_account(context, one_.name);
                                 if (account) {
                                     out = try_login(context,
                                                     {.account = *account,
                                                      .password_good = password_good,
                                                      .code = code,
                                                      .new_password_hash = "changed"});
                                 }
                                 locked_ = !account;
                                 return {};
                             })
                        .has_value());
        return out;
    }

    bool locked_ = false;
};

TEST_F(LoginTest, LocksAnAccountAfterSomeFailuresForLongerEachTime) {
    for (int i = 0; i < kFailuresMax; ++i) {
        EXPECT_FALSE(log_in(false).has_value());
        EXPECT_FALSE(locked_);
    }
    EXPECT_FALSE(log_in(true).has_value());  // even with the right password
    EXPECT_TRUE(locked_);
    api_.now_ms += (kLockSeconds + 1) * 1000;
    EXPECT_FALSE(log_in(false).has_value());
    api_.now_ms += (kLockSeconds + 1) * 1000;
    EXPECT_FALSE(log_in(true).has_value());
    EXPECT_TRUE(locked_);  // twice as long now
    api_.now_ms += kLockSeconds * 1000;
    EXPECT_TRUE(log_in(true).has_value());
}

TEST_F(LoginTest, AsksForTheAuthenticatorsCodeAndTakesEachOnce) {
    const auto offered = api_.body_of(one_, "POST", "/v1/people/me/authenticator");
    // Base32 back into bytes, as an authenticator does.
    std::string secret;
    unsigned buffer = 0;
    unsigned bits = 0;
    for (const char c : std::string(offered.at("secret").as_string())) {
        buffer = (buffer << 5U) | static_cast<unsigned>(c >= 'A' ? c - 'A' : c - '2' + 26);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            secret += static_cast<char>((buffer >> bits) & 0xFFU);
        }
    }
    const auto code = [&] { return totp_code(secret, api_.now_ms / 1000 / kTotpStepSeconds); };
    // Not before it was confirmed.
    EXPECT_TRUE(log_in(true).has_value());
    ASSERT_TRUE(
        api_.call(one_, "PUT", "/v1/people/me/authenticator", {{"code", code()}}).has_value());
    EXPECT_EQ(log_in(true).error(), LoginRefusal::kCodeNeeded);
    EXPECT_EQ(log_in(true, code()).error(), LoginRefusal::kWrong);  // that one is spent
    api_.now_ms += kTotpStepSeconds * 1000;
    EXPECT_TRUE(log_in(true, code()).has_value());
    EXPECT_EQ(log_in(true, code()).error(), LoginRefusal::kWrong);
}

}  // namespace
}  // namespace isthmus::hub
