// Certificates over months: a hub whose clock the test turns, and the agent's own renewal.
#include "control-agent/registration/renewal.h"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/http/base64url.h"
#include "control-agent/channel/certificate.h"
#include "tests/tools/hub/hub_fixture.h"
#include "tools/hub/fleet/keyring.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

using Clock = std::atomic<std::int64_t>;

constexpr std::int64_t kDayMs = 86'400'000;

// The test ends before today: TLS clients look at the machine's clock, and a certificate of
// tomorrow is none to them.
std::int64_t long_ago_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
               .count() -
           300 * kDayMs;
}

HubOptions options_with(const std::shared_ptr<Clock>& clock) {
    HubOptions options;
    options.unix_ms = [clock] { return clock->load(); };
    options.housekeeping_s = 1;
    return options;
}

class RenewalTest : public HubFixture {
  protected:
    RenewalTest() : RenewalTest(std::make_shared<Clock>(long_ago_ms())) {}

    void days_go_by(std::int64_t days) {
        clock_->fetch_add(days * kDayMs);
        log_in();
    }

    [[nodiscard]] std::int64_t now_s() const { return *clock_ / 1000; }

    // Whether it is let in.
    bool connects(ScriptedAgent& agent) {
        agent.disconnect();
        agent.connect();
        EXPECT_TRUE(run_until([&] { return agent.established() || agent.closed(); }));
        return agent.established();
    }

    bool renews_on_channel(ScriptedAgent& agent) {
        const auto key = agent.identity().key->public_key();
        const auto answer =
            ask(agent, "certificate.renew", {{"key", http::encode_base64url(key.bytes())}});
        if (answer.result) {
            agent.identity().certificate = answer.result->at("certificate").as_string();
        }
        return answer.result.has_value();
    }

    // As isthmus-agent does it when it is refused; empty, or why not.
    std::string renews_by_proof(ScriptedAgent& agent) {
        const ScriptedIdentity& scripted = agent.identity();
        registration::NodeIdentity identity{.hub_url = scripted.hub_url,
                                            .node = scripted.node,
                                            .certificate = scripted.certificate,
                                            .hub_fingerprints = agent.trust().fingerprints(),
                                            .key = *scripted.key,
                                            .sealing_key = *scripted.sealing_key};
        auto renewal = registration::Renewal::make(
            io_, random_, std::move(identity), {.authorities_file = ca_file()});
        EXPECT_TRUE(renewal.has_value());
        std::optional<std::string> why;
        (*renewal)->start(
            [&](std::expected<registration::NodeIdentity, registration::HubFault> renewed) {
                why = renewed ? std::string() : renewed.error().why;
                if (renewed) {
                    agent.identity().certificate = renewed->certificate;
                }
            });
        EXPECT_TRUE(run_until([&] { return why.has_value(); }));
        return why.value_or("no answer");
    }

    std::string authorities() { return call_as("", "GET", "/v1/ca").text; }

  private:
    explicit RenewalTest(std::shared_ptr<Clock> clock)
        : HubFixture({}, options_with(clock)), clock_(std::move(clock)) {}

    std::shared_ptr<Clock> clock_;
};

TEST_F(RenewalTest, HappensBeforeACertificateRunsOut) {
    const auto agent = connect_node("node");
    EXPECT_FALSE(registration::renewal_due(agent->identity().certificate, now_s()));
    days_go_by(59);
    EXPECT_FALSE(registration::renewal_due(agent->identity().certificate, now_s()));
    days_go_by(2);
    EXPECT_TRUE(registration::renewal_due(agent->identity().certificate, now_s()));
    ASSERT_TRUE(connects(*agent));
    const std::string old = agent->identity().certificate;
    ASSERT_TRUE(renews_on_channel(*agent));
    EXPECT_FALSE(registration::renewal_due(agent->identity().certificate, now_s()));
    days_go_by(40);
    EXPECT_TRUE(connects(*agent)) << agent->close_reason();
    agent->identity().certificate = old;
    EXPECT_FALSE(connects(*agent));
    EXPECT_TRUE(agent->wants_renewal());
}

TEST_F(RenewalTest, HappensByProofOfTheKeyAfterwards) {
    const auto agent = connect_node("node");
    days_go_by(200);
    EXPECT_FALSE(connects(*agent));
    EXPECT_TRUE(agent->wants_renewal()) << agent->close_reason();
    EXPECT_EQ(renews_by_proof(*agent), "");
    EXPECT_TRUE(connects(*agent)) << agent->close_reason();
}

TEST_F(RenewalTest, IsNotForWhoeverWasRevoked) {
    const auto agent = connect_node("node");
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/revocation").status, 204U);
    days_go_by(100);
    EXPECT_NE(renews_by_proof(*agent).find("revoked"), std::string::npos);
    EXPECT_FALSE(connects(*agent));
    EXPECT_FALSE(agent->wants_renewal());
}

TEST_F(RenewalTest, IsNotForAnotherKey) {
    const auto agent = connect_node("node");
    days_go_by(100);
    agent->identity().key = channel::SigningKey::generate(random_);
    EXPECT_NE(renews_by_proof(*agent), "");
    EXPECT_FALSE(connects(*agent));
    EXPECT_FALSE(agent->wants_renewal()) << "who proved nothing learns nothing";
}

TEST_F(RenewalTest, CarriesNodesOverToANewAuthority) {
    const auto here = connect_node("here");
    const auto away = connect_node("away");
    const std::string first = authorities();
    ASSERT_EQ(call("POST", "/v1/keys", {{"kind", "ca"}}).status, 200U);
    ASSERT_TRUE(run_until([&] { return authorities() != first; }));
    ASSERT_TRUE(authorities().contains(first)) << "both count for a while";

    // Within the overlap everybody comes in, and who renews has a certificate of the new one.
    days_go_by(61);
    ASSERT_TRUE(connects(*here));
    ASSERT_TRUE(renews_on_channel(*here));
    const std::array<std::string, 1> old = {first};
    EXPECT_FALSE(channel::check_certificate(here->identity().certificate, old));

    // After it the old one is gone, also from memory and from the HTTPS listener.
    days_go_by(kAuthorityOverlapDays - 61 + 1);
    ASSERT_TRUE(run_until([&] {
        make_client();
        return !authorities().contains(first);
    }));
    // A node that was away for all of it still has its key.
    EXPECT_FALSE(connects(*away));
    EXPECT_TRUE(away->wants_renewal()) << away->close_reason();
    EXPECT_EQ(renews_by_proof(*away), "");
    EXPECT_TRUE(connects(*away)) << away->close_reason();
    EXPECT_TRUE(connects(*here) || renews_by_proof(*here).empty());
}

}  // namespace
}  // namespace isthmus::hub
