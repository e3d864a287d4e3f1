// Two hubs on one PostgreSQL, with nothing between them.
#include <filesystem>
#include <fstream>
#include <string>

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "control-agent/channel/enrollment.h"
#include "tests/tools/hub/two_hubs_fixture.h"
#include "tools/hub/store/database.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

class TwoHubsTest : public TwoHubsFixture {};

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

// Its row is gone, so that nothing in the database says that there was one.
TEST_F(TwoHubsTest, CutsANodeThatTheOtherRemoved) {
    const auto agent = connect_node("node");
    const auto stays = connect_node("other");
    ask_second();
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 204U);
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    EXPECT_FALSE(stays->closed());
}

TEST_F(TwoHubsTest, FencesOffTheHubThatANodeLeft) {
    const auto agent = connect_node("node");
    const auto moved = move_to_second(*agent);
    const json::value push = {
        {"epoch", "e1"},
        {"entries", {{{"sequence", 1}, {"time_ms", 1}, {"kind", "usage"}, {"body", 1}}}}};
    // What still comes in on the old channel is not taken.
    EXPECT_FALSE(ask(*agent, "events.push", push).result.has_value());
    EXPECT_TRUE(ask(*moved, "events.push", push).result.has_value());
    // Nor does the old channel give out commands.
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return moved->commands.size() == 1; }));
    EXPECT_TRUE(agent->commands.empty());
}

TEST_F(TwoHubsTest, EndsTheChannelThatANodeLeft) {
    const auto agent = connect_node("node");
    const auto moved = move_to_second(*agent);
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    EXPECT_FALSE(moved->closed());
    EXPECT_EQ(call("GET", "/v1/hybrid/nodes/node").body.at("connected"), json::value(true));
}

TEST_F(TwoHubsTest, LoadsTheKeysThatTheOtherChanged) {
    const auto fingerprint = [&] { return channel::read_code(make_code("hq"))->fingerprint; };
    const auto before = fingerprint();
    ask_second();
    ASSERT_EQ(call("POST", "/v1/keys", {{"kind", "signing"}}).status, 200U);
    ask_first();
    ASSERT_TRUE(run_until([&] { return fingerprint() != before; }));
}

// The channel ended while the database was away, or before its claim was answered.
TEST_F(TwoHubsTest, GivesUpANodeWhoseChannelIsGone) {
    auto agent = connect_node("node");
    const std::string node = agent->identity().node;
    agent->disconnect();
    const auto connected = [&] {
        return call("GET", "/v1/hybrid/nodes/node").body.at("connected").as_bool();
    };
    ASSERT_TRUE(run_until([&] { return !connected(); }));
    std::ifstream name(data_ / "instance");
    std::string instance;
    std::getline(name, instance);
    auto database = Database::open(database_, [](std::move_only_function<void()> /*answer*/) {});
    ASSERT_TRUE(database.has_value());
    ASSERT_TRUE((*database)
                    ->run_now([&](Sql& sql) -> Result<void> {
                        sql.run("update nodes set home = ? where id = ?", {instance, node});
                        return {};
                    })
                    .has_value());
    EXPECT_TRUE(connected());
    EXPECT_TRUE(run_until([&] { return !connected(); }));
}

// One was copied from the other with all its files.
TEST_F(TwoHubsTest, StartsNoSecondOneOfTheSameName) {
    std::filesystem::create_directories(folder_.path() / "copy");
    for (const char* file : {"master.key", "instance"}) {
        std::filesystem::copy(data_ / file, folder_.path() / "copy" / file);
    }
    HubOptions options;
    options.data = folder_.path() / "copy";
    options.database = database_;
    options.listen = {{.ip = "127.0.0.1", .port = 0}};
    const auto hub = Hub::start(io_, std::move(options));
    ASSERT_FALSE(hub.has_value());
    EXPECT_TRUE(hub.error().message.contains("remove the file \"instance\""))
        << hub.error().message;
}

}  // namespace
}  // namespace isthmus::hub
