#include "tools/agent/alarms.h"

#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::agent {
namespace {

using ::testing::ElementsAre;

TEST(Alarms, AreToldOnceEachWay) {
    std::vector<std::string> told;
    Alarms alarms([&](std::string_view kind, const boost::json::object& body) {
        told.push_back(std::string(kind) + " " + std::string(body.at("id").as_string()));
    });
    alarms.raise(1000, "disk", {.title = "It is full", .description = "1 MiB left"});
    alarms.raise(2000, "disk", {.title = "It is full", .description = "nothing left"});
    alarms.clear(3000, "other");
    const boost::json::array list = alarms.list();
    ASSERT_EQ(list.size(), 1U);
    const boost::json::value& alarm = list.at(0);
    EXPECT_EQ(alarm.at("since_ms").as_int64(), 1000);
    EXPECT_EQ(alarm.at("description").as_string(), "nothing left");
    EXPECT_EQ(alarm.at("severity").as_string(), "warning");
    alarms.set(4000, "disk", false, {});
    alarms.set(5000, "disk", false, {});
    EXPECT_TRUE(alarms.list().empty());
    EXPECT_THAT(told, ElementsAre("alarm.raised disk", "alarm.cleared disk"));
}

}  // namespace
}  // namespace isthmus::agent
