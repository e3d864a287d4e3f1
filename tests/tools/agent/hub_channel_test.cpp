// The agent's end of the channel against the real sessions of the other side, on loopback; what
// other releases would say is written into their frames.
#include "tools/agent/hub_channel.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/agent/scripted_hub.h"

namespace isthmus::agent {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace json = boost::json;

struct User final : HubChannelUser {
    void on_up(const channel::ChannelTerms& given) override {
        ++ups;
        terms = given;
    }

    void on_down(const std::string& /*why*/) override { ++downs; }

    void on_failed(const std::string& why, bool security) override {
        failures.push_back(why);
        security_failures += security ? 1 : 0;
    }

    void on_renewal_wanted(const std::string& why) override { renewal = why; }

    void on_request(channel::RpcRequest request) override {
        requests.push_back(std::move(request));
    }

    int ups = 0;
    int downs = 0;
    int security_failures = 0;
    std::optional<channel::ChannelTerms> terms;
    std::vector<std::string> failures;
    std::string renewal;
    std::vector<channel::RpcRequest> requests;
};

class HubChannelTest : public testing::Test {
  protected:
    void start(ScriptedHub::Change change = {},
               const channel::ProtocolRange& protocols = channel::kProtocols) {
        hub_.emplace(std::move(change), protocols);
        identity_.emplace(hub_->identity());
        connect();
    }

    void connect() {
        trust_.emplace(identity_->trust());
        HubChannelConfig config;
        config.back_off = {.first_span = std::chrono::milliseconds(2),
                           .longest_span = std::chrono::milliseconds(20)};
        channel_ = HubChannel::make(io_, random_, *identity_, *trust_, config, user_).value();
        channel_->start();
    }

    void run_until(const std::function<bool()>& there) {
        while (!there()) {
            io_.run_one();
        }
    }

    // Adds to, or changes, the members of the object that a frame is of: "hello", "welcome".
    static ScriptedHub::Change edit(int which, std::function<void(json::object&)> change) {
        return [which, change = std::move(change)](int frame, std::string text) {
            if (frame != which) {
                return text;
            }
            json::value value = json::parse(text);
            change(value.as_object().begin()->value().as_object());
            return json::serialize(value);
        };
    }

    boost::asio::io_context io_{1};
    SystemRandom random_;
    User user_;
    std::optional<ScriptedHub> hub_;
    std::optional<registration::NodeIdentity> identity_;
    std::optional<channel::HubTrust> trust_;
    std::unique_ptr<HubChannel> channel_;
};

TEST_F(HubChannelTest, CarriesCallsBothWays) {
    start();
    run_until([&] { return user_.ups == 1; });
    EXPECT_TRUE(channel_->up());
    EXPECT_EQ(user_.terms->heartbeat_s, 5);
    std::optional<std::string> answer;
    channel_->call("heartbeat",
                   json::object{{"state", "operational"}},
                   [&](const std::expected<json::value, channel::RpcError>& result) {
                       answer = result ? json::serialize(*result) : result.error().message;
                   });
    EXPECT_FALSE(answer);
    run_until([&] { return answer.has_value(); });
    EXPECT_EQ(*answer, R"({"echo":{"state":"operational"}})");

    hub_->send("command", json::object{{"payload", "x"}});
    run_until([&] { return !user_.requests.empty(); });
    EXPECT_EQ(user_.requests[0].method, "command");
    channel_->respond(*user_.requests[0].id, json::value(json::object{{"accepted", true}}));
    // A call behind it: when that is answered, the hub has heard both.
    answer.reset();
    channel_->call("next", nullptr, [&](const auto&) { answer = ""; });
    run_until([&] { return answer.has_value(); });
    EXPECT_THAT(hub_->heard(), Contains(R"(result {"accepted":true})"));
}

TEST_F(HubChannelTest, ConnectsAgainAndFailsWhatWasUnderWay) {
    start();
    run_until([&] { return user_.ups == 1; });
    hub_->hang_up();
    std::optional<int> code;
    channel_->call("lost", nullptr, [&](const std::expected<json::value, channel::RpcError>& end) {
        code = end ? 0 : end.error().code;
    });
    run_until([&] { return user_.ups == 2; });
    EXPECT_EQ(user_.downs, 1);
    // It may have been answered before the end.
    EXPECT_TRUE(code == channel::kRpcUnavailable || code == 0);
}

TEST_F(HubChannelTest, AnswersCallsThatHaveNoWay) {
    start();
    std::optional<int> code;
    channel_->call("early", nullptr, [&](const std::expected<json::value, channel::RpcError>& end) {
        code = end ? 0 : end.error().code;
    });
    EXPECT_FALSE(code) << "never from within";
    run_until([&] { return code.has_value(); });
    EXPECT_EQ(*code, channel::kRpcUnavailable);
}

TEST_F(HubChannelTest, TriesUntilTheHubIsThere) {
    start();
    run_until([&] { return user_.ups == 1; });
    hub_.reset();
    run_until([&] { return user_.failures.size() >= 3; });
    EXPECT_EQ(user_.downs, 1);
    EXPECT_EQ(user_.security_failures, 0);
}

// A hub of the next release: more versions, more fields.
TEST_F(HubChannelTest, UnderstandsANewerHub) {
    start(
        [](int /*frame*/, const std::string& text) {
            json::value value = json::parse(text);
            json::object& body = value.as_object().begin()->value().as_object();
            body["of_tomorrow"] = json::object{{"a", 1}};
            return json::serialize(value);
        },
        {.oldest = 1, .newest = 2});
    run_until([&] { return user_.ups == 1; });
    EXPECT_TRUE(user_.failures.empty());
    hub_->send("of.tomorrow", json::object{{"a", 1}});
    run_until([&] { return !user_.requests.empty(); });
    EXPECT_TRUE(channel_->up());
}

TEST_F(HubChannelTest, SaysThatAHubIsTooNew) {
    start({}, {.oldest = 2, .newest = 3});
    run_until([&] { return !user_.failures.empty(); });
    EXPECT_EQ(user_.ups, 0);
    EXPECT_EQ(user_.security_failures, 0);
    EXPECT_EQ(user_.failures[0],
              "the hub speaks versions [2,3] of the protocol, this agent 1; upgrade the agent");
}

TEST_F(HubChannelTest, IsNotTalkedIntoAnOlderVersion) {
    start(edit(0, [](json::object& hello) { hello["protocols"] = json::array{1}; }),
          {.oldest = 1, .newest = 2});
    run_until([&] { return !user_.failures.empty(); });
    EXPECT_EQ(user_.ups, 0);
    EXPECT_THAT(hub_->heard(), Contains("not welcome"));
}

TEST_F(HubChannelTest, KnowsItsHubFromAnother) {
    start();
    run_until([&] { return user_.ups == 1; });
    identity_->hub_fingerprints = {
        channel::SigningKey::generate(random_).public_key().fingerprint()};
    identity_->hub_keys.clear();
    connect();
    run_until([&] { return !user_.failures.empty(); });
    // The agent signs which hub it means: one with another key cannot even welcome it.
    EXPECT_THAT(hub_->heard(), Contains("not welcome"));
    EXPECT_EQ(user_.ups, 1);
    EXPECT_FALSE(channel_->up());
}

TEST_F(HubChannelTest, BelievesNoHandshakeThatWasChanged) {
    start(edit(0, [](json::object& hello) { hello["time"] = 1; }));
    run_until([&] { return !user_.failures.empty(); });
    EXPECT_EQ(user_.ups, 0);
    EXPECT_GE(user_.security_failures, 1);
}

TEST_F(HubChannelTest, RenewsWhereTheHubSaysSo) {
    start();
    hub_->refuse("the certificate ran out", true);
    run_until([&] { return !user_.renewal.empty(); });
    EXPECT_EQ(user_.renewal, "the certificate ran out");
    EXPECT_TRUE(user_.failures.empty());
}

TEST_F(HubChannelTest, DoesNotAskAHubThatSaysNoEveryMoment) {
    start();
    hub_->refuse("revoked", false);
    run_until([&] { return !user_.failures.empty(); });
    EXPECT_THAT(user_.failures[0], StartsWith("the hub refuses this node: revoked"));
    EXPECT_EQ(user_.security_failures, 0);
}

TEST(HubChannelUrl, IsTheHubsWithAnotherScheme) {
    EXPECT_EQ(channel_url("https://hub:8443"), "wss://hub:8443/v1/channel");
    EXPECT_EQ(channel_url("https://hub/"), "wss://hub/v1/channel");
}

}  // namespace
}  // namespace isthmus::agent
