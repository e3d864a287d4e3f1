// A whole hub over real sockets: API, enrolment, channels.
#include <chrono>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/base64url.h"
#include "control-agent/channel/enrollment.h"
#include "tests/tools/hub/hub_fixture.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

using HubTest = HubFixture;

json::value heartbeat() {
    return {{"state", "operational"},
            {"maintenance", {{"mode", "off"}}},
            {"versions", {{"agent", "0.1.0"}, {"node", "0.1.0"}}},
            {"load", {{"cpu", 0.1}}},
            {"configuration", {{"version", 0}, {"state", "none"}}},
            {"alarms", json::array()},
            {"services", json::array()}};
}

json::value entry(std::int64_t sequence) {
    return {{"sequence", sequence},
            {"time_ms", 1'800'000'000'000},
            {"kind", "usage"},
            {"body", {{"minutes", sequence}}}};
}

TEST_F(HubTest, TakesANodeInFromItsCodeToItsHeartbeat) {
    const auto agent = connect_node("node.example");
    EXPECT_TRUE(ask(*agent, "heartbeat", heartbeat()).result.has_value());
    ASSERT_TRUE(run_until([&] {
        const ApiReply node = call("GET", "/v1/hybrid/nodes/node.example");
        return node.status == 200 && node.body.at("status") == json::value("operational");
    }));
    const ApiReply node = call("GET", "/v1/hybrid/nodes/node.example");
    EXPECT_EQ(node.body.at("connected"), json::value(true));
    EXPECT_EQ(node.body.at("clusterName"), json::value("hq"));
    EXPECT_EQ(node.body.at("versions").at("node"), json::value("0.1.0"));
    const ApiReply connectors = call("GET", "/v1/hybrid/connectors");
    EXPECT_EQ(connectors.body.at("items").at(0).at("status"), json::value("operational"));
    EXPECT_EQ(connectors.body.at("items").at(0).at("hybridClusterId"),
              node.body.at("hybridClusterId"));
}

TEST_F(HubTest, LetsACodeInOnce) {
    const std::string code = make_code("hq");
    EXPECT_FALSE(enroll(code, "one").node.empty());
    const auto read = channel::read_code(code);
    const std::string nonce = channel::random_bytes(random_, channel::kNonceBytes);
    channel::HubTrust trust({read->fingerprint});
    const auto hello = channel::read_hello(
        call_as("", "GET", "/v1/enrollment/hello?nonce=" + http::encode_base64url(nonce)).text,
        nonce,
        trust);
    const auto key = channel::SigningKey::generate(random_);
    const auto sealing_key = channel::ExchangeKey::generate(random_);
    const channel::EnrollmentIdentity second{
        .name = "two", .key = &key, .sealing_key = &sealing_key, .versions = {}};
    const auto post = [&](const channel::EnrollmentCode& with,
                          const channel::EnrollmentHello& answer) {
        return call_as(
            "", "POST", "/v1/enroll", json::parse(channel::write_enroll(with, answer, second)));
    };
    const ApiReply used = post(*read, *hello);
    EXPECT_EQ(used.status, 409U);
    EXPECT_EQ(used.body.at("step"), json::value("code"));
    // The wrong secret learns nothing, not even that the code was used.
    channel::EnrollmentCode guessed = *read;
    guessed.secret = std::string(channel::kCodeSecretBytes, 'x');
    EXPECT_EQ(post(guessed, *hello).body.at("step"), json::value("proof"));
    guessed.id = "unknown";
    EXPECT_EQ(post(guessed, *hello).status, 404U);
    channel::EnrollmentHello stale = *hello;
    stale.nonce = std::string(channel::kNonceBytes, 'n');
    EXPECT_EQ(post(*read, stale).body.at("step"), json::value("nonce"));
    EXPECT_EQ(call_as("", "POST", "/v1/enroll", json::object()).body.at("step"),
              json::value("request"));
}

TEST_F(HubTest, KeepsEachEventOnceAndSaysSoAfterwards) {
    const auto agent = connect_node("node");
    const json::value push = {{"epoch", "e1"}, {"entries", {entry(1), entry(2)}}};
    EXPECT_EQ(ask(*agent, "events.push", push).result->at("acknowledged"), json::value(2));
    // The answer was lost: the node sends them again, with one more.
    const json::value again = {{"epoch", "e1"}, {"entries", {entry(1), entry(2), entry(3)}}};
    EXPECT_EQ(ask(*agent, "events.push", again).result->at("acknowledged"), json::value(3));
    // An outbox that was lost begins anew, in an epoch of its own.
    const json::value other = {{"epoch", "e2"}, {"entries", {entry(1)}}};
    EXPECT_EQ(ask(*agent, "events.push", other).result->at("acknowledged"), json::value(1));
    const ApiReply events = call("GET", "/v1/hybrid/nodes/node/events");
    EXPECT_EQ(events.body.at("items").as_array().size(), 4U);
    const json::value disorder = {{"epoch", "e1"}, {"entries", {entry(5), entry(4)}}};
    EXPECT_FALSE(ask(*agent, "events.push", disorder).result.has_value());
    EXPECT_FALSE(ask(*agent, "events.push", {{"epoch", "e1"}}).result.has_value());
}

TEST_F(HubTest, SendsASignedCommandAndTellsHowItEnded) {
    const auto agent = connect_node("node");
    const ApiReply queued =
        call("PUT", "/v1/hybrid/nodes/node/maintenance", {{"mode", "on"}, {"deadline_s", 600}});
    ASSERT_EQ(queued.status, 202U) << queued.text;
    ASSERT_TRUE(run_until([&] { return !agent->commands.empty(); }));
    EXPECT_EQ(agent->commands[0].method, "maintenance.set");
    EXPECT_EQ(agent->commands[0].params.at("deadline_s"), json::value(600));
    const std::string path =
        "/v1/hybrid/commands/" + std::string(queued.body.at("command").as_string());
    ASSERT_TRUE(
        run_until([&] { return call("GET", path).body.at("state") == json::value("succeeded"); }));
    EXPECT_EQ(call("GET", path).body.at("result").at("method"), json::value("maintenance.set"));
}

// A node says once for each channel how a command ended. More than eight at once were refused, and
// so stood there as under way for ever.
TEST_F(HubTest, KeepsHowManyCommandsEndedThatEndAtOnce) {
    constexpr std::size_t kCommands = 60;
    const auto agent = connect_node("node");
    agent->answers_commands = false;
    for (std::size_t i = 0; i < kCommands; ++i) {
        ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    }
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == kCommands; }));
    std::size_t heard = 0;
    for (const channel::Command& command : agent->commands) {
        agent->call("command.progress",
                    {{"id", command.id}, {"state", "succeeded"}, {"result", {{"done", true}}}},
                    [&](const channel::RpcResponse& response) {
                        heard += response.result.has_value() ? 1 : 0;
                    });
    }
    EXPECT_TRUE(run_until([&] { return heard == kCommands; }));
    const ApiReply reply = call("GET", "/v1/hybrid/nodes/node/commands");
    for (const json::value& command : reply.body.at("items").as_array()) {
        EXPECT_EQ(command.at("state"), json::value("succeeded"));
    }
}

TEST_F(HubTest, KeepsWhatIsSaidBesideTextThatNoDatabaseTakes) {
    const auto agent = connect_node("node");
    agent->answers_commands = false;
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    const std::string nul(1, '\0');
    const std::string& id = agent->commands[0].id;
    std::vector<bool> taken;
    for (const json::object& params :
         {json::object{{"id", id}, {"state", "running"}, {"message", "a" + nul}},
          json::object{{"id", nul}, {"state", "running"}},
          json::object{{"id", id}, {"state", "succeeded"}, {"result", {{"text", nul}}}}}) {
        agent->call("command.progress", params, [&](const channel::RpcResponse& response) {
            taken.push_back(response.result.has_value());
        });
    }
    ASSERT_TRUE(run_until([&] { return taken.size() == 3; }));
    EXPECT_EQ(taken, (std::vector<bool>{false, false, true}));
}

TEST_F(HubTest, KeepsACommandForANodeThatIsAwayAndSendsItAgainWhereItWasLost) {
    auto agent = connect_node("node");
    agent->answers_commands = false;
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    // Lost: the node never said that it has it.
    agent->disconnect();
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/restart", {{"program", "node"}}).status, 202U);
    agent->answers_commands = true;
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 3; }));
    EXPECT_EQ(agent->commands[1].id, agent->commands[0].id);
    EXPECT_GT(agent->commands[1].sequence, agent->commands[0].sequence);
    EXPECT_EQ(agent->commands[2].method, "program.restart");
    EXPECT_TRUE(agent->refused_commands.empty());
}

TEST_F(HubTest, CutsARevokedNodeOffWithinASecond) {
    const auto agent = connect_node("node");
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/revocation").status, 204U);
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    RecordProperty("cut_ms",
                   static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now() - begin)
                                        .count()));
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    EXPECT_TRUE(agent->close_reason().contains("revoked")) << agent->close_reason();
}

TEST_F(HubTest, LetsNoNodeSpeakForAnother) {
    const ScriptedIdentity one = enroll(make_code("hq"), "one");
    ScriptedIdentity forged = enroll(make_code("hq"), "two");
    // The certificate of the other, which is no secret, and an own key.
    forged.node = one.node;
    forged.certificate = one.certificate;
    ScriptedAgent liar(io_, random_, forged);
    liar.connect();
    ASSERT_TRUE(run_until([&] { return liar.closed(); }));
    EXPECT_FALSE(liar.established());
    EXPECT_EQ(hub_->channel_counters().alarms, 1U);
    // And nobody was thrown out, for nobody was let in.
    ScriptedAgent honest(io_, random_, one);
    honest.connect();
    ASSERT_TRUE(run_until([&] { return honest.established(); }));
}

TEST_F(HubTest, EndsAChannelWhoseFramesAreRepeatedAndSaysSo) {
    const auto agent = connect_node("node");
    agent->send_raw(R"({"n":0,"m":"{}","t":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})");
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    ASSERT_TRUE(run_until([&] {
        return call("GET", "/v1/audit?limit=1").body.at("items").at(0).at("action") ==
               json::value("channel.alarm");
    }));
}

TEST_F(HubTest, GivesANodeItsNewChannelAndEndsTheOld) {
    const ScriptedIdentity identity = enroll(make_code("hq"), "node");
    ScriptedAgent first(io_, random_, identity);
    first.connect();
    ASSERT_TRUE(run_until([&] { return first.established(); }));
    ScriptedAgent second(io_, random_, identity);
    second.connect();
    ASSERT_TRUE(run_until([&] { return second.established() && first.closed(); }));
    EXPECT_TRUE(ask(second, "heartbeat", heartbeat()).result.has_value());
    EXPECT_EQ(hub_->channel_counters().connected, 1U);
}

TEST_F(HubTest, ConfiguresClusterAndNodeTogether) {
    const auto agent = connect_node("node");
    ASSERT_EQ(call("PUT",
                   "/v1/hybrid/clusters/hq/configuration",
                   {{"programs", {{"node", {{"media", {{"workers", 2}, {"ice_tcp", true}}}}}}}})
                  .status,
              200U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    ASSERT_EQ(call("PUT",
                   "/v1/hybrid/nodes/node/configuration",
                   {{"programs", {{"node", {{"media", {{"workers", 4}}}}}}}})
                  .status,
              200U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 2; }));
    const json::value& media = agent->commands[1].params.at("programs").at("node").at("media");
    EXPECT_EQ(media.at("workers"), json::value(4));
    EXPECT_EQ(media.at("ice_tcp"), json::value(true));
    EXPECT_GT(agent->commands[1].params.at("version").as_int64(),
              agent->commands[0].params.at("version").as_int64());
    // What is wrong is told at once, and what somebody else changed meanwhile is not overwritten.
    EXPECT_EQ(call("PUT",
                   "/v1/hybrid/nodes/node/configuration",
                   {{"programs", {{"node", {{"media", {{"workers", "many"}}}}}}}})
                  .status,
              400U);
    EXPECT_EQ(call("PUT",
                   "/v1/hybrid/nodes/node/configuration",
                   {{"programs", json::object()}, {"expectedVersion", 1}})
                  .status,
              409U);
}

TEST_F(HubTest, ShowsNoSealedSecretToAnybody) {
    const auto agent = connect_node("node");
    const auto sealed =
        channel::seal_secret(random_, agent->identity().sealing_key->public_key(), "ldap password");
    ASSERT_EQ(call("PUT",
                   "/v1/hybrid/nodes/node/configuration",
                   {{"programs", {{"directory", {{"password", *sealed}}}}}})
                  .status,
              200U);
    ASSERT_TRUE(run_until([&] { return !agent->commands.empty(); }));
    // The node opens it; nobody else even sees the box.
    const auto opened =
        channel::open_secrets(*agent->identity().sealing_key, agent->commands[0].params);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->at("programs").at("directory").at("password"), json::value("ldap password"));
    for (const char* path :
         {"/v1/hybrid/nodes/node/configuration", "/v1/hybrid/nodes/node/commands", "/v1/audit"}) {
        const ApiReply reply = call("GET", path);
        EXPECT_FALSE(reply.text.contains("\"box\"")) << reply.text;
    }
    EXPECT_TRUE(call("GET", "/v1/audit").text.contains("(sealed)"));
}

TEST_F(HubTest, RefusesToRemoveWhatHostsAService) {
    const auto agent = connect_node("node");
    ASSERT_EQ(call("PUT", "/v1/hybrid/nodes/node/services/directory", json::object()).status, 202U);
    EXPECT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 409U);
    EXPECT_EQ(call("DELETE", "/v1/hybrid/clusters/hq").status, 409U);
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node/services/directory").status, 202U);
    EXPECT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 204U);
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    EXPECT_EQ(call("DELETE", "/v1/hybrid/clusters/hq").status, 204U);
}

TEST_F(HubTest, RenamesAndMovesANode) {
    const auto agent = connect_node("node");
    ASSERT_EQ(call("POST", "/v1/hybrid/clusters", {{"name", "lab"}}).status, 201U);
    ASSERT_EQ(
        call("PATCH", "/v1/hybrid/nodes/node", {{"name", "renamed"}, {"clusterId", "lab"}}).status,
        200U);
    EXPECT_EQ(call("GET", "/v1/hybrid/nodes/renamed").body.at("clusterName"), json::value("lab"));
    // It is configured as its new cluster wants it.
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    EXPECT_EQ(agent->commands[0].method, "configuration.apply");
    EXPECT_EQ(call("DELETE", "/v1/hybrid/clusters/hq").status, 204U);
}

TEST_F(HubTest, RenewsACertificateOnTheChannelAndByProof) {
    const auto agent = connect_node("node");
    const auto own = agent->identity().key->public_key();
    const auto renewed =
        ask(*agent, "certificate.renew", {{"key", http::encode_base64url(own.bytes())}});
    ASSERT_TRUE(renewed.result.has_value());
    EXPECT_TRUE(renewed.result->at("certificate").as_string().starts_with("-----BEGIN"));
    const auto other = channel::SigningKey::generate(random_).public_key();
    EXPECT_FALSE(ask(*agent, "certificate.renew", {{"key", http::encode_base64url(other.bytes())}})
                     .result.has_value());

    const std::string nonce = channel::random_bytes(random_, channel::kNonceBytes);
    const auto hello = channel::read_hello(
        call_as("", "GET", "/v1/enrollment/hello?nonce=" + http::encode_base64url(nonce)).text,
        nonce,
        agent->trust());
    const auto renew = [&](const channel::SigningKey& key) {
        return call_as("",
                       "POST",
                       "/v1/renew",
                       json::parse(channel::write_renew(
                           key, *hello, agent->identity().node, agent->identity().certificate)));
    };
    const ApiReply good = renew(*agent->identity().key);
    EXPECT_TRUE(channel::read_enrolled(good.text, *hello, own).has_value()) << good.text;
    EXPECT_EQ(renew(channel::SigningKey::generate(random_)).status, 403U);
}

TEST_F(HubTest, TakesAllNodesBackAfterARestart) {
    const auto agent = connect_node("node");
    stop_hub();
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    start_hub();
    EXPECT_TRUE(hub_->first_administrator().name.empty());
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->established(); })) << agent->close_reason();
    EXPECT_EQ(call("GET", "/v1/hybrid/nodes/node").status, 200U);
}

TEST_F(HubTest, ChangesItsKeysWithoutLosingANode) {
    const auto agent = connect_node("node");
    for (const char* kind : {"signing", "ca"}) {
        const ApiReply rotated = call("POST", "/v1/keys", {{"kind", kind}});
        ASSERT_EQ(rotated.status, 200U) << rotated.text;
    }
    // The open channel goes on under the key that it began with.
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    EXPECT_TRUE(agent->refused_commands.empty());
    // The next one follows to the new key; the old certificate still counts.
    agent->disconnect();
    const ApiReply code = call("POST", "/v1/hybrid/codes", {{"cluster", "hq"}});
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->established(); })) << agent->close_reason();
    EXPECT_EQ(agent->trust().fingerprints().size(), 2U);
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 2; }));
    EXPECT_TRUE(agent->refused_commands.empty());
}

}  // namespace
}  // namespace isthmus::hub
