// Two hubs on one PostgreSQL.
#include <filesystem>

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "control-agent/channel/enrollment.h"
#include "tests/tools/hub/hub_fixture.h"
#include "tests/tools/hub/postgresql_under_test.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

// Begins before the hubs, and ends after them.
struct SharedDatabase {
    PostgresqlUnderTest postgresql;
};

class TwoHubsTest : private SharedDatabase, public HubFixture {
  protected:
    TwoHubsTest() : HubFixture(postgresql.address()) {}

    void SetUp() override {
        if (database_.empty()) {
            GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
        }
        std::filesystem::create_directories(folder_.path() / "second");
        std::filesystem::copy(data_ / "master.key", folder_.path() / "second" / "master.key");
        HubOptions options;
        options.data = folder_.path() / "second";
        options.database = database_;
        options.listen = {{.ip = "127.0.0.1", .port = 0}};
        auto hub = Hub::start(io_, std::move(options));
        ASSERT_TRUE(hub.has_value()) << hub.error().message;
        second_ = std::move(*hub);
        EXPECT_TRUE(second_->first_administrator().name.empty());
    }

    void TearDown() override {
        client_.reset();
        second_.reset();
    }

    // Calls go to the second from now on.
    void ask_second() { url_ = second_->url(); }

    std::unique_ptr<Hub> second_;
};

TEST_F(TwoHubsTest, SendsACommandThatTheOtherTook) {
    const auto agent = connect_node("node");
    ask_second();
    const ApiReply queued = call("POST", "/v1/hybrid/nodes/node/ping");
    ASSERT_EQ(queued.status, 202U) << queued.text;
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    const std::string path =
        "/v1/hybrid/commands/" + std::string(queued.body.at("command").as_string());
    ASSERT_TRUE(
        run_until([&] { return call("GET", path).body.at("state") == json::value("succeeded"); }));
}

TEST_F(TwoHubsTest, CutsANodeThatTheOtherRevoked) {
    const auto agent = connect_node("node");
    ask_second();
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/revocation").status, 204U);
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
}

TEST_F(TwoHubsTest, FencesOffTheHubThatANodeLeft) {
    const auto agent = connect_node("node");
    // The node comes to the second, over a network that never told the first of its leaving.
    ScriptedIdentity identity = agent->identity();
    identity.hub_url = second_->url();
    identity.ca_file = (folder_.path() / "second" / "ca.crt").string();
    ScriptedAgent moved(io_, random_, identity);
    moved.connect();
    ASSERT_TRUE(run_until([&] { return moved.established(); })) << moved.close_reason();
    const json::value push = {
        {"epoch", "e1"},
        {"entries", {{{"sequence", 1}, {"time_ms", 1}, {"kind", "usage"}, {"body", 1}}}}};
    // What still comes in on the old channel is not taken.
    EXPECT_FALSE(ask(*agent, "events.push", push).result.has_value());
    EXPECT_TRUE(ask(moved, "events.push", push).result.has_value());
    // Nor does the old channel give out commands.
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return moved.commands.size() == 1; }));
    EXPECT_TRUE(agent->commands.empty());
}

TEST_F(TwoHubsTest, LoadsTheKeysThatTheOtherChanged) {
    const auto fingerprint = [&] { return channel::read_code(make_code("hq"))->fingerprint; };
    const auto before = fingerprint();
    ask_second();
    ASSERT_EQ(call("POST", "/v1/keys", {{"kind", "signing"}}).status, 200U);
    url_ = hub_->url();
    ASSERT_TRUE(run_until([&] { return fingerprint() != before; }));
}

}  // namespace
}  // namespace isthmus::hub
