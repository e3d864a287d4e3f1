// When a program that ended is started again, and whether it is in a crash loop.
//
// Waits double from failure to failure, up to a limit, each shortened by chance by up to a half: a
// hundred nodes that fail together do not come back together. A run that was steady makes up for
// what was before. Sans-I/O.
#pragma once

#include <cstdint>
#include <deque>

#include "base/random.h"
#include "base/time.h"
#include "control-agent/supervisor/program.h"

namespace isthmus::supervisor {

class RestartPolicy {
  public:
    // `random` outlives it.
    RestartPolicy(const RestartRules& rules, RandomSource& random)
        : rules_(rules), random_(&random) {}

    void set_rules(const RestartRules& rules) { rules_ = rules; }

    void on_start(Instant now) { started_ = now; }

    // When to start it again; kNever where the rules say that it was done.
    [[nodiscard]] Instant on_end(Instant now, bool success);

    // Whether it ends again and again.
    [[nodiscard]] bool crash_loop() const { return crash_loop_; }

    // When the present run counts as steady; kNever where there is nothing to make up for.
    [[nodiscard]] Instant steady_at() const;
    // Call then.
    void on_steady();

    // As if nothing had happened: somebody started it by hand.
    void forget();

  private:
    [[nodiscard]] Duration next_wait();

    RestartRules rules_;
    RandomSource* random_;
    Instant started_ = kNever;    // kNever: it does not run
    std::uint32_t failures_ = 0;  // one after another
    std::deque<Instant> ends_;    // within the window, at most loop_ends
    bool crash_loop_ = false;
};

}  // namespace isthmus::supervisor
