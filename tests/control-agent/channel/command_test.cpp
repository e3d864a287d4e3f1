#include "control-agent/channel/command.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/base64url.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNow = 1'800'000'000;

class CommandTest : public ::testing::Test {
  protected:
    CommandTest() { trust_.remember(hub_.public_key()); }

    [[nodiscard]] Command command(std::uint64_t sequence) const {
        return {.node = "node-1",
                .sequence = sequence,
                .expires_unix_s = kNow + 60,
                .id = "c1",
                .method = "maintenance.set",
                .params = {{"mode", "on"}}};
    }

    CommandFault fault_of(const json::value& params, std::int64_t now = kNow) {
        const auto admitted = gate_.admit(now, params);
        EXPECT_FALSE(admitted.has_value());
        return admitted ? CommandFault::kMalformed : admitted.error();
    }

    SeededRandom random_{4};
    SigningKey hub_ = SigningKey::generate(random_);
    HubTrust trust_{{hub_.public_key().fingerprint()}};
    CommandGate gate_{trust_, "node-1", 10};
};

TEST_F(CommandTest, LetsTheHubsCommandThroughOnce) {
    const json::value params = sign_command(hub_, command(11));
    const auto admitted = gate_.admit(kNow, params);
    ASSERT_TRUE(admitted.has_value());
    EXPECT_EQ(admitted->method, "maintenance.set");
    EXPECT_EQ(admitted->params.at("mode"), json::value("on"));
    EXPECT_EQ(gate_.last_sequence(), 11U);
    EXPECT_EQ(fault_of(params), CommandFault::kReplayed);
}

TEST_F(CommandTest, TakesNoOlderOneAfterANewerOne) {
    EXPECT_TRUE(gate_.admit(kNow, sign_command(hub_, command(15))).has_value());
    EXPECT_EQ(fault_of(sign_command(hub_, command(14))), CommandFault::kReplayed);
    EXPECT_EQ(fault_of(sign_command(hub_, command(15))), CommandFault::kReplayed);
    EXPECT_TRUE(gate_.admit(kNow, sign_command(hub_, command(16))).has_value());
}

TEST_F(CommandTest, RefusesCommandsForAnotherNode) {
    Command other = command(11);
    other.node = "node-2";
    EXPECT_EQ(fault_of(sign_command(hub_, other)), CommandFault::kOtherNode);
    EXPECT_EQ(gate_.last_sequence(), 10U);
}

TEST_F(CommandTest, RefusesForgedOnes) {
    const SigningKey stranger = SigningKey::generate(random_);
    EXPECT_EQ(fault_of(sign_command(stranger, command(11))), CommandFault::kUnknownKey);

    json::object borrowed = sign_command(stranger, command(11));
    borrowed["key"] = hub_.public_key().id();
    EXPECT_EQ(fault_of(borrowed), CommandFault::kBadSignature);

    json::object changed = sign_command(hub_, command(11));
    std::string payload(changed["payload"].as_string());
    payload.replace(payload.find("\"on\""), 4, "\"no\"");
    changed["payload"] = payload;
    EXPECT_EQ(fault_of(changed), CommandFault::kBadSignature);

    EXPECT_EQ(fault_of(json::value(5)), CommandFault::kMalformed);
    EXPECT_EQ(gate_.last_sequence(), 10U);
}

TEST_F(CommandTest, JudgesTheEndByTheHubsClock) {
    EXPECT_EQ(fault_of(sign_command(hub_, command(11)), kNow + 61), CommandFault::kExpired);
    // Our clock is an hour ahead, and we know it from the handshake.
    gate_.set_clock_offset(-3600);
    EXPECT_TRUE(gate_.admit(kNow + 3600, sign_command(hub_, command(12))).has_value());
    // An hour behind: what is long over does not come back.
    gate_.set_clock_offset(3600);
    EXPECT_EQ(fault_of(sign_command(hub_, command(13)), kNow - 3600 + 61), CommandFault::kExpired);
}

TEST_F(CommandTest, TakesTheNewKeyOfAHubThatChangedIt) {
    const SigningKey next = SigningKey::generate(random_);
    EXPECT_EQ(fault_of(sign_command(next, command(11))), CommandFault::kUnknownKey);
    const std::vector<HubKeyLink> links = {{.key = hub_.public_key(), .signature = {}},
                                           link_hub_key(hub_, next.public_key())};
    EXPECT_TRUE(trust_.learn(links));
    EXPECT_TRUE(gate_.admit(kNow, sign_command(next, command(11))).has_value());
}

}  // namespace
}  // namespace isthmus::channel
