// Hub and agent of neighbouring releases, from enrolment to configuration. A release speaks its own
// version of the protocol and the one before, and says more than the other knows.
#include <memory>
#include <ostream>
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/base64url.h"
#include "control-agent/channel/enrollment.h"
#include "tests/tools/hub/hub_fixture.h"

namespace isthmus::hub {
namespace {

using ::testing::HasSubstr;

namespace json = boost::json;
using channel::ProtocolRange;

HubOptions options_with(const ProtocolRange& protocols) {
    HubOptions options;
    options.protocols = protocols;
    return options;
}

struct Pair {
    const char* name;
    ProtocolRange hub;
    ProtocolRange agent;
    std::int64_t spoken;  // 0: none

    // googletest's name. NOLINTNEXTLINE(readability-identifier-naming)
    friend void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.name; }
};

class VersionSkewTest : public HubFixture, public testing::WithParamInterface<Pair> {
  protected:
    VersionSkewTest() : HubFixture({}, options_with(GetParam().hub)) {}

    // With members that this hub does not know.
    ScriptedIdentity enroll_with_more(const std::string& name) {
        const auto code = channel::read_code(make_code("hq"));
        channel::HubTrust trust({code->fingerprint});
        const std::string nonce = channel::random_bytes(random_, channel::kNonceBytes);
        json::value hello =
            call_as("", "GET", "/v1/enrollment/hello?nonce=" + http::encode_base64url(nonce)).body;
        hello.as_object()["of_tomorrow"] = 1;
        const auto read = channel::read_hello(json::serialize(hello), nonce, trust);
        ScriptedIdentity identity{.hub_url = url_,
                                  .ca_file = ca_file(),
                                  .node = {},
                                  .certificate = {},
                                  .hub_fingerprints = trust.fingerprints(),
                                  .key = channel::SigningKey::generate(random_),
                                  .sealing_key = channel::ExchangeKey::generate(random_)};
        json::value body = json::parse(channel::write_enroll(*code,
                                                             *read,
                                                             {.name = name,
                                                              .key = &*identity.key,
                                                              .sealing_key = &*identity.sealing_key,
                                                              .versions = {{"agent", "9.9"}}}));
        body.as_object()["of_tomorrow"] = {{"a", 1}};
        json::value reply = call_as("", "POST", "/v1/enroll", body).body;
        reply.as_object()["of_tomorrow"] = "x";
        const auto enrolled =
            channel::read_enrolled(json::serialize(reply), *read, identity.key->public_key());
        EXPECT_TRUE(enrolled.has_value());
        identity.node = enrolled->node;
        identity.certificate = enrolled->certificate;
        return identity;
    }

    std::unique_ptr<ScriptedAgent> connect() {
        auto agent = std::make_unique<ScriptedAgent>(io_, random_, enroll_with_more("node"));
        agent->protocols = GetParam().agent;
        agent->connect();
        EXPECT_TRUE(run_until([&] { return agent->established() || agent->closed(); }));
        return agent;
    }
};

class NeighbouringReleases : public VersionSkewTest {};

TEST_P(NeighbouringReleases, WorkTogetherFromEnrolmentToConfiguration) {
    const auto agent = connect();
    ASSERT_TRUE(agent->established()) << agent->close_reason();
    EXPECT_EQ(agent->protocol(), GetParam().spoken);
    // Members that the hub does not know are left alone, methods answered, notifications ignored.
    ASSERT_TRUE(ask(*agent,
                    "heartbeat",
                    {{"state", "operational"},
                     {"of_tomorrow", {1, 2}},
                     {"alarms", {{{"id", "a"}, {"severity", "unheard-of"}, {"more", 1}}}}})
                    .result);
    agent->notify("of.tomorrow", {{"a", 1}});
    const auto unknown = ask(*agent, "of.tomorrow", {{"a", 1}});
    ASSERT_FALSE(unknown.result);
    EXPECT_EQ(unknown.result.error().code, channel::kRpcMethodNotFound);
    EXPECT_TRUE(agent->established());
    // Events with more than is known, of kinds that nobody heard of.
    const json::value push = {{"epoch", "1"},
                              {"of_tomorrow", 1},
                              {"entries",
                               {{{"sequence", 1},
                                 {"time_ms", 5},
                                 {"kind", "of.tomorrow"},
                                 {"body", {{"a", 1}}},
                                 {"more", true}}}}};
    EXPECT_EQ(ask(*agent, "events.push", push).result->at("acknowledged"), json::value(1));
    // Commands and configurations, of programs that the hub does not know too.
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    const json::value programs = {{"programs",
                                   {{"node", {{"of_tomorrow", 1}}},
                                    {"agent", {{"of_tomorrow", 1}}},
                                    {"unheard-of", {{"a", 1}}}}}};
    ASSERT_EQ(call("PUT", "/v1/hybrid/nodes/node/configuration", programs).status, 200U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 2; }));
    EXPECT_EQ(agent->commands[1].params.at("programs"), programs.at("programs"));
    EXPECT_TRUE(agent->refused_commands.empty());
    ASSERT_TRUE(run_until([&] {
        return call("GET", "/v1/hybrid/nodes/node").body.at("status") == json::value("operational");
    }));
    EXPECT_EQ(hub_->channel_counters().alarms, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    NeighbouringReleases,
    testing::Values(
        Pair{"ToTheSame", {.oldest = 1, .newest = 2}, {.oldest = 1, .newest = 2}, 2},
        Pair{"AgentNewer", {.oldest = 1, .newest = 1}, {.oldest = 1, .newest = 2}, 1},
        Pair{"HubNewer", {.oldest = 1, .newest = 2}, {.oldest = 1, .newest = 1}, 1},
        Pair{"AgentNewerLater", {.oldest = 1, .newest = 2}, {.oldest = 2, .newest = 3}, 2},
        Pair{"HubNewerLater", {.oldest = 2, .newest = 3}, {.oldest = 1, .newest = 2}, 2}),
    [](const auto& pair) { return std::string(pair.param.name); });

class DistantReleases : public VersionSkewTest {};

TEST_P(DistantReleases, SayWhichOfThemIsToBeUpgraded) {
    const auto agent = connect();
    EXPECT_FALSE(agent->established());
    const bool hub_is_older = GetParam().hub.newest < GetParam().agent.oldest;
    EXPECT_THAT(agent->close_reason(),
                HasSubstr(hub_is_older ? "upgrade the hub" : "upgrade the agent"));
    EXPECT_THAT(agent->close_reason(), HasSubstr("this agent " + GetParam().agent.text()));
    EXPECT_EQ(hub_->channel_counters().alarms, 0U) << "nobody forged anything";
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DistantReleases,
    testing::Values(
        Pair{"AgentTwoNewer", {.oldest = 1, .newest = 1}, {.oldest = 2, .newest = 3}, 0},
        Pair{"HubTwoNewer", {.oldest = 2, .newest = 3}, {.oldest = 1, .newest = 1}, 0}),
    [](const auto& pair) { return std::string(pair.param.name); });

class WrongChoice : public VersionSkewTest {};

// An agent that takes a version that was not offered is told, and is no forger.
TEST_P(WrongChoice, IsRefusedWithAReason) {
    auto agent = std::make_unique<ScriptedAgent>(io_, random_, enroll_with_more("node"));
    agent->change_handshake = [](const std::string& text) {
        json::value value = json::parse(text);
        value.at("authenticate").at("protocol") = 7;
        return json::serialize(value);
    };
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    EXPECT_THAT(agent->close_reason(), HasSubstr("this hub speaks versions 1 to 2"));
    EXPECT_EQ(hub_->channel_counters().refused, 1U);
    EXPECT_EQ(hub_->channel_counters().alarms, 0U);
}

// Somebody on the way who wants the two to speak an older version than they could is noticed.
TEST_P(WrongChoice, CannotBeForcedFromOutside) {
    auto agent = std::make_unique<ScriptedAgent>(io_, random_, enroll_with_more("node"));
    agent->protocols = {.oldest = 1, .newest = 2};
    agent->change_hello = [](const std::string& text) {
        json::value value = json::parse(text);
        value.at("hello").at("protocols") = json::array{1};
        return json::serialize(value);
    };
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    EXPECT_FALSE(agent->established());
    EXPECT_EQ(hub_->channel_counters().alarms, 1U);
}

INSTANTIATE_TEST_SUITE_P(All,
                         WrongChoice,
                         testing::Values(Pair{
                             "Pair", {.oldest = 1, .newest = 2}, {.oldest = 1, .newest = 2}, 0}),
                         [](const auto& pair) { return std::string(pair.param.name); });

}  // namespace
}  // namespace isthmus::hub
