// Real connectors under a real supervisor: the example, and one that breaks the contract.
#include "control-agent/connectors/connector_host.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control-agent/supervisor/io/process_supervisor.h"
#include "tests/control-agent/event_loop.h"
#include "tests/temporary_folder.h"

namespace isthmus::connectors {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

// The hub, as far as connectors see it.
class AnsweringHub final : public HubCalls {
  public:
    explicit AnsweringHub(boost::asio::io_context& io) : io_(&io) {}

    void call(const std::string& connector,
              const std::string& method,
              json::value params,
              Answer answer) override {
        calls.push_back(connector + " " + method + " " + json::serialize(params));
        boost::asio::post(
            *io_, [answer = std::move(answer)]() mutable { answer(json::value{{"found", true}}); });
    }

    std::vector<std::string> calls;

  private:
    boost::asio::io_context* io_;
};

class ConnectorHostTest : public testing::Test {
  protected:
    ConnectorHostTest() {
        supervisor_ = std::move(supervisor::ProcessSupervisor::make(
                                    loop_.io(), {.directory = folder_.path() / "programs"}, random_)
                                    .value());
        make_package("example",
                     "tools/connectors/example/manifest.json",
                     ISTHMUS_EXAMPLE_CONNECTOR,
                     "isthmus-connector-example");
    }

    void TearDown() override {
        bool ended = false;
        supervisor_->detach([&](const Result<void>&) { ended = true; });
        EXPECT_TRUE(run_until([&] { return ended; }));
    }

    void begin(ConnectorLimits limits = {}) {
        auto host = ConnectorHost::start(
            loop_.io(),
            {.socket_path = (folder_.path() / "agent.sock").string(),
             .limits = limits,
             .restart = {.first_wait = milliseconds(1), .longest_wait = milliseconds(5)}},
            *supervisor_,
            random_,
            hub_,
            [this](ConnectorEvent event) { events_.push_back(std::move(event)); });
        ASSERT_TRUE(host) << host.error().message;
        host_ = std::move(*host);
    }

    void make_package(const std::string& name,
                      const std::string& manifest,
                      const std::string& program,
                      const std::string& as) const {
        const fs::path package = folder_.path() / name;
        fs::create_directories(package);
        fs::copy_file(manifest, package / "manifest.json");
        fs::copy_file(program, package / as);
    }

    void make_hostile(const std::string& how) const {
        const fs::path package = folder_.path() / how;
        fs::create_directories(package);
        fs::copy_file(ISTHMUS_HOSTILE_CONNECTOR, package / "hostile");
        std::ofstream(package / "manifest.json")
            << R"({"name":"hostile","version":"1","contract":1,"program":"hostile",)"
            << R"("configuration":{},"arguments":[")" << how << R"("]})";
    }

    template <typename Condition>
    bool run_until(Condition condition) {
        return loop_.run_until(std::move(condition));
    }

    template <typename Call>
    Result<void> finish(Call call) {
        return loop_.finish(std::move(call));
    }

    Result<void> activate(const std::string& name, json::value configuration) {
        return finish([&](auto answer) {
            host_->activate((folder_.path() / name).string(),
                            {.version = 1, .value = std::move(configuration)},
                            std::move(answer));
        });
    }

    Result<void> configure(std::uint64_t version, json::value configuration) {
        return finish([&](auto answer) {
            host_->configure("example",
                             {.version = version, .value = std::move(configuration)},
                             std::move(answer));
        });
    }

    [[nodiscard]] ConnectorStatus status() const { return host_->status().at(0); }

    bool emitted(const std::string& kind, std::ptrdiff_t times = 1) {
        return run_until(
            [&] { return std::ranges::count(events_, kind, &ConnectorEvent::kind) >= times; });
    }

    // That kind's sentence.
    std::string detail_of(const std::string& kind) {
        const auto found = std::ranges::find(events_, kind, &ConnectorEvent::kind);
        return found == events_.end() ? "" : std::string(found->body.at("detail").as_string());
    }

    TemporaryFolder folder_;
    EventLoop loop_;
    SystemRandom random_;
    AnsweringHub hub_{loop_.io()};
    std::unique_ptr<supervisor::ProcessSupervisor> supervisor_;
    std::unique_ptr<ConnectorHost> host_;
    std::vector<ConnectorEvent> events_;
};

TEST_F(ConnectorHostTest, RunsTheExample) {
    begin();
    ASSERT_TRUE(activate("example", {{"greeting", "hello"}, {"count_to", 2}}));
    EXPECT_EQ(host_->status().size(), 1U);
    EXPECT_EQ(status().name, "example");
    EXPECT_EQ(status().version, "1.0.0");
    EXPECT_EQ(status().health, ConnectorHealth::kOperational);
    EXPECT_EQ(status().configuration, 1U);
    EXPECT_TRUE(emitted("example.counted", 2));
    EXPECT_EQ(events_.at(1).body, (json::value{{"number", 2}}));
    EXPECT_EQ(events_.at(1).connector, "example");
    EXPECT_TRUE(run_until([&] { return !hub_.calls.empty() && status().detail == "hello"; }));
    EXPECT_TRUE(run_until([&] { return hub_.calls.size() == 2; }));
    EXPECT_THAT(hub_.calls,
                ElementsAre(R"(example state.put {"key":"counted","value":2})",
                            R"(example state.get {"key":"counted"})"));
    EXPECT_EQ(status().refused, 0U);
    EXPECT_TRUE(finish([&](auto answer) { host_->deactivate("example", std::move(answer)); }));
    EXPECT_TRUE(host_->status().empty());
    // Somebody starts what was its program: nobody speaks with that.
    EXPECT_TRUE(
        finish([&](auto answer) { supervisor_->restart("connector-example", std::move(answer)); }));
    EXPECT_TRUE(
        run_until([&] { return supervisor_->status("connector-example")->unexpected_ends > 0; }));
    // And it can be activated again.
    EXPECT_TRUE(activate("example", {{"greeting", "hello again"}, {"count_to", 0}}));
}

TEST_F(ConnectorHostTest, BlamesNobodyForTheAgentsEnd) {
    begin();
    ASSERT_TRUE(activate("example", {{"greeting", "hello"}, {"count_to", 0}}));
    events_.clear();
    host_->expect_end();
    bool ended = false;
    supervisor_->detach([&](const Result<void>&) { ended = true; });
    EXPECT_TRUE(run_until([&] { return ended; }));
    EXPECT_TRUE(events_.empty());
}

TEST_F(ConnectorHostTest, GoesBackToTheConfigurationThatItHad) {
    begin();
    ASSERT_TRUE(activate("example", {{"greeting", "hello"}, {"count_to", 0}}));
    EXPECT_TRUE(configure(2, {{"greeting", "good day"}, {"count_to", 0}}));
    EXPECT_EQ(status().configuration, 2U);
    // By the schema, without asking the connector; then by the connector itself.
    EXPECT_THAT(configure(3, {{"greeting", 7}}).error().message, HasSubstr("greeting"));
    EXPECT_THAT(configure(4, {{"greeting", "refuse me"}}).error().message, HasSubstr("rude"));
    EXPECT_EQ(status().configuration, 2U);
    // After a crash it is given the last good one.
    events_.clear();
    const int before = supervisor_->status("connector-example")->pid;
    supervisor_->kill("connector-example");
    ASSERT_TRUE(run_until([&] {
        return supervisor_->status("connector-example")->pid != before &&
               status().detail == "good day";
    }));
    EXPECT_EQ(status().health, ConnectorHealth::kOperational);
    EXPECT_EQ(status().configuration, 2U);
}

TEST_F(ConnectorHostTest, RefusesWhatCannotBeActivated) {
    begin();
    EXPECT_EQ(activate("nothing-here", json::object()).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(activate("example", json::object()).error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(host_->status().empty());
    ASSERT_TRUE(activate("example", {{"greeting", "hello"}}));
    EXPECT_EQ(activate("example", {{"greeting", "hello"}}).error().code, ErrorCode::kConflict);
    EXPECT_EQ(configure(2, json::array()).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(
        finish([&](auto answer) { host_->deactivate("other", std::move(answer)); }).error().code,
        ErrorCode::kNotFound);
}

TEST_F(ConnectorHostTest, SaysWhyAConnectorDoesNotStart) {
    begin();
    fs::remove(folder_.path() / "example/isthmus-connector-example");
    const auto failed = activate("example", {{"greeting", "hello"}});
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, HasSubstr("No such file"));
    EXPECT_EQ(status().health, ConnectorHealth::kOutage);
}

TEST_F(ConnectorHostTest, TurnsStrangersAway) {
    begin();
    boost::asio::local::stream_protocol::socket stranger(loop_.io());
    stranger.connect({(folder_.path() / "agent.sock").string()});
    EXPECT_TRUE(emitted("connector.stranger"));
    char byte = 0;
    boost::system::error_code error;
    stranger.read_some(boost::asio::buffer(&byte, 1), error);
    EXPECT_EQ(error, boost::asio::error::eof);
}

TEST_F(ConnectorHostTest, ListensAloneAndAfterACrash) {
    begin();
    const auto second =
        ConnectorHost::start(loop_.io(),
                             {.socket_path = (folder_.path() / "agent.sock").string()},
                             *supervisor_,
                             random_,
                             hub_,
                             [](const ConnectorEvent&) {});
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("another agent"));
    host_.reset();
    std::ofstream(folder_.path() / "agent.sock") << "left behind";
    begin();
}

struct Hostility {
    const char* how;
    const char* sentence;

    friend std::ostream& operator<<(std::ostream& out, const Hostility& hostility) {
        return out << hostility.how;
    }
};

class HostileConnectorTest : public ConnectorHostTest,
                             public testing::WithParamInterface<Hostility> {};

TEST_P(HostileConnectorTest, IsCutOffReportedAndStartedAgain) {
    make_hostile(GetParam().how);
    begin({.connect_time = milliseconds(300), .answer_time = milliseconds(100)});
    host_->activate((folder_.path() / GetParam().how).string(),
                    {.version = 1, .value = json::object()},
                    [](const Result<void>&) {});
    EXPECT_TRUE(emitted("connector.refused", 2)) << "once for each start";
    EXPECT_THAT(detail_of("connector.refused"), HasSubstr(GetParam().sentence));
    EXPECT_GE(status().refused, 2U);
    EXPECT_GE(supervisor_->status("connector-hostile")->unexpected_ends, 1U);
    EXPECT_TRUE(hub_.calls.empty());
}

INSTANTIATE_TEST_SUITE_P(All,
                         HostileConnectorTest,
                         testing::Values(Hostility{"wrong-token", "token"},
                                         Hostility{"garbage", "no JSON-RPC"},
                                         Hostility{"long", "longer than"},
                                         Hostility{"flood", "messages a second"},
                                         Hostility{"twice", "connected twice"},
                                         Hostility{"never-connects", "did not connect"},
                                         Hostility{"child-connects", "did not connect"},
                                         Hostility{"no-answer", "does not answer"}),
                         [](const auto& hostility) {
                             std::string name = hostility.param.how;
                             std::erase(name, '-');
                             return name;
                         });

TEST_F(ConnectorHostTest, ReportsWhoeverAsksForTooMuch) {
    make_hostile("asks-too-much");
    begin();
    host_->activate((folder_.path() / "asks-too-much").string(),
                    {.version = 1, .value = json::object()},
                    [](const Result<void>&) {});
    EXPECT_TRUE(emitted("connector.denied"));
    EXPECT_THAT(detail_of("connector.denied"), HasSubstr("node.remove"));
    EXPECT_TRUE(hub_.calls.empty());
    EXPECT_EQ(status().refused, 1U);
    EXPECT_EQ(supervisor_->status("connector-hostile")->unexpected_ends, 0U);
}

}  // namespace
}  // namespace isthmus::connectors
