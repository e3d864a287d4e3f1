#include "tools/hub/store/database.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "base/log.h"
#include "tools/hub/store/schema.h"
#include "tools/hub/store/session.h"

namespace isthmus::hub {
namespace {

// A hub of 5,000 nodes that all come back at once has some 10,000 waiting.
constexpr std::size_t kWaitingMax = 50'000;
// One transaction; longer ones would keep the first in them waiting.
constexpr std::size_t kBatchMax = 512;
// Between two statements of a transaction there is only our own arithmetic.
constexpr int kIdleMs = 3000;
// Of a transaction that PostgreSQL ends for a deadlock. After the last the job that it hit has
// failed.
constexpr int kAttempts = 4;
// The other transaction waited first, but PostgreSQL lets who comes at once have the row.
constexpr auto kRepeatPause = std::chrono::milliseconds(50);
constexpr auto kReconnectPause = std::chrono::seconds(1);

}  // namespace

struct Database::State {
    struct Job {
        Work work;
        Finish finish;
    };

    std::unique_ptr<Session> session;
    bool guarded = false;  // the session's transactions end by themselves
    Post post;
    mutable std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> waiting;
    bool stopping = false;
    DatabaseCounters counters;
    std::thread thread;

    void work() {
        while (true) {
            std::vector<Job> batch;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [this] { return stopping || !waiting.empty(); });
                if (waiting.empty()) {
                    return;
                }
                const std::size_t count = std::min(waiting.size(), kBatchMax);
                for (std::size_t i = 0; i < count; ++i) {
                    batch.push_back(std::move(waiting.front()));
                    waiting.pop_front();
                }
            }
            run_batch(batch);
        }
    }

    // An instance that stops in the middle of a transaction must not keep the others from the rows
    // that it holds. Not for backups: writing a large table to the disk takes its time.
    void guard() {
        if (session->is_postgresql() && !std::exchange(guarded, true)) {
            session->clear_fault();
            session->run(fmt::format("set idle_in_transaction_session_timeout = {}", kIdleMs));
        }
    }

    void run_batch(std::vector<Job>& batch) {
        guard();
        std::uint64_t undone = 0;
        for (int left = kAttempts - 1; !try_batch(batch, left > 0, undone); --left) {
            std::unique_lock lock(mutex);
            ++counters.repeats;
            wake.wait_for(lock, kRepeatPause, [] { return false; });
        }
        std::optional<Error> failed = session->fault();
        if (failed) {
            recover(*failed);
        }
        {
            const std::lock_guard lock(mutex);
            counters.jobs += batch.size();
            counters.jobs_failed += failed ? batch.size() : undone;
            counters.commits += failed ? 0 : 1;
        }
        for (Job& job : batch) {
            post([finish = std::move(job.finish), failed]() mutable { finish(std::move(failed)); });
        }
    }

    // False where it is to be tried again, from the beginning: two instances waited for each other.
    // To repeat one job alone would not do. It may be the jobs before it that hold what the other
    // instance waits for, and a node's events must not overtake each other.
    bool try_batch(std::vector<Job>& batch, bool may_repeat, std::uint64_t& undone) const {
        undone = 0;
        session->clear_fault();
        session->run("begin");
        for (Job& job : batch) {
            run_job(job, undone);
            if (session->take_deadlocked() && may_repeat) {
                session->clear_fault();
                session->run("rollback");
                return session->fault().has_value();
            }
        }
        session->run("commit");
        return true;
    }

    void run_job(Job& job, std::uint64_t& undone) const {
        session->run("savepoint job");
        if (session->fault()) {
            return;  // the whole transaction is lost
        }
        if (!job.work(*session)) {
            ++undone;
            session->clear_fault();  // the job's own, of which it has told
            session->run("rollback to savepoint job");
        }
        session->run("release savepoint job");
    }

    void recover(const Error& error) {
        log::error("hub", "a transaction failed: {}", error.message);
        session->clear_fault();
        session->run("rollback");
        if (!session->fault() || !session->is_postgresql()) {
            return;
        }
        {
            const std::lock_guard lock(mutex);
            ++counters.reconnects;
        }
        guarded = false;
        if (const auto back = session->reconnect(); !back) {
            log::error("hub", "{}", back.error().message);
            // The jobs behind fail at once otherwise, and with them all who ask.
            std::unique_lock lock(mutex);
            wake.wait_for(lock, kReconnectPause, [this] { return stopping; });
        }
    }
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {
    state_->thread = std::thread([this] { state_->work(); });
}

Database::~Database() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->wake.notify_all();
    state_->thread.join();
}

Result<std::unique_ptr<Database>> Database::open(const std::string& address, Post post) {
    auto session = Session::open(address);
    if (!session) {
        return std::unexpected(session.error());
    }
    if (const auto done = migrate(**session); !done) {
        return std::unexpected(done.error());
    }
    auto state = std::make_unique<State>();
    state->session = std::move(*session);
    state->post = std::move(post);
    // NOLINTNEXTLINE(*-owning-memory): private constructor
    return std::unique_ptr<Database>(new Database(std::move(state)));
}

Result<void> Database::run_now(const std::function<Result<void>(Sql&)>& job) {
    Session& session = *state_->session;
    session.clear_fault();
    session.run("begin");
    auto done = job(session);
    if (done) {
        session.run("commit");
    }
    if (const std::optional<Error>& fault = session.fault()) {
        done = std::unexpected(*fault);
    }
    if (!done) {
        session.clear_fault();
        session.run("rollback");
    }
    return done;
}

void Database::submit(Work work, Finish finish) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->waiting.size() < kWaitingMax) {
            state_->waiting.push_back({std::move(work), std::move(finish)});
            state_->wake.notify_one();
            return;
        }
        ++state_->counters.jobs_refused;
    }
    state_->post([finish = std::move(finish)]() mutable {
        finish(Error{.code = ErrorCode::kUnavailable,
                     .message = "the hub's database has too much to do; try again later"});
    });
}

DatabaseCounters Database::counters() const {
    const std::lock_guard lock(state_->mutex);
    DatabaseCounters out = state_->counters;
    out.waiting = state_->waiting.size();
    return out;
}

bool Database::is_postgresql() const {
    return state_->session->is_postgresql();
}

}  // namespace isthmus::hub
