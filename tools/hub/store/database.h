// The database on a thread of its own: jobs go in from the network thread, answers come back to it.
//
// Jobs run one after the other. Those that wait together share one transaction, each within a
// savepoint: a job that fails is undone alone, and what comes in while the disk is busy costs one
// commit, not one each. An answer is given only after the commit, so that whatever is said to
// anybody is on the disk.
//
// Where two instances wait for each other's rows, PostgreSQL ends the transaction of one, which
// then runs its jobs again: a job may run twice, and must leave its captures as they are.
//
//     database.run<int>([](Sql& sql) -> Result<int> { ... }, [](Result<int> answer) { ... });
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "tools/hub/store/sql.h"

namespace isthmus::hub {

struct DatabaseCounters {
    std::uint64_t jobs = 0;
    std::uint64_t jobs_failed = 0;   // the database's fault or the job's
    std::uint64_t jobs_refused = 0;  // too many waited
    std::uint64_t commits = 0;
    std::uint64_t repeats = 0;  // transactions run again after a deadlock
    std::uint64_t reconnects = 0;
    std::size_t waiting = 0;
};

class Database {
  public:
    using Post = std::function<void(std::move_only_function<void()>)>;

    // Opens and migrates. `address`: see Session. `post` runs what it is given on the thread that
    // wants the answers.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& address,
                                                                Post post);
    // Finishes the jobs that wait; their answers may come to nobody.
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // Any thread.
    template <typename T>
    void run(std::move_only_function<Result<T>(Sql&)> job,
             std::move_only_function<void(Result<T>)> done) {
        auto outcome = std::make_shared<std::optional<Result<T>>>();
        submit(
            [job = std::move(job), outcome](Sql& sql) mutable {
                *outcome = job(sql);
                if (sql.fault()) {
                    *outcome = std::unexpected(*sql.fault());
                }
                return (*outcome)->has_value();
            },
            [done = std::move(done), outcome](std::optional<Error> failed) mutable {
                if (failed) {
                    done(std::unexpected(std::move(*failed)));
                } else {
                    done(std::move(**outcome));
                }
            });
    }

    // Before any job, on the caller's thread: for starting up, backup and restore. Rolls back where
    // it fails.
    [[nodiscard]] Result<void> run_now(const std::function<Result<void>(Sql&)>& job);

    [[nodiscard]] DatabaseCounters counters() const;
    [[nodiscard]] bool is_postgresql() const;

  private:
    struct State;
    // `work` says whether what it did is to be kept.
    using Work = std::move_only_function<bool(Sql&)>;
    using Finish = std::move_only_function<void(std::optional<Error>)>;

    explicit Database(std::unique_ptr<State> state);
    void submit(Work work, Finish finish);

    std::unique_ptr<State> state_;
};

}  // namespace isthmus::hub
