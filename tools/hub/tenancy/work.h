// Runs the hub's functions: on the database's thread, in a transaction, with a Context; the answer
// comes back to the network thread after the commit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "base/random.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/database.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// UNIX milliseconds; any thread.
using WallClock = std::function<std::int64_t()>;

class Work {
  public:
    // All of them outlive it; `random` is used from several threads.
    Work(Database& database, const MasterKey& master, RandomSource& random, WallClock clock)
        : database_(&database), master_(&master), random_(&random), clock_(std::move(clock)) {}

    // `caller` empty: the hub itself, or somebody who is yet to be found out.
    template <typename T>
    void run(std::optional<Caller> caller,
             std::move_only_function<Result<T>(const Context&)> job,
             std::move_only_function<void(Result<T>)> done) {
        database_->run<T>(
            [this, caller = std::move(caller), job = std::move(job)](Sql& sql) mutable {
                return job(context(sql, caller ? &*caller : nullptr));
            },
            std::move(done));
    }

    // At the start, before any job.
    [[nodiscard]] Result<void> run_now(const std::function<Result<void>(const Context&)>& job) {
        return database_->run_now([&](Sql& sql) { return job(context(sql, nullptr)); });
    }

    [[nodiscard]] std::int64_t now_ms() const { return clock_(); }

    [[nodiscard]] RandomSource& random() const { return *random_; }

  private:
    [[nodiscard]] Context context(Sql& sql, const Caller* caller) const {
        return {.sql = &sql,
                .caller = caller,
                .now_ms = clock_(),
                .random = random_,
                .master = master_};
    }

    Database* database_;
    const MasterKey* master_;
    RandomSource* random_;
    WallClock clock_;
};

}  // namespace isthmus::hub
