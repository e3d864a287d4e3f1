// What is kept of what nodes report, and for how long.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/hub_fixture.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

using Clock = std::atomic<std::int64_t>;

constexpr std::int64_t kDayMs = 86'400'000;

// Not in the future: TLS clients look at the machine's clock.
std::int64_t lately_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
               .count() -
           20 * kDayMs;
}

HubOptions options_with(const std::shared_ptr<Clock>& clock) {
    HubOptions options;
    // Each look at the clock is a millisecond later: no two pushes come at one time.
    options.unix_ms = [clock] { return clock->fetch_add(1); };
    options.housekeeping_s = 1;
    options.events = {.days = 10, .entries = 100};
    return options;
}

class EventsTest : public HubFixture {
  protected:
    EventsTest() : EventsTest(std::make_shared<Clock>(lately_ms())) {}

    void push(ScriptedAgent& agent, int count) {
        for (int i = 0; i < count; ++i) {
            ++last_;
            const auto answer =
                ask(agent,
                    "events.push",
                    {{"epoch", 1},
                     {"entries",
                      {{{"sequence", last_}, {"time_ms", 1}, {"kind", "k"}, {"body", nullptr}}}}});
            ASSERT_TRUE(answer.result);
        }
    }

    std::size_t kept() {
        return call("GET", "/v1/hybrid/events?limit=1000").body.at("items").as_array().size();
    }

    json::array alarms() { return call("GET", "/v1/hybrid/alarms").body.at("items").as_array(); }

    std::shared_ptr<Clock> clock_;
    std::int64_t last_ = 0;

  private:
    explicit EventsTest(std::shared_ptr<Clock> clock)
        : HubFixture({}, options_with(clock)), clock_(std::move(clock)) {}
};

TEST_F(EventsTest, GoWhenTheyAreOld) {
    const auto agent = connect_node("node");
    push(*agent, 3);
    clock_->fetch_add(11 * kDayMs);
    log_in();
    EXPECT_TRUE(run_until([&] { return kept() == 0; }));
    EXPECT_TRUE(alarms().empty()) << "that is what was asked for";
}

TEST_F(EventsTest, RaiseAnAlarmBeforeTheOldestGo) {
    const auto agent = connect_node("node");
    push(*agent, 79);
    EXPECT_TRUE(alarms().empty());
    push(*agent, 2);
    ASSERT_EQ(alarms().size(), 1U);
    EXPECT_EQ(alarms()[0].at("severity"), json::value("warning"));
    EXPECT_EQ(kept(), 81U);
    push(*agent, 39);
    ASSERT_TRUE(run_until([&] { return kept() == 100; }));
    EXPECT_EQ(alarms()[0].at("severity"), json::value("error"));
    const json::array events =
        call("GET", "/v1/hybrid/events?limit=1000").body.at("items").as_array();
    EXPECT_EQ(events.front().at("sequence"), json::value(last_));
    EXPECT_EQ(events.back().at("sequence"), json::value(last_ - 99));
    // What comes twice counts once.
    last_ -= 10;
    push(*agent, 10);
    EXPECT_EQ(kept(), 100U);
    // And with the node its events go.
    ASSERT_EQ(call("DELETE", "/v1/hybrid/nodes/node").status, 204U);
    EXPECT_TRUE(alarms().empty());
}

}  // namespace
}  // namespace isthmus::hub
