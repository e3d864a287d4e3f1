#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "tools/hub/store/database.h"
#include "tools/hub/store/schema.h"

namespace isthmus::hub {
namespace {

// The network thread's part: answers wait until the test takes them.
class StoreTest : public ::testing::Test {
  protected:
    std::unique_ptr<Database> open() {
        auto opened = Database::open((folder_.path() / "hub.db").string(),
                                     [this](std::move_only_function<void()> answer) {
                                         const std::lock_guard lock(mutex_);
                                         answers_.push_back(std::move(answer));
                                         came_.notify_all();
                                     });
        EXPECT_TRUE(opened.has_value());
        return std::move(*opened);
    }

    void take_answers(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::unique_lock lock(mutex_);
            ASSERT_TRUE(came_.wait_for(
                lock, std::chrono::seconds(10), [this] { return !answers_.empty(); }));
            auto answer = std::move(answers_.front());
            answers_.pop_front();
            lock.unlock();
            answer();
        }
    }

    // Inserts a counter, and fails where it is told to.
    void add(Database& database, const std::string& name, bool fail) {
        database.run<bool>(
            [name, fail](Sql& sql) -> Result<bool> {
                sql.run("insert into counters(name, value) values(?, 1)", {name});
                if (fail) {
                    return make_error(ErrorCode::kConflict, "on purpose");
                }
                return true;
            },
            [this](const Result<bool>& done) { outcomes_.push_back(done.has_value()); });
    }

    std::int64_t count(Database& database) {
        std::int64_t rows = -1;
        EXPECT_TRUE(database
                        .run_now([&](Sql& sql) -> Result<void> {
                            rows = sql.find({"count(*)"}, "from counters")->integer(0);
                            return {};
                        })
                        .has_value());
        return rows;
    }

    TemporaryFolder folder_;
    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<std::move_only_function<void()>> answers_;
    std::vector<bool> outcomes_;
};

TEST_F(StoreTest, UndoesAJobThatFailsAndNoOther) {
    const auto database = open();
    add(*database, "one", false);
    add(*database, "two", true);
    add(*database, "one", false);  // there already: the constraint fails it
    add(*database, "three", false);
    take_answers(4);
    EXPECT_EQ(outcomes_, (std::vector<bool>{true, false, false, true}));
    EXPECT_EQ(count(*database), 2);
    EXPECT_EQ(database->counters().jobs_failed, 2U);
}

TEST_F(StoreTest, SharesACommitBetweenJobsThatWaitTogether) {
    const auto database = open();
    std::atomic<bool> go = false;
    database->run<bool>(
        [&](Sql&) -> Result<bool> {
            go.wait(false);
            return true;
        },
        [](const Result<bool>&) {});
    constexpr int kJobs = 100;
    for (int i = 0; i < kJobs; ++i) {
        add(*database, std::to_string(i), false);
    }
    go = true;
    go.notify_all();
    take_answers(kJobs + 1);
    EXPECT_LE(database->counters().commits, 3U);
    EXPECT_EQ(count(*database), kJobs);
}

TEST_F(StoreTest, GoesOnWithNothingAfterAStatementThatFailed) {
    const auto database = open();
    const auto done = database->run_now([](Sql& sql) -> Result<void> {
        sql.run("insert into counters(name, value) values('x', 1)");
        sql.run("insert into nowhere(name) values('y')");
        EXPECT_TRUE(sql.select({"name"}, "from counters").empty());
        return {};
    });
    EXPECT_EQ(done.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(count(*database), 0);
}

TEST_F(StoreTest, RefusesTextThatTheDatabasesWouldCutOff) {
    const auto database = open();
    const auto done = database->run_now([](Sql& sql) -> Result<void> {
        sql.run("insert into counters(name, value) values(?, 1)", {std::string("a\0b", 3)});
        return {};
    });
    EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(StoreTest, OpensADatabaseThatItMadeAndNoneOfANewerHub) {
    {
        const auto database = open();
        ASSERT_TRUE(database
                        ->run_now([](Sql& sql) -> Result<void> {
                            sql.run("update schema_version set version = ?",
                                    {schema_version() + 1});
                            return {};
                        })
                        .has_value());
    }
    const auto again = Database::open((folder_.path() / "hub.db").string(),
                                      [](std::move_only_function<void()> /*answer*/) {});
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
    EXPECT_TRUE(again.error().message.contains("newer hub"));
}

TEST_F(StoreTest, NamesEveryColumnInItsBackup) {
    const auto database = open();
    EXPECT_TRUE(database
                    ->run_now([](Sql& sql) -> Result<void> {
                        for (const TableColumns& table : backed_up_tables()) {
                            const auto columns =
                                sql.select({"name"}, "from pragma_table_info(?)", {table.name});
                            EXPECT_EQ(columns.size(), table.columns.size()) << table.name;
                        }
                        const auto tables =
                            sql.select({"name"},
                                       "from sqlite_master where type = 'table' and name not like "
                                       "'sqlite%' and name <> 'schema_version'");
                        EXPECT_EQ(tables.size(), backed_up_tables().size());
                        return {};
                    })
                    .has_value());
}

}  // namespace
}  // namespace isthmus::hub
