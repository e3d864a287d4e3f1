#include "tools/agent/usage_meter.h"

#include <initializer_list>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;

json::value conferences(std::initializer_list<std::pair<const char*, int>> list) {
    json::array items;
    for (const auto& [id, participants] : list) {
        items.push_back({{"id", id}, {"name", "weekly"}, {"participants", participants}});
    }
    return {{"conferences", std::move(items)}};
}

TEST(UsageMeter, MakesARecordOfAConferenceThatHasEnded) {
    UsageMeter meter;
    EXPECT_TRUE(meter.look(0, conferences({{"RM_1", 2}})).empty());
    EXPECT_TRUE(meter.look(10 * kSecond, conferences({{"RM_1", 4}})).empty());
    EXPECT_EQ(meter.open(), 1U);
    const auto records = meter.look(20 * kSecond, conferences({}));
    ASSERT_EQ(records.size(), 1U);
    const json::object& record = records.front();
    EXPECT_EQ(record.at("conference").as_string(), "weekly");
    EXPECT_EQ(record.at("conference_id").as_string(), "RM_1");
    EXPECT_EQ(record.at("from_ms").as_int64(), 0);
    EXPECT_EQ(record.at("to_ms").as_int64(), 20 * kSecond);
    EXPECT_EQ(record.at("participants_most").as_int64(), 4);
    // Three for ten seconds, then from four to none.
    EXPECT_EQ(record.at("participant_seconds").as_int64(), 30 + 20);
    EXPECT_TRUE(record.at("ended").as_bool());
    EXPECT_EQ(meter.open(), 0U);
    EXPECT_TRUE(meter.look(30 * kSecond, conferences({})).empty());
}

TEST(UsageMeter, RecordsWhatGoesOnEveryFifteenMinutesAndCountsNothingTwice) {
    UsageMeter meter;
    std::int64_t seconds = 0;
    std::int64_t to = 0;
    int records = 0;
    for (std::int64_t now = 0; now <= 40 * kMinute; now += 10 * kSecond) {
        const bool over = now == 40 * kMinute;
        for (const json::object& record :
             meter.look(now, over ? conferences({}) : conferences({{"RM_1", 2}}))) {
            EXPECT_EQ(record.at("from_ms").as_int64(), to);
            to = record.at("to_ms").as_int64();
            EXPECT_EQ(record.at("ended").as_bool(), over);
            seconds += record.at("participant_seconds").as_int64();
            ++records;
        }
    }
    EXPECT_EQ(records, 3);
    EXPECT_EQ(to, 40 * kMinute);
    EXPECT_EQ(seconds, 2 * 40 * 60 - 10);
}

TEST(UsageMeter, CountsNothingForTheTimeInWhichNobodyLooked) {
    UsageMeter meter;
    EXPECT_TRUE(meter.look(0, conferences({{"RM_1", 2}})).empty());
    EXPECT_TRUE(meter.look(10 * kSecond, conferences({{"RM_1", 2}})).empty());
    // The node was down, and what it has now is another one.
    const auto records = meter.look(60 * kMinute, conferences({{"RM_2", 1}}));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records.front().at("to_ms").as_int64(), 10 * kSecond);
    EXPECT_EQ(records.front().at("participant_seconds").as_int64(), 20);
    EXPECT_EQ(meter.open(), 1U);
}

TEST(UsageMeter, SaysNothingOfAConferenceThatNobodyWasIn) {
    UsageMeter meter;
    EXPECT_TRUE(meter.look(0, conferences({{"RM_1", 0}})).empty());
    EXPECT_TRUE(meter.look(10 * kSecond, conferences({})).empty());
}

TEST(UsageMeter, TakesAnAnswerThatIsNoListForNoLook) {
    UsageMeter meter;
    EXPECT_TRUE(meter.look(0, conferences({{"RM_1", 3}})).empty());
    for (const char* text : {"null", "{}", R"({"conferences":7})"}) {
        EXPECT_TRUE(meter.look(kSecond, json::parse(text)).empty()) << text;
    }
    // Items that are none are left out, and do not end those that are.
    const json::value odd = json::parse(
        R"({"conferences":[7,{"id":"RM_2"},{"id":"RM_3","name":"x","participants":-1},
            {"id":"RM_1","name":"weekly","participants":3},
            {"id":"RM_1","name":"weekly","participants":9}]})");
    EXPECT_TRUE(meter.look(2 * kSecond, odd).empty());
    EXPECT_EQ(meter.open(), 1U);
    const auto records = meter.look(4 * kSecond, conferences({}));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records.front().at("participants_most").as_int64(), 3);
}

}  // namespace
}  // namespace isthmus::agent
