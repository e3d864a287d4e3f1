// What is to be done with one program's process: start it, ask it to end, end it, start it again.
//
//     stopped --want_running--> (spawn) --> running --on_end--> waiting --> (spawn) ...
//     running --want_stopped--> stopping: SIGTERM, after the grace SIGKILL --on_end--> stopped
//
// One input, then drain poll_action() and poll_notice(), then wake at next_timeout(). A kSpawn is
// answered with on_spawned() or on_spawn_failed() before anything else. Sans-I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "control-agent/supervisor/program.h"
#include "control-agent/supervisor/restart_policy.h"

namespace isthmus::supervisor {

class ProgramLifecycle {
  public:
    enum class Action : std::uint8_t { kSpawn, kTerminate, kKill };

    struct Notice {
        ProgramEvent::Kind kind = ProgramEvent::Kind::kStarted;
        std::string detail;
    };

    // `random` outlives it.
    ProgramLifecycle(const RestartRules& rules, Duration stop_grace, RandomSource& random);

    void set_rules(const RestartRules& rules, Duration stop_grace);

    void want_running(Instant now);
    void want_stopped(Instant now);
    void want_restart(Instant now);

    void on_spawned(Instant now);
    // One runs already, which somebody else started.
    void on_adopted(Instant now);
    void on_spawn_failed(Instant now, const std::string& sentence);
    void on_end(Instant now, const ProcessEnd& end);
    void on_timeout(Instant now);

    [[nodiscard]] std::optional<Action> poll_action();
    [[nodiscard]] std::optional<Notice> poll_notice();
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] ProgramState state() const { return state_; }

    [[nodiscard]] bool crash_loop() const { return policy_.crash_loop(); }

    [[nodiscard]] Instant running_since() const { return running_since_; }

    [[nodiscard]] std::uint64_t starts() const { return starts_; }

    [[nodiscard]] std::uint64_t unexpected_ends() const { return unexpected_ends_; }

  private:
    void spawn();
    void begin_stop(Instant now);
    void enter_running(Instant now);
    void notify(ProgramEvent::Kind kind, std::string detail);
    void end_unasked(Instant now, bool success, const std::string& detail);

    RestartPolicy policy_;
    Duration stop_grace_;
    ProgramState state_ = ProgramState::kStopped;
    bool wanted_ = false;
    bool killed_ = false;
    Instant running_since_ = kNever;
    Instant due_ = kNever;  // the next start, or SIGKILL
    std::uint64_t starts_ = 0;
    std::uint64_t unexpected_ends_ = 0;
    std::deque<Action> actions_;
    std::deque<Notice> notices_;
};

}  // namespace isthmus::supervisor
