// Against the node's API as it is on the wire, answered by the test.
#include "tools/agent/node_drain.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/base/http/server_fixture.h"
#include "tests/control-agent/event_loop.h"
#include "tests/temporary_folder.h"

namespace isthmus::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;
namespace json = boost::json;

// Maintenance as the node keeps it; ends its meetings when it was asked `meetings_end_after` times.
class ScriptedNode {
  public:
    ScriptedNode() {
        server_ = std::make_unique<http::RunningServer>(
            http::loopback_config(), [this](http::Router& router) {
                router.add(
                    "GET", "/healthz", [this](const http::Request&, http::Responder respond) {
                        respond(http::Response::text(healthy ? 200 : 503, "\n"));
                    });
                router.add("GET",
                           "/api/v1/maintenance",
                           [this](const http::Request&, http::Responder respond) {
                               if (mode == "pending" && ++asked_ >= meetings_end_after) {
                                   mode = "on";
                               }
                               answer(respond);
                           });
                router.add("PUT",
                           "/api/v1/maintenance",
                           [this](const http::Request& request, http::Responder respond) {
                               puts.push_back(request.body);
                               const json::value body = json::parse(request.body);
                               if (!refuses) {
                                   const bool off = body.at("mode") == json::value("off");
                                   mode = off ? "off" : meetings_end_after == 0 ? "on" : "pending";
                               }
                               answer(respond);
                           });
            });
    }

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(server_->port());
    }

    // The members below are the server's thread's.
    void change(std::move_only_function<void()> what) { server_->on_server(std::move(what)); }

    void end() { server_.reset(); }

    [[nodiscard]] std::string mode_now() {
        std::string now;
        change([&] { now = mode; });
        return now;
    }

    [[nodiscard]] std::vector<std::string> puts_until_now() {
        std::vector<std::string> now;
        change([&] { now = puts; });
        return now;
    }

    std::string mode = "off";
    int meetings_end_after = 2;
    bool healthy = true;
    bool refuses = false;
    std::vector<std::string> puts;

  private:
    void answer(http::Responder& respond) const {
        if (refuses) {
            respond(http::Response::problem(401, "no"));
            return;
        }
        respond(http::Response::json(
            200,
            json::serialize(json::object{
                {"mode", mode}, {"conferences", 2}, {"participants", 5}, {"ends_at", "then"}})));
    }

    int asked_ = 0;
    std::unique_ptr<http::RunningServer> server_;
};

class NodeDrainTest : public testing::Test {
  protected:
    NodeDrainTest() { start(); }

    // As after a restart of the agent.
    void start() {
        drain_.reset();
        api_ = NodeApi::make(loop_.io(), node_.url(), folder_.path() / "none").value();
        drain_.emplace(loop_.io(),
                       *api_,
                       NodeDrainConfig{.note = note_, .ask_every = Duration(1), .grace = {}});
    }

    void begin(Duration deadline = std::chrono::hours(1)) {
        ended_.reset();
        drain_->begin(
            deadline,
            [this](const std::string& what) { told_.push_back(what); },
            [this](Result<void> result) { ended_ = std::move(result); });
    }

    Result<void> drain(Duration deadline = std::chrono::hours(1)) {
        begin(deadline);
        EXPECT_TRUE(loop_.run_until([&] { return ended_.has_value(); }));
        return *ended_;
    }

    Result<void> reopen(Duration within = {}) {
        return loop_.finish([&](auto answer) { drain_->reopen(within, std::move(answer)); });
    }

    ScriptedNode node_;
    EventLoop loop_;
    TemporaryFolder folder_;
    fs::path note_ = folder_.path() / "state" / "drained";
    std::unique_ptr<NodeApi> api_;
    std::optional<NodeDrain> drain_;
    std::vector<std::string> told_;
    std::optional<Result<void>> ended_;
};

TEST_F(NodeDrainTest, WaitsForMeetingsAndPutsTheNodeBack) {
    node_.change([this] { node_.meetings_end_after = 5; });
    ASSERT_TRUE(drain(std::chrono::seconds(90)));
    EXPECT_THAT(told_, ElementsAre("waiting for 2 meetings with 5 people; at then they are ended"));
    ASSERT_TRUE(reopen());
    EXPECT_THAT(node_.puts_until_now(),
                ElementsAre(R"({"mode":"on","deadline_s":90})", R"({"mode":"off"})"));
    EXPECT_FALSE(fs::exists(note_));
    ASSERT_TRUE(reopen()) << "nothing is to be done";
    EXPECT_EQ(node_.puts_until_now().size(), 2U);
}

TEST_F(NodeDrainTest, TakesNoTimeWhereNobodyIsThere) {
    node_.change([this] { node_.meetings_end_after = 0; });
    ASSERT_TRUE(drain());
    EXPECT_THAT(told_, IsEmpty());
}

TEST_F(NodeDrainTest, LeavesAnAdministratorsMaintenanceAlone) {
    node_.change([this] { node_.mode = "pending"; });
    ASSERT_TRUE(drain());
    ASSERT_TRUE(reopen());
    EXPECT_THAT(node_.puts_until_now(), IsEmpty());
    EXPECT_EQ(node_.mode_now(), "on");
}

TEST_F(NodeDrainTest, LeavesWhatBecameAnAdministrators) {
    ASSERT_TRUE(drain());
    drain_->disown();
    ASSERT_TRUE(reopen());
    EXPECT_EQ(node_.mode_now(), "on");
}

TEST_F(NodeDrainTest, PutsTheNodeBackAfterARestartOfTheAgent) {
    ASSERT_TRUE(drain());
    start();
    ASSERT_TRUE(reopen());
    EXPECT_EQ(node_.mode_now(), "off");
}

TEST_F(NodeDrainTest, StopsWhereMaintenanceIsSwitchedOff) {
    node_.change([this] { node_.meetings_end_after = 1'000'000; });
    begin();
    ASSERT_TRUE(loop_.run_until([&] { return !told_.empty(); }));
    node_.change([this] { node_.mode = "off"; });
    ASSERT_TRUE(loop_.run_until([&] { return ended_.has_value(); }));
    EXPECT_THAT(ended_->error().message, HasSubstr("switched off"));
    EXPECT_FALSE(fs::exists(note_));
}

TEST_F(NodeDrainTest, GivesUpWhereSomethingElseIsWanted) {
    node_.change([this] { node_.meetings_end_after = 1'000'000; });
    drain_->cancel("nothing is under way");
    begin();
    ASSERT_TRUE(loop_.run_until([&] { return !told_.empty(); }));
    drain_->cancel("version 8 came");
    EXPECT_FALSE(ended_) << "never from within";
    ASSERT_TRUE(loop_.run_until([&] { return ended_.has_value(); }));
    EXPECT_EQ(ended_->error().message, "version 8 came");
    ASSERT_TRUE(reopen());
    EXPECT_EQ(node_.mode_now(), "off");
}

TEST_F(NodeDrainTest, DoesNotWaitForANodeThatIsDown) {
    node_.end();
    EXPECT_TRUE(drain());
}

TEST_F(NodeDrainTest, EndsNoMeetingOfANodeThatDoesNotSay) {
    node_.change([this] { node_.refuses = true; });
    const auto end = drain();
    ASSERT_FALSE(end);
    EXPECT_THAT(end.error().message, HasSubstr("--now"));
}

TEST_F(NodeDrainTest, DoesNotWaitForEverWhereTheNodeMissesItsDeadline) {
    node_.change([this] { node_.meetings_end_after = 1'000'000; });
    EXPECT_TRUE(drain(Duration(1)));
}

TEST_F(NodeDrainTest, KeepsItsNoteWhereTheNodeCannotBePutBack) {
    ASSERT_TRUE(drain());
    node_.change([this] { node_.refuses = true; });
    EXPECT_FALSE(reopen());
    EXPECT_TRUE(fs::exists(note_));
    node_.change([this] { node_.refuses = false; });
    EXPECT_TRUE(reopen());
    EXPECT_EQ(node_.mode_now(), "off");
}

}  // namespace
}  // namespace isthmus::agent
