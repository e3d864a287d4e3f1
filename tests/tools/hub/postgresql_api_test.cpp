// Every endpoint on PostgreSQL, which takes types more strictly than SQLite: no statement may fail.
#include <map>
#include <memory>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/api_under_test.h"
#include "tests/tools/hub/postgresql_under_test.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/fleet/nodes.h"
#include "tools/hub/oidc/accounts.h"
#include "tools/hub/oidc/provider.h"
#include "tools/hub/oidc/providers.h"
#include "tools/hub/tenancy/people.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

class PostgresqlApiTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (postgresql_.address().empty()) {
            GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
        }
        api_ = std::make_unique<ApiUnderTest>(postgresql_.address());
        one_ = api_->add_organisation("One");
        two_ = api_->add_organisation("Two");
        api_->body_of(one_, "POST", "/v1/hybrid/clusters", {{"name", "hq"}});
        node_ = api_->add_node(one_, "hq", "cloud");
    }

    void TearDown() override { api_.reset(); }

    PostgresqlUnderTest postgresql_;
    std::unique_ptr<ApiUnderTest> api_;
    Caller one_;
    Caller two_;
    std::string node_;
};

TEST_F(PostgresqlApiTest, RunsEveryEndpoint) {
    one_.is_operator = true;
    const std::map<std::string, std::string> places = {{"{node}", node_},
                                                       {"{organization}", two_.organisation},
                                                       {"{hybridClusterId}", "hq"},
                                                       {"{service}", "calendar"},
                                                       {"{person}", "nobody"}};
    const json::value body = {{"name", "x"},
                              {"cluster", "hq"},
                              {"clusterId", "hq"},
                              {"role", "support"},
                              {"mode", "on"},
                              {"program", "node"},
                              {"code", "123456"},
                              {"kind", "signing"},
                              {"administrator", "y"},
                              {"issuer", "https://issuer.test"},
                              {"clientId", "hub"},
                              {"mapping", {{"otherwise", "support"}}},
                              {"programs", json::object()}};
    int good = 0;
    // What takes things away comes last.
    for (const bool removing : {false, true}) {
        for (const Endpoint* endpoint : all_endpoints()) {
            if ((endpoint->method == "DELETE") != removing) {
                continue;
            }
            const std::string path = fill_path(endpoint->path, places);
            const auto answer = api_->call(one_, std::string(endpoint->method), path, body);
            good += answer ? 1 : 0;
            EXPECT_TRUE(answer || (answer.error().code != ErrorCode::kUnavailable &&
                                   answer.error().code != ErrorCode::kInternal))
                << endpoint->method << ' ' << path << ": " << answer.error().message;
        }
    }
    EXPECT_GT(good, 45);
}

TEST_F(PostgresqlApiTest, SignsPeopleInAndSharesNodes) {
    const std::string share = "/v1/hybrid/nodes/" + node_ + "/shares/" + two_.organisation;
    EXPECT_TRUE(api_->call(one_, "PUT", share).has_value());
    const std::string shared = "/v1/hybrid/shared-nodes/cloud";
    EXPECT_TRUE(api_->call(two_, "PUT", shared + "/acceptance").has_value());
    api_->body_of(one_,
                  "PUT",
                  "/v1/organization/identity-provider",
                  {{"issuer", "https://issuer.test"},
                   {"clientId", "hub"},
                   {"clientSecret", "s"},
                   {"mapping", {{"otherwise", "support"}}}});
    EXPECT_TRUE(
        api_->run(&one_,
                  [&](const Context& context) -> Result<void> {
                      const auto fence = claim_node(context, node_, "hub-1");
                      const auto events = read_events(
                          {{"epoch", "e"},
                           {"entries",
                            json::array{{{"sequence", 1},
                                         {"time_ms", 1},
                                         {"kind", "usage"},
                                         {"body", {{"organization", two_.organisation}}}}}}});
                      EXPECT_TRUE(keep_events(context, *fence, one_.organisation, *events));
                      EXPECT_EQ(oidc::find_provider(context, "One")->client_secret, "s");
                      const oidc::Vouched vouched{.organisation = one_.organisation,
                                                  .issuer = "https://issuer.test",
                                                  .subject = "s",
                                                  .name = "alice",
                                                  .role = Role::kSupport};
                      for (int i = 0; i < 2; ++i) {
                          const std::string code =
                              oidc::add_sign_in_code(context, vouched, oidc::challenge_of("v"));
                          const auto login =
                              oidc::redeem_sign_in_code(context, {.code = code, .verifier = "v"});
                          EXPECT_TRUE(login.has_value()) << login.error().message;
                      }
                      context.sql->run("update people set must_change = 0");
                      return {};
                  })
            .has_value());
    EXPECT_EQ(api_->body_of(two_, "GET", shared + "/usage").at("items").as_array().size(), 1U);
    EXPECT_EQ(api_->body_of(one_, "GET", "/v1/people").at("items").as_array().size(), 2U);
    api_->body_of(one_,
                  "PUT",
                  "/v1/organization/identity-provider/passwords",
                  {{"mode", "emergency"}, {"administrator", one_.name}});
}

}  // namespace
}  // namespace isthmus::hub
