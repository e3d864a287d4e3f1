// Maintenance mode on a node with scripted media. Timers run in real time, with deadlines of 0.
#include "tools/node/maintenance_service.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/signaling/scripted_switchboard.h"
#include "tests/temporary_folder.h"

namespace isthmus::node {
namespace {

using signaling::maintenance::Mode;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

class MaintenanceServiceTest : public testing::Test {
  protected:
    MaintenanceServiceTest() { restart(); }

    void restart() {
        router_ = http::Router();
        service_.emplace(io_, state_.path().string(), switchboard_, rooms_);
        service_->add_routes(router_, {{"key", kSecret}});
    }

    boost::json::value put(const std::string& body) {
        http::Request request;
        request.method = "PUT";
        request.path = "/api/v1/maintenance";
        request.body = body;
        request.headers.emplace(
            "Authorization",
            "Bearer " + signaling::access::sign_token(
                            {.issuer = "key",
                             .identity = "admin",
                             .name = {},
                             .metadata = {},
                             .not_before_unix_s = 0,
                             .expires_unix_s = 4'000'000'000,
                             .video = {.room = "", .room_admin = true, .room_create = true}},
                            kSecret));
        std::optional<http::Response> answer;
        router_.dispatch(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
        EXPECT_EQ(answer.value().status, 200U) << answer->body;
        return boost::json::parse(answer->body);
    }

    void add_conference(const std::string& name) {
        switchboard_.conferences.emplace_back().name = name;
    }

    isthmus::TemporaryFolder state_;
    boost::asio::io_context io_;
    signaling::ScriptedSwitchboard switchboard_;
    SeededRandom random_{1};
    signaling::livekit::Rooms rooms_{
        {.keys = {}, .room = {}, .ice_servers = {}, .tell = {}}, switchboard_, random_, [] {
            return std::int64_t{0};
        }};
    http::Router router_;
    std::optional<MaintenanceService> service_;
};

TEST_F(MaintenanceServiceTest, IsOnWhenTheLastConferenceHasGone) {
    add_conference("demo");
    const boost::json::value pending = put(R"({"mode": "on"})");
    EXPECT_EQ(pending.at("mode"), "pending");
    EXPECT_EQ(pending.at("conferences"), 1);
    EXPECT_TRUE(pending.at("ends_at").is_string());
    EXPECT_FALSE(switchboard_.admitting);
    EXPECT_EQ(service_->mode(), Mode::kPending);
    switchboard_.conferences.clear();
    service_->on_connection_gone();
    EXPECT_EQ(service_->mode(), Mode::kOn);
    EXPECT_EQ(put(R"({"mode": "off"})").at("mode"), "off");
    EXPECT_TRUE(switchboard_.admitting);
}

TEST_F(MaintenanceServiceTest, EndsWhatRunsAtTheDeadline) {
    add_conference("one");
    add_conference("two");
    put(R"({"mode": "on", "deadline_s": 0})");
    switchboard_.answer_all();
    switchboard_.answer_all();
    EXPECT_EQ(switchboard_.removals, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(service_->conferences_ended(), 2U);
}

TEST_F(MaintenanceServiceTest, WakesForTheDeadline) {
    add_conference("demo");
    put(R"({"mode": "on", "deadline_s": 1})");
    EXPECT_EQ(service_->conferences_ended(), 0U);
    io_.run_one_for(std::chrono::seconds(10));
    EXPECT_EQ(service_->conferences_ended(), 1U);
}

TEST_F(MaintenanceServiceTest, OutlivesARestart) {
    put(R"({"mode": "on"})");
    switchboard_.admitting = true;  // a new process
    restart();
    EXPECT_FALSE(switchboard_.admitting);
    EXPECT_EQ(service_->mode(), Mode::kOn);
    put(R"({"mode": "off"})");
    restart();
    EXPECT_EQ(service_->mode(), Mode::kOff);
    EXPECT_TRUE(switchboard_.admitting);
}

TEST_F(MaintenanceServiceTest, GoesOnWhereItsSwitchCannotBeKept) {
    service_.emplace(io_, "/proc/no-such-directory", switchboard_, rooms_);
    router_ = http::Router();
    service_->add_routes(router_, {{"key", kSecret}});
    EXPECT_EQ(put(R"({"mode": "on"})").at("mode"), "on");
    EXPECT_EQ(put(R"({"mode": "off"})").at("mode"), "off");
}

}  // namespace
}  // namespace isthmus::node
