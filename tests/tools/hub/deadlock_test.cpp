// Two instances' transactions that wait for each other's rows.
#include <atomic>
#include <latch>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/tools/hub/postgresql_under_test.h"
#include "tools/hub/store/database.h"

namespace isthmus::hub {
namespace {

// Counts in one row and then, once the other transaction has its first, in the second.
std::move_only_function<Result<bool>(Sql&)> count_in(const std::string& first,
                                                     const std::string& second,
                                                     std::latch& both,
                                                     std::atomic<int>& runs) {
    return [&both, &runs, first, second](Sql& sql) -> Result<bool> {
        sql.run("update counters set value = value + 1 where name = ?", {first});
        if (runs.fetch_add(1) == 0) {
            both.arrive_and_wait();
        }
        sql.run("update counters set value = value + 1 where name = ?", {second});
        return true;
    };
}

TEST(Deadlock, RunsOneOfTheTransactionsAgain) {
    const PostgresqlUnderTest postgresql;
    if (postgresql.address().empty()) {
        GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
    }
    const auto post = [](std::move_only_function<void()> answer) { answer(); };
    auto one = Database::open(postgresql.address(), post);
    auto two = Database::open(postgresql.address(), post);
    ASSERT_TRUE(one.has_value() && two.has_value());
    ASSERT_TRUE((*one)
                    ->run_now([](Sql& sql) -> Result<void> {
                        sql.run("insert into counters(name, value) values('a', 0), ('b', 0)");
                        return {};
                    })
                    .has_value());
    std::latch both(2);
    std::atomic<int> runs_of_one = 0;
    std::atomic<int> runs_of_two = 0;
    std::atomic<int> done = 0;
    const auto note = [&done](const Result<bool>& outcome) { done += outcome.has_value() ? 1 : 0; };
    (*one)->run<bool>(count_in("a", "b", both, runs_of_one), note);
    (*two)->run<bool>(count_in("b", "a", both, runs_of_two), note);
    two->reset();  // finishes what waits
    one->reset();
    EXPECT_EQ(done, 2);
    EXPECT_GE(runs_of_one + runs_of_two, 3);
    auto again = Database::open(postgresql.address(), post);
    ASSERT_TRUE(again.has_value());
    ASSERT_TRUE((*again)
                    ->run_now([](Sql& sql) -> Result<void> {
                        EXPECT_EQ(sql.find({"sum(value)"}, "from counters")->integer(0), 4);
                        return {};
                    })
                    .has_value());
}

// It is stopped, or its network is gone; its connection is there for all that the database knows.
TEST(Deadlock, AnInstanceThatSleepsInATransactionHoldsNobodyUpForLong) {
    const PostgresqlUnderTest postgresql;
    if (postgresql.address().empty()) {
        GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
    }
    const auto post = [](std::move_only_function<void()> answer) { answer(); };
    auto sleeper = Database::open(postgresql.address(), post);
    auto other = Database::open(postgresql.address(), post);
    ASSERT_TRUE(sleeper.has_value() && other.has_value());
    ASSERT_TRUE((*other)
                    ->run_now([](Sql& sql) -> Result<void> {
                        sql.run("insert into counters(name, value) values('a', 0)");
                        return {};
                    })
                    .has_value());
    const auto count = [](Sql& sql) -> Result<bool> {
        return sql.run("update counters set value = value + 1 where name = 'a'") == 1;
    };
    std::latch asleep(1);
    std::latch other_done(1);
    std::atomic<bool> first_kept = true;
    std::atomic<int> kept = 0;
    (*sleeper)->run<bool>(
        [&](Sql& sql) -> Result<bool> {
            const auto counted = count(sql);
            asleep.count_down();
            other_done.wait();
            return counted;
        },
        [&](const Result<bool>& done) { first_kept = done.has_value(); });
    asleep.wait();
    (*other)->run<bool>(count, [&](const Result<bool>& done) {
        kept += done.has_value() ? 1 : 0;
        other_done.count_down();
    });
    other_done.wait();
    // What it wanted to write is gone; what it writes after that is not.
    (*sleeper)->run<bool>(count,
                          [&](const Result<bool>& done) { kept += done.has_value() ? 1 : 0; });
    sleeper->reset();
    other->reset();
    EXPECT_FALSE(first_kept);
    EXPECT_EQ(kept, 2);
}

}  // namespace
}  // namespace isthmus::hub
