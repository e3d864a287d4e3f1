#include "media/worker/timer_queue.h"

#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace isthmus::media {
namespace {

struct Name {
    std::uint64_t value = 0;
    friend bool operator==(const Name&, const Name&) = default;
};

Instant at(std::int64_t ms) {
    return Instant{std::chrono::milliseconds(ms)};
}

TEST(TimerQueue, GivesNamesInTheOrderOfTheirTimes) {
    TimerQueue<Name> queue;
    queue.set({1}, at(30));
    queue.set({2}, at(10));
    EXPECT_EQ(queue.next_timeout(), at(10));
    EXPECT_FALSE(queue.poll(at(9)));
    EXPECT_EQ(queue.poll(at(40)), Name{2});
    EXPECT_EQ(queue.poll(at(40)), Name{1});
    EXPECT_FALSE(queue.poll(at(40)));
    EXPECT_EQ(queue.next_timeout(), kNever);
}

TEST(TimerQueue, ALaterTimeHoldsTheNameBack) {
    TimerQueue<Name> queue;
    queue.set({1}, at(10));
    queue.set({1}, at(20));
    EXPECT_FALSE(queue.poll(at(15)));
    EXPECT_EQ(queue.poll(at(20)), Name{1});
    EXPECT_FALSE(queue.poll(at(30)));
}

TEST(TimerQueue, AnEarlierTimeBringsTheNameForwardOnce) {
    TimerQueue<Name> queue;
    queue.set({1}, at(20));
    queue.set({1}, at(10));
    EXPECT_EQ(queue.poll(at(10)), Name{1});
    EXPECT_FALSE(queue.poll(at(30)));
}

TEST(TimerQueue, NeverAndEraseTakeTheTimerAway) {
    TimerQueue<Name> queue;
    queue.set({1}, at(10));
    queue.set({1}, kNever);
    queue.set({2}, at(10));
    queue.erase({2});
    EXPECT_FALSE(queue.poll(at(30)));
}

TEST(TimerQueue, ANameSetAgainAfterItsTimeComesAgain) {
    TimerQueue<Name> queue;
    queue.set({1}, at(10));
    EXPECT_TRUE(queue.poll(at(10)));
    queue.set({1}, at(12));
    EXPECT_EQ(queue.poll(at(12)), Name{1});
}

TEST(TimerQueue, AgreesWithAPlainMapOverRandomCalls) {
    SeededRandom random(1);
    TimerQueue<Name> queue;
    std::map<std::uint64_t, Instant> model;
    for (std::int64_t now = 0; now < 20'000; ++now) {
        const Name name{random.next_u32() % 20};
        if (random.next_u32() % 4 == 0) {
            queue.erase(name);
            model.erase(name.value);
        } else {
            const Instant when = at(now + 1 + random.next_u32() % 50);
            queue.set(name, when);
            model[name.value] = when;
        }
        ASSERT_LE(queue.next_timeout(),
                  model.empty() ? kNever : std::ranges::min_element(model, {}, [](const auto& e) {
                                               return e.second;
                                           })->second);
        while (const auto due = queue.poll(at(now))) {
            const auto found = model.find(due->value);
            ASSERT_NE(found, model.end());
            ASSERT_LE(found->second, at(now));
            model.erase(found);
        }
        for (const auto& [value, when] : model) {
            ASSERT_GT(when, at(now)) << value << " was not given";
        }
    }
}

}  // namespace
}  // namespace isthmus::media
