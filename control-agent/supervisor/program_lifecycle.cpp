#include "control-agent/supervisor/program_lifecycle.h"

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace isthmus::supervisor {

using Kind = ProgramEvent::Kind;

ProgramLifecycle::ProgramLifecycle(const RestartRules& rules,
                                   Duration stop_grace,
                                   RandomSource& random)
    : policy_(rules, random), stop_grace_(stop_grace) {}

void ProgramLifecycle::set_rules(const RestartRules& rules, Duration stop_grace) {
    policy_.set_rules(rules);
    stop_grace_ = stop_grace;
}

void ProgramLifecycle::notify(Kind kind, std::string detail) {
    notices_.push_back({.kind = kind, .detail = std::move(detail)});
}

void ProgramLifecycle::spawn() {
    due_ = kNever;
    actions_.push_back(Action::kSpawn);
}

void ProgramLifecycle::want_running(Instant /*now*/) {
    const bool idle = state_ == ProgramState::kStopped || state_ == ProgramState::kFailed ||
                      state_ == ProgramState::kWaiting;
    wanted_ = true;
    if (idle) {
        // Whoever starts it by hand does not want to wait for a back-off.
        policy_.forget();
        spawn();
    }
}

void ProgramLifecycle::begin_stop(Instant now) {
    state_ = ProgramState::kStopping;
    killed_ = false;
    due_ = now + stop_grace_;
    actions_.push_back(Action::kTerminate);
}

void ProgramLifecycle::want_stopped(Instant now) {
    wanted_ = false;
    if (state_ == ProgramState::kRunning) {
        begin_stop(now);
    } else if (state_ != ProgramState::kStopping) {
        state_ = ProgramState::kStopped;
        due_ = kNever;
        policy_.forget();
    }
}

void ProgramLifecycle::want_restart(Instant now) {
    if (state_ == ProgramState::kRunning) {
        wanted_ = true;
        begin_stop(now);
    } else {
        want_running(now);
    }
}

void ProgramLifecycle::enter_running(Instant now) {
    state_ = ProgramState::kRunning;
    running_since_ = now;
    due_ = kNever;
    policy_.on_start(now);
}

void ProgramLifecycle::on_spawned(Instant now) {
    ++starts_;
    enter_running(now);
    notify(Kind::kStarted, "started");
}

void ProgramLifecycle::on_adopted(Instant now) {
    wanted_ = true;
    enter_running(now);
    notify(Kind::kAdopted, "runs already: an earlier agent started it");
}

void ProgramLifecycle::on_spawn_failed(Instant now, const std::string& sentence) {
    notify(Kind::kStartFailed, sentence);
    end_unasked(now, false, sentence);
}

void ProgramLifecycle::end_unasked(Instant now, bool success, const std::string& detail) {
    const bool looped = policy_.crash_loop();
    due_ = policy_.on_end(now, success);
    if (looped && !policy_.crash_loop()) {
        notify(Kind::kCrashLoopOver, "it ran long enough to be called steady");
    } else if (!looped && policy_.crash_loop()) {
        notify(Kind::kCrashLoop, fmt::format("it ends again and again, last: {}", detail));
    }
    if (due_ == kNever) {
        wanted_ = false;
        state_ = success ? ProgramState::kStopped : ProgramState::kFailed;
    } else {
        state_ = ProgramState::kWaiting;
    }
}

void ProgramLifecycle::on_end(Instant now, const ProcessEnd& end) {
    const bool asked = state_ == ProgramState::kStopping;
    running_since_ = kNever;
    if (asked) {
        notify(killed_ ? Kind::kKilled : Kind::kStopped,
               killed_ ? "it did not end when asked to, and was killed" : end.to_string());
        state_ = ProgramState::kStopped;
        due_ = kNever;
        policy_.forget();
        if (wanted_) {
            spawn();
        }
        return;
    }
    ++unexpected_ends_;
    notify(Kind::kEnded, end.to_string());
    end_unasked(now, end.success(), end.to_string());
}

void ProgramLifecycle::on_timeout(Instant now) {
    if (state_ == ProgramState::kRunning && policy_.steady_at() <= now) {
        const bool looped = policy_.crash_loop();
        policy_.on_steady();
        if (looped) {
            notify(Kind::kCrashLoopOver, "it ran long enough to be called steady");
        }
    }
    if (due_ > now) {
        return;
    }
    if (state_ == ProgramState::kWaiting) {
        spawn();
    } else if (state_ == ProgramState::kStopping) {
        // Asked again where that does not help: the process may be stuck in the kernel.
        killed_ = true;
        due_ = now + std::max(stop_grace_, Duration(std::chrono::seconds(1)));
        actions_.push_back(Action::kKill);
    }
}

std::optional<ProgramLifecycle::Action> ProgramLifecycle::poll_action() {
    if (actions_.empty()) {
        return std::nullopt;
    }
    const Action action = actions_.front();
    actions_.pop_front();
    return action;
}

std::optional<ProgramLifecycle::Notice> ProgramLifecycle::poll_notice() {
    if (notices_.empty()) {
        return std::nullopt;
    }
    Notice notice = std::move(notices_.front());
    notices_.pop_front();
    return notice;
}

Instant ProgramLifecycle::next_timeout() const {
    return state_ == ProgramState::kRunning ? policy_.steady_at() : due_;
}

}  // namespace isthmus::supervisor
