#include "signaling/api/maintenance_api.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace isthmus::signaling::api {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kSecret = "a secret of more than 32 characters";

class MaintenanceApiTest : public testing::Test {
  protected:
    MaintenanceApiTest() {
        add_maintenance_routes(
            router_,
            {.keys = {{"key", kSecret}},
             .now_unix_s = [] { return kNow; },
             .report = [this] { return report_; },
             .change = [this](const MaintenanceChange& change) { changes_.push_back(change); }});
    }

    http::Response call(const std::string& method,
                        std::string body,
                        const access::VideoGrant& video) {
        http::Request request;
        request.method = method;
        request.path = "/api/v1/maintenance";
        request.body = std::move(body);
        request.headers.emplace("Authorization",
                                "Bearer " + access::sign_token({.issuer = "key",
                                                                .identity = "admin",
                                                                .name = {},
                                                                .metadata = {},
                                                                .not_before_unix_s = 0,
                                                                .expires_unix_s = kNow + 60,
                                                                .video = video},
                                                               kSecret));
        std::optional<http::Response> answer;
        router_.dispatch(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
        return answer.value();
    }

    http::Response put(std::string body) { return call("PUT", std::move(body), admin_); }

    const access::VideoGrant admin_{.room = "", .room_admin = true, .room_create = true};
    http::Router router_;
    MaintenanceReport report_{.mode = "off", .conferences = 0, .participants = 0};
    std::vector<MaintenanceChange> changes_;
};

TEST_F(MaintenanceApiTest, SaysWhatThereIs) {
    report_ = {
        .mode = "pending", .conferences = 2, .participants = 5, .ends_at_unix_s = 1'700'000'000};
    const http::Response response = call("GET", "", admin_);
    ASSERT_EQ(response.status, 200U) << response.body;
    EXPECT_EQ(boost::json::parse(response.body),
              boost::json::parse(R"({"mode": "pending", "conferences": 2, "participants": 5,
                                     "ends_at": "2023-11-14T22:13:20.000Z"})"));
    report_.ends_at_unix_s.reset();
    EXPECT_TRUE(boost::json::parse(call("GET", "", admin_).body).at("ends_at").is_null());
}

TEST_F(MaintenanceApiTest, SwitchesOnAndOff) {
    EXPECT_EQ(put(R"({"mode": "on"})").status, 200U);
    EXPECT_EQ(put(R"({"mode": "pending", "deadline_s": 60})").status, 200U);
    EXPECT_EQ(put(R"({"mode": "off"})").status, 200U);
    EXPECT_EQ(put(R"({"mode": "on", "deadline_s": 0})").status, 200U);
    ASSERT_EQ(changes_.size(), 4U);
    EXPECT_TRUE(changes_[0].on);
    EXPECT_FALSE(changes_[0].deadline);
    EXPECT_TRUE(changes_[1].on);
    EXPECT_EQ(changes_[1].deadline, Duration(seconds(60)));
    EXPECT_FALSE(changes_[2].on);
    EXPECT_EQ(changes_[3].deadline, Duration::zero());
}

TEST_F(MaintenanceApiTest, RefusesWhatItDoesNotKnow) {
    for (const char* const body : {"",
                                   "{}",
                                   "[]",
                                   "on",
                                   R"({"mode": "later"})",
                                   R"({"mode": true})",
                                   R"({"mode": "on", "deadline": 60})",
                                   R"({"mode": "on", "deadline_s": -1})",
                                   R"({"mode": "on", "deadline_s": 1.5})",
                                   R"({"mode": "on", "deadline_s": 604801})",
                                   R"({"mode": "on", "deadline_s": 1e300})",
                                   R"({"mode": "on", "deadline_s": "60"})"}) {
        EXPECT_EQ(put(body).status, 400U) << body;
    }
    EXPECT_TRUE(changes_.empty());
}

TEST_F(MaintenanceApiTest, IsForWhoeverOperatesTheNodeOnly) {
    for (const access::VideoGrant& less :
         {access::VideoGrant{.room = "demo", .room_join = true},
          access::VideoGrant{.room = "demo", .room_admin = true, .room_create = true},
          access::VideoGrant{.room = "", .room_admin = true},
          access::VideoGrant{.room = "", .room_create = true},
          access::VideoGrant{.room = "", .room_list = true}}) {
        EXPECT_EQ(call("PUT", R"({"mode": "on"})", less).status, 403U);
        EXPECT_EQ(call("GET", "", less).status, 403U);
    }
    EXPECT_TRUE(changes_.empty());
}

}  // namespace
}  // namespace isthmus::signaling::api
