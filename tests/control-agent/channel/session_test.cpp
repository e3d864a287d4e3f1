#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "control-agent/channel/agent_session.h"
#include "control-agent/channel/hub_session.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNow = 1'800'000'000;

class SessionTest : public ::testing::Test {
  protected:
    [[nodiscard]] AgentIdentity agent() const {
        return {.node = "node-1", .certificate = "PEM", .key = &node_};
    }

    // Both sides up to the welcome; false where one of them stops.
    static bool shake_hands(HubSession& hub, AgentSession& agent, const PublicKey& node_key) {
        const auto answer = agent.handle_handshake(hub.hello());
        if (!answer || !hub.handle_authenticate(*answer)) {
            return false;
        }
        const auto welcome = hub.accept(node_key);
        return welcome && agent.handle_handshake(*welcome).has_value();
    }

    SeededRandom random_{5};
    SigningKey key_ = SigningKey::generate(random_);
    SigningKey node_ = SigningKey::generate(random_);
    HubIdentity identity_{
        .key = key_, .links = {{.key = key_.public_key(), .signature = {}}}, .heartbeat_s = 10};
    HubTrust trust_{{key_.public_key().fingerprint()}};
    HubSession hub_{identity_, kNow, random_};
    AgentSession agent_{agent(), trust_, random_};
};

TEST_F(SessionTest, CarriesMessagesBothWaysAfterTheHandshake) {
    ASSERT_TRUE(shake_hands(hub_, agent_, node_.public_key()));
    EXPECT_TRUE(agent_.established());
    EXPECT_EQ(agent_.terms().heartbeat_s, 10);
    EXPECT_EQ(agent_.terms().hub_unix_s, kNow);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(hub_.open(agent_.seal("to the hub")), "to the hub");
        EXPECT_EQ(agent_.open(hub_.seal("to the \"agent\" \u00e4")), "to the \"agent\" \u00e4");
    }
}

TEST_F(SessionTest, TellsTheHubWhoClaimsToBeThere) {
    const auto claim = hub_.handle_authenticate(*agent_.handle_handshake(hub_.hello()));
    ASSERT_TRUE(claim.has_value());
    EXPECT_EQ(claim->node, "node-1");
    EXPECT_EQ(claim->certificate, "PEM");
}

TEST_F(SessionTest, LetsNoNodeSpeakForAnother) {
    const SigningKey other = SigningKey::generate(random_);
    const auto claim = hub_.handle_authenticate(*agent_.handle_handshake(hub_.hello()));
    ASSERT_TRUE(claim.has_value());
    EXPECT_EQ(hub_.accept(other.public_key()).error(), ChannelFault::kBadSignature);
    EXPECT_FALSE(hub_.established());
}

TEST_F(SessionTest, AgentLeavesAHubThatIsNotItsOwn) {
    const SigningKey stranger = SigningKey::generate(random_);
    const HubIdentity false_hub{.key = stranger,
                                .links = {{.key = key_.public_key(), .signature = {}},
                                          {.key = stranger.public_key(), .signature = {}}}};
    HubSession hub(false_hub, kNow, random_);
    ASSERT_TRUE(hub.handle_authenticate(*agent_.handle_handshake(hub.hello())).has_value());
    const auto welcome = hub.accept(node_.public_key());
    ASSERT_TRUE(welcome.has_value());
    EXPECT_EQ(agent_.handle_handshake(*welcome).error(), ChannelFault::kUntrustedHub);
    EXPECT_FALSE(agent_.established());
}

TEST_F(SessionTest, GivesUpWhereAProxyPutsItsOwnKeyInBetween) {
    // The proxy replaces the hub's ephemeral key by its own: the agent signs that one.
    json::value hello = json::parse(hub_.hello());
    HubSession proxy(identity_, kNow, random_);
    hello.at("hello").at("ephemeral") = json::parse(proxy.hello()).at("hello").at("ephemeral");
    const auto answer = agent_.handle_handshake(json::serialize(hello));
    ASSERT_TRUE(hub_.handle_authenticate(*answer).has_value());
    EXPECT_EQ(hub_.accept(node_.public_key()).error(), ChannelFault::kBadSignature);
}

TEST_F(SessionTest, TakesNoAnswerToAnEarlierChallenge) {
    const auto recorded = agent_.handle_handshake(hub_.hello());
    HubSession later(identity_, kNow, random_);
    ASSERT_TRUE(later.handle_authenticate(*recorded).has_value());
    EXPECT_EQ(later.accept(node_.public_key()).error(), ChannelFault::kBadSignature);
}

TEST_F(SessionTest, NoticesTheTimeChangedOnTheWay) {
    json::value hello = json::parse(hub_.hello());
    hello.at("hello").at("time") = kNow - 86'400;
    const auto answer = agent_.handle_handshake(json::serialize(hello));
    ASSERT_TRUE(hub_.handle_authenticate(*answer).has_value());
    const auto welcome = hub_.accept(node_.public_key());
    ASSERT_TRUE(welcome.has_value());
    EXPECT_EQ(agent_.handle_handshake(*welcome).error(), ChannelFault::kBadSignature);
}

TEST_F(SessionTest, SaysWhyTheHubRefuses) {
    ASSERT_TRUE(hub_.handle_authenticate(*agent_.handle_handshake(hub_.hello())).has_value());
    const auto end = agent_.handle_handshake(hub_.refuse("the certificate ran out", true));
    EXPECT_EQ(end.error(), ChannelFault::kRefused);
    EXPECT_EQ(agent_.refusal().reason, "the certificate ran out");
    EXPECT_TRUE(agent_.refusal().renew);
}

TEST_F(SessionTest, NoticesFramesThatWereChangedRepeatedOrReordered) {
    ASSERT_TRUE(shake_hands(hub_, agent_, node_.public_key()));
    const std::string first = agent_.seal("first");
    const std::string second = agent_.seal("second");
    EXPECT_EQ(hub_.open(second).error(), ChannelFault::kBadCounter);
    EXPECT_EQ(hub_.open(first), "first");
    EXPECT_EQ(hub_.open(first).error(), ChannelFault::kBadCounter);
    std::string changed = second;
    changed.replace(changed.find("second"), 6, "Second");
    EXPECT_EQ(hub_.open(changed).error(), ChannelFault::kBadTag);
    // Nor can what one side said be sent back to it.
    EXPECT_EQ(agent_.open(first).error(), ChannelFault::kBadTag);
    EXPECT_EQ(hub_.open("{}").error(), ChannelFault::kMalformed);
    EXPECT_EQ(hub_.open(std::string(kFrameBytesMax + 1, ' ')).error(), ChannelFault::kTooLong);
}

TEST_F(SessionTest, FollowsAHubThatChangedItsKeyWhileTheNodeWasAway) {
    const SigningKey next = SigningKey::generate(random_);
    const HubIdentity rotated{.key = next,
                              .links = {{.key = key_.public_key(), .signature = {}},
                                        link_hub_key(key_, next.public_key())}};
    HubSession hub(rotated, kNow, random_);
    ASSERT_TRUE(shake_hands(hub, agent_, node_.public_key()));
    EXPECT_TRUE(agent_.terms().learnt_keys);
    // The next time it names the new one.
    HubSession again(rotated, kNow, random_);
    AgentSession later(agent(), trust_, random_);
    ASSERT_TRUE(shake_hands(again, later, node_.public_key()));
    EXPECT_FALSE(later.terms().learnt_keys);
}

TEST_F(SessionTest, RefusesMessagesOutOfTheirTurn) {
    const auto answer = agent_.handle_handshake(hub_.hello());
    EXPECT_EQ(agent_.handle_handshake(hub_.hello()).error(), ChannelFault::kMalformed);
    ASSERT_TRUE(hub_.handle_authenticate(*answer).has_value());
    EXPECT_EQ(hub_.handle_authenticate(*answer).error(), ChannelFault::kUnexpected);
    HubSession fresh(identity_, kNow, random_);
    EXPECT_EQ(fresh.accept(node_.public_key()).error(), ChannelFault::kUnexpected);
    EXPECT_EQ(fresh.open("{}").error(), ChannelFault::kUnexpected);
}

TEST_F(SessionTest, SpeaksTheNewestVersionThatBothKnow) {
    struct Case {
        ProtocolRange hub;
        ProtocolRange agent;
        std::int64_t spoken = 0;
    };

    for (const Case& one : {Case{{1, 1}, {1, 1}, 1},
                            Case{{1, 2}, {1, 2}, 2},
                            Case{{1, 2}, {2, 3}, 2},
                            Case{{2, 3}, {1, 2}, 2},
                            Case{{1, 1}, {1, 2}, 1}}) {
        HubSession hub(identity_, kNow, random_, one.hub);
        AgentSession agent_session(agent(), trust_, random_, one.agent);
        EXPECT_TRUE(shake_hands(hub, agent_session, node_.public_key()));
        EXPECT_EQ(hub.protocol(), one.spoken);
        EXPECT_EQ(agent_session.protocol(), one.spoken);
    }
}

TEST_F(SessionTest, SaysWhereNoVersionIsInCommon) {
    const HubSession newer(identity_, kNow, random_, {.oldest = 2, .newest = 3});
    EXPECT_EQ(agent_.handle_handshake(newer.hello()).error(), ChannelFault::kProtocolUnknown);
    EXPECT_TRUE(agent_.protocol_sentence().contains("upgrade the agent"));
    AgentSession young(agent(), trust_, random_, {.oldest = 2, .newest = 3});
    EXPECT_EQ(young.handle_handshake(hub_.hello()).error(), ChannelFault::kProtocolUnknown);
    EXPECT_TRUE(young.protocol_sentence().contains("upgrade the hub"));
    EXPECT_EQ(hub_.handle_authenticate(R"({"authenticate":{"protocol":2}})").error(),
              ChannelFault::kProtocolUnknown);
}

TEST_F(SessionTest, IsNotTalkedIntoAnOlderVersion) {
    HubSession hub(identity_, kNow, random_, {.oldest = 1, .newest = 2});
    AgentSession agent_session(agent(), trust_, random_, {.oldest = 1, .newest = 2});
    json::value hello = json::parse(hub.hello());
    hello.at("hello").at("protocols") = json::array{1};
    const auto answer = agent_session.handle_handshake(json::serialize(hello));
    ASSERT_TRUE(hub.handle_authenticate(*answer).has_value());
    EXPECT_EQ(hub.accept(node_.public_key()).error(), ChannelFault::kBadSignature);
    // Nor by changing the answer.
    HubSession other(identity_, kNow, random_, {.oldest = 1, .newest = 2});
    AgentSession again(agent(), trust_, random_, {.oldest = 1, .newest = 2});
    json::value chosen = json::parse(*again.handle_handshake(other.hello()));
    chosen.at("authenticate").at("protocol") = 1;
    ASSERT_TRUE(other.handle_authenticate(json::serialize(chosen)).has_value());
    EXPECT_EQ(other.accept(node_.public_key()).error(), ChannelFault::kBadSignature);
}

}  // namespace
}  // namespace isthmus::channel
