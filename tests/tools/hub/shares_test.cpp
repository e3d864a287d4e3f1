// A node that serves several organisations. What could cross, and does not:
//
//  1. a guest reads or changes the node, its configuration, commands, events, services, by any
//     endpoint, by the node's id or name                     GuestReachesNothingByAnyEndpoint
//  2. the node turns up in a guest's lists, or in its quota   GuestReachesNothingByAnyEndpoint
//  3. a guest sees the host's or another guest's usage        GuestSeesItsOwnUsageOnly
//  4. a guest sees load, alarms, versions, other guests       GuestSeesStateAndNothingElse
//  5. an offer shows more than which node and whose           OfferShowsLittleAndTouchesNobodyElse
//  6. somebody else accepts, sees or ends a share             OfferShowsLittleAndTouchesNobodyElse
//  7. a guest passes the node on                              GuestReachesNothingByAnyEndpoint
//  8. a share that ended goes on showing things               ShowsNothingAfterItsEnd
//  9. usage from before the share, or of a node that is not shared, is taken for the guest's
//                                                             GuestSeesItsOwnUsageOnly
// 10. people's names or addresses of one side stand in the other's audit log
//                                                             TellsBothLogsWithoutNamesOfPeople
// 11. a guest's own node of the same name is confused with it KeepsNodesOfOneNameApart
// 12. organisations can be found by guessing names            FindsGuestsByTheirIdOnly
#include "tools/hub/fleet/shares.h"

#include <map>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/api_under_test.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/fleet/nodes.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

class SharesTest : public ::testing::Test {
  protected:
    SharesTest() {
        api_.body_of(host_, "POST", "/v1/hybrid/clusters", {{"name", "host-cluster"}});
        node_ = api_.add_node(host_, "host-cluster", "cloud");
        const std::string path = "/v1/hybrid/nodes/" + node_;
        const auto service =
            api_.body_of(host_, "PUT", path + "/services/host-service", json::object());
        command_ = service.at("command").as_string();
        api_.body_of(host_,
                     "PUT",
                     path + "/configuration",
                     {{"programs", {{"connector", {{"host-configuration", 1}}}}}});
        claim();
    }

    // The node connects, and reports.
    void claim() {
        EXPECT_TRUE(
            api_.run(nullptr,
                     [&](const Context& context) -> Result<void> {
                         fence_ = *claim_node(context, node_, "hub-1");
                         const json::value report = {
                             {"state", "operational"},
                             {"versions", {{"node", "9.9.9-host"}}},
                             {"load", {{"participants", 4711}}},
                             {"alarms",
                              json::array{
                                  {{"id", "a"}, {"severity", "warning"}, {"title", "host-alarm"}}}},
                             {"services", json::array()}};
                         EXPECT_TRUE(note_report(context,
                                                 fence_,
                                                 {.status = json::serialize(report),
                                                  .configuration_version = 1,
                                                  .configuration_state = "applied"}));
                         return {};
                     })
                .has_value());
    }

    void push(const std::string& kind, const json::value& body) {
        const auto events = read_events({{"epoch", "e"},
                                         {"entries",
                                          json::array{{{"sequence", ++sequence_},
                                                       {"time_ms", api_.now_ms},
                                                       {"kind", kind},
                                                       {"body", body}}}}});
        ASSERT_TRUE(events.has_value());
        EXPECT_TRUE(api_.run(nullptr,
                             [&](const Context& context) -> Result<void> {
                                 const auto kept =
                                     keep_events(context, fence_, host_.organisation, *events);
                                 return kept ? Result<void>() : std::unexpected(kept.error());
                             })
                        .has_value());
    }

    void use(const Caller& who, const std::string& meeting) {
        push("usage", {{"organization", who.organisation}, {"meeting", meeting}});
    }

    [[nodiscard]] std::string share_path(const Caller& guest) const {
        return "/v1/hybrid/nodes/" + node_ + "/shares/" + guest.organisation;
    }

    void share_with(const Caller& guest) {
        EXPECT_TRUE(api_.call(host_, "PUT", share_path(guest)).has_value());
        EXPECT_TRUE(api_.call(guest, "PUT", shared_ + node_ + "/acceptance").has_value());
    }

    std::string text_of(const Caller& caller, const std::string& method, const std::string& path) {
        const auto answer = api_.call(caller, method, path);
        return answer ? json::serialize(answer->body) : answer.error().message;
    }

    static constexpr const char* kUsage = "/usage";

    const std::string shared_ = "/v1/hybrid/shared-nodes/";
    ApiUnderTest api_;
    Caller host_ = api_.add_organisation("Host");
    Caller guest_ = api_.add_organisation("Guest");
    Caller other_ = api_.add_organisation("Other");
    std::string node_;
    std::string command_;
    Fence fence_;
    std::int64_t sequence_ = 0;
};

TEST_F(SharesTest, GuestSeesStateAndNothingElse) {
    share_with(guest_);
    share_with(other_);
    const json::value shown = api_.body_of(guest_, "GET", shared_ + node_);
    EXPECT_EQ(shown.at("name"), json::value("cloud"));
    EXPECT_EQ(shown.at("hostOrganization"), json::value("Host"));
    EXPECT_EQ(shown.at("status"), json::value("operational"));
    EXPECT_EQ(shown.at("connected"), json::value(true));
    const std::string text = json::serialize(shown);
    for (const char* hidden :
         {"4711", "host-alarm", "9.9.9-host", "host-cluster", "host-service", "Other", "sealing"}) {
        EXPECT_FALSE(text.contains(hidden)) << hidden;
    }
    EXPECT_EQ(shown.as_object().size(), 7U);  // what is added later is thought of here
    EXPECT_EQ(api_.body_of(guest_, "GET", "/v1/hybrid/shared-nodes").at("items").at(0), shown);
}

TEST_F(SharesTest, GuestReachesNothingByAnyEndpoint) {
    share_with(guest_);
    use(other_, "others-meeting");
    const std::string before = api_.dump(host_.organisation);
    const std::string used_before = text_of(guest_, "GET", "/v1/organization");
    const json::value body = {{"name", "taken"},
                              {"cluster", "host-cluster"},
                              {"mode", "on"},
                              {"program", "node"},
                              {"programs", json::object()}};
    std::map<std::string, std::string> places = {{"{organization}", guest_.organisation},
                                                 {"{command}", command_},
                                                 {"{service}", "x"},
                                                 {"{connectorId}", "media@" + node_},
                                                 {"{hybridClusterId}", "host-cluster"}};
    int calls = 0;
    for (const std::string& node : {node_, std::string("cloud")}) {
        places["{node}"] = node;
        for (const Endpoint* endpoint : all_endpoints()) {
            // What a guest may do is another test's.
            if (endpoint->path.starts_with("/v1/hybrid/shared-nodes")) {
                continue;
            }
            const std::string path = fill_path(endpoint->path, places);
            const auto answer = api_.call(guest_, std::string(endpoint->method), path, body);
            const std::string text =
                answer ? json::serialize(answer->body) : answer.error().message;
            ++calls;
            // The audit log says that the node is shared, by its id.
            const bool audit = endpoint->path == "/v1/audit";
            EXPECT_TRUE(audit || !text.contains(node_)) << endpoint->method << ' ' << path << text;
            for (const char* hidden : {"cloud", "4711", "host-", "others-meeting"}) {
                EXPECT_FALSE(text.contains(hidden))
                    << endpoint->method << ' ' << path << " shows " << hidden << ": " << text;
            }
            EXPECT_TRUE(!answer || (answer->wake.empty() && answer->cut.empty())) << path;
        }
    }
    EXPECT_GT(calls, 100);
    EXPECT_EQ(api_.dump(host_.organisation), before);
    EXPECT_TRUE(used_before.contains(R"("nodes":0)")) << used_before;
}

TEST_F(SharesTest, GuestSeesItsOwnUsageOnly) {
    use(guest_, "too-early");
    api_.now_ms += 10'000;
    share_with(guest_);
    share_with(other_);
    use(guest_, "mine");
    use(other_, "others");
    use(host_, "hosts");
    push("usage", {{"meeting", "nobodys"}});
    push("alarm", {{"organization", guest_.organisation}, {"meeting", "no-usage"}});
    const json::value usage = api_.body_of(guest_, "GET", shared_ + node_ + kUsage);
    ASSERT_EQ(usage.at("items").as_array().size(), 1U) << json::serialize(usage);
    EXPECT_EQ(usage.at("items").at(0).at("body").at("meeting"), json::value("mine"));
    EXPECT_FALSE(text_of(guest_, "GET", "/v1/hybrid/events").contains("mine"));
    // The host sees everything.
    const std::string all = text_of(host_, "GET", "/v1/hybrid/nodes/" + node_ + "/events");
    for (const char* meeting : {"too-early", "mine", "others", "hosts", "nobodys"}) {
        EXPECT_TRUE(all.contains(meeting)) << meeting;
    }
}

TEST_F(SharesTest, OfferShowsLittleAndTouchesNobodyElse) {
    EXPECT_TRUE(api_.call(host_, "PUT", share_path(guest_)).has_value());
    use(guest_, "mine");
    const json::value offer = api_.body_of(guest_, "GET", shared_ + node_);
    EXPECT_EQ(offer,
              json::value({{"id", node_},
                           {"hostOrganization", "Host"},
                           {"state", "offered"},
                           {"name", "cloud"}}));
    EXPECT_EQ(api_.call(guest_, "GET", shared_ + node_ + kUsage).error().code,
              ErrorCode::kNotFound);
    for (const char* rest : {"", "/acceptance", "/usage"}) {
        const std::string method = std::string(rest) == "/acceptance" ? "PUT" : "GET";
        EXPECT_EQ(api_.call(other_, method, shared_ + node_ + rest).error().code,
                  ErrorCode::kNotFound)
            << rest;
    }
    EXPECT_EQ(api_.call(other_, "DELETE", shared_ + node_).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(api_.call(other_, "DELETE", share_path(guest_)).error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(api_.call(host_, "PUT", shared_ + node_ + "/acceptance").has_value());
    EXPECT_EQ(api_.body_of(other_, "GET", "/v1/hybrid/shared-nodes").at("items").as_array().size(),
              0U);
    // Roles hold here too.
    Caller reader = guest_;
    reader.role = Role::kReadOnly;
    EXPECT_EQ(api_.call(reader, "PUT", shared_ + node_ + "/acceptance").error().code,
              ErrorCode::kPermissionDenied);
    // Declined.
    EXPECT_TRUE(api_.call(guest_, "DELETE", shared_ + node_).has_value());
    EXPECT_EQ(api_.call(guest_, "PUT", shared_ + node_ + "/acceptance").error().code,
              ErrorCode::kNotFound);
}

TEST_F(SharesTest, ShowsNothingAfterItsEnd) {
    const auto shown = [&] {
        return api_.call(guest_, "GET", shared_ + node_).has_value() ||
               api_.call(guest_, "GET", shared_ + node_ + kUsage).has_value() ||
               !api_.body_of(guest_, "GET", "/v1/hybrid/shared-nodes")
                    .at("items")
                    .as_array()
                    .empty();
    };
    share_with(guest_);
    use(guest_, "mine");
    EXPECT_TRUE(shown());
    EXPECT_TRUE(api_.call(host_, "DELETE", share_path(guest_)).has_value());
    EXPECT_FALSE(shown());
    // A new share begins anew.
    api_.now_ms += 10'000;
    share_with(guest_);
    EXPECT_TRUE(
        api_.body_of(guest_, "GET", shared_ + node_ + kUsage).at("items").as_array().empty());
    EXPECT_TRUE(api_.call(guest_, "DELETE", shared_ + node_).has_value());
    EXPECT_FALSE(shown());
    share_with(guest_);
    const std::string path = "/v1/hybrid/nodes/" + node_;
    EXPECT_TRUE(api_.call(host_, "DELETE", path + "/services/host-service").has_value());
    EXPECT_TRUE(api_.run(nullptr,
                         [&](const Context& context) -> Result<void> {
                             context.sql->run("update services set state = 'inactive'");
                             return {};
                         })
                    .has_value());
    EXPECT_TRUE(api_.call(host_, "DELETE", path).has_value());
    EXPECT_FALSE(shown());
}

TEST_F(SharesTest, TellsBothLogsWithoutNamesOfPeople) {
    share_with(guest_);
    EXPECT_TRUE(api_.call(host_, "DELETE", share_path(guest_)).has_value());
    const std::string guests = text_of(guest_, "GET", "/v1/audit");
    const std::string hosts = text_of(host_, "GET", "/v1/audit");
    for (const char* action : {"node.share.offer", "node.share.accept", "node.share.end"}) {
        EXPECT_TRUE(guests.contains(action)) << action;
        EXPECT_TRUE(hosts.contains(action)) << action;
    }
    EXPECT_FALSE(guests.contains("admin of Host"));
    EXPECT_FALSE(hosts.contains("admin of Guest"));
    const json::value newest = api_.body_of(guest_, "GET", "/v1/audit").at("items").at(0);
    EXPECT_EQ(newest.at("actor"), json::value("Host"));
    EXPECT_EQ(newest.at("remote"), json::value(""));
}

TEST_F(SharesTest, KeepsNodesOfOneNameApart) {
    api_.body_of(guest_, "POST", "/v1/hybrid/clusters", {{"name", "own"}});
    const std::string own = api_.add_node(guest_, "own", "cloud");
    share_with(guest_);
    EXPECT_EQ(api_.body_of(guest_, "GET", "/v1/hybrid/nodes/cloud").at("id"), json::value(own));
    EXPECT_EQ(api_.body_of(guest_, "GET", shared_ + "cloud").at("id"), json::value(node_));
    EXPECT_EQ(api_.call(guest_, "GET", shared_ + own).error().code, ErrorCode::kNotFound);
    // Two hosts may use one name: then the id is needed.
    api_.body_of(other_, "POST", "/v1/hybrid/clusters", {{"name", "c"}});
    const std::string second = api_.add_node(other_, "c", "cloud");
    const std::string offer = "/v1/hybrid/nodes/" + second + "/shares/" + guest_.organisation;
    EXPECT_TRUE(api_.call(other_, "PUT", offer).has_value());
    EXPECT_EQ(api_.call(guest_, "GET", shared_ + "cloud").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(api_.body_of(guest_, "GET", shared_ + node_).at("state"), json::value("accepted"));
}

TEST_F(SharesTest, FindsGuestsByTheirIdOnly) {
    const std::string path = "/v1/hybrid/nodes/" + node_ + "/shares/";
    EXPECT_EQ(api_.call(host_, "PUT", path + "Guest").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(api_.call(host_, "PUT", path + host_.organisation).error().code,
              ErrorCode::kInvalidArgument);
    EXPECT_TRUE(api_.call(host_, "PUT", path + guest_.organisation).has_value());
    EXPECT_EQ(api_.call(host_, "PUT", path + guest_.organisation).error().code,
              ErrorCode::kConflict);
}

TEST_F(SharesTest, LetsSoManyOffersWaitForAnOrganisation) {
    for (std::int64_t i = 0; i < kOffersMax; ++i) {
        EXPECT_TRUE(api_.run(nullptr,
                             [&](const Context& context) -> Result<void> {
                                 context.sql->run(
                                     "insert into node_shares(node, organisation, guest, state, "
                                     "created_s, accepted_s) values(?, 'x', ?, 'offered', 0, 0)",
                                     {std::to_string(i), guest_.organisation});
                                 return {};
                             })
                        .has_value());
    }
    EXPECT_EQ(api_.call(host_, "PUT", share_path(guest_)).error().code, ErrorCode::kLimitExceeded);
    EXPECT_TRUE(api_.call(host_, "PUT", share_path(other_)).has_value());
}

TEST_F(SharesTest, IsGrantedByAnOperatorWithoutBeingAsked) {
    Caller operating = other_;
    operating.is_operator = true;
    const std::string grant = "/v1/shared-nodes/" + node_ + "/organizations/";
    EXPECT_EQ(api_.call(host_, "PUT", grant + "Guest").error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(api_.call(operating, "PUT", grant + "Nobody").error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(api_.call(operating, "PUT", grant + "Guest").has_value());
    EXPECT_EQ(api_.body_of(guest_, "GET", shared_ + node_).at("state"), json::value("accepted"));
    const json::value shares =
        api_.body_of(host_, "GET", "/v1/hybrid/nodes/" + node_ + "/shares").at("items");
    EXPECT_EQ(shares.at(0).at("displayName"), json::value("Guest"));
    // The host can end it all the same.
    EXPECT_TRUE(api_.call(host_, "DELETE", share_path(guest_)).has_value());
}

}  // namespace
}  // namespace isthmus::hub
