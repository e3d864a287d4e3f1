#include "control-agent/supervisor/io/systemd_supervisor.h"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/supervisor/io/process.h"
#include "control-agent/supervisor/systemd_unit.h"

namespace isthmus::supervisor {
namespace {

namespace asio = boost::asio;

using Kind = ProgramEvent::Kind;

// A unit that stops politely may take its TimeoutStopSec.
constexpr Duration kCommandTime = std::chrono::minutes(3);
constexpr Duration kLookTime = std::chrono::seconds(10);
constexpr auto kBetweenLooks = std::chrono::seconds(30);
// systemd needs a moment to see what we saw.
constexpr auto kAfterAnEnd = std::chrono::milliseconds(200);

std::string last_line(std::string_view text) {
    while (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    const std::size_t line = text.rfind('\n');
    return std::string(line == std::string_view::npos ? text : text.substr(line + 1));
}

}  // namespace

struct SystemdSupervisor::State : std::enable_shared_from_this<SystemdSupervisor::State> {
    struct Unit {
        std::string unit;
        UnitState seen;
        bool looked = false;
        bool wanted = false;
        std::string problem;
        std::uint64_t starts = 0;
        std::uint64_t unexpected_ends = 0;
        std::unique_ptr<Process> process;  // only watched
    };

    State(asio::io_context& context, Commands& runner, SystemdPaths where)
        : io(&context), commands(&runner), paths(std::move(where)), timer(context) {}

    void emit(Kind kind, const std::string& name, int pid, std::string detail) {
        ProgramEvent event{.kind = kind, .name = name, .pid = pid, .detail = std::move(detail)};
        asio::post(*io, [weak = weak_from_this(), event = std::move(event)] {
            if (const auto state = weak.lock()) {
                for (const auto& listener : state->listeners) {
                    listener(event);
                }
            }
        });
    }

    template <typename Answer, typename T>
    void answer_later(Answer answer, T result) const {
        asio::post(*io, [answer = std::move(answer), result = std::move(result)]() mutable {
            answer(std::move(result));
        });
    }

    Unit* find(std::string_view name) {
        const auto found = units.find(name);
        return found == units.end() ? nullptr : &found->second;
    }

    static std::unexpected<Error> unknown(std::string_view name) {
        return make_error(ErrorCode::kNotFound,
                          fmt::format("the agent runs no program \"{}\"", name));
    }

    // `verb` on the unit, then a look at it. One that systemd has given up is given another chance:
    // it would refuse else.
    void command(const std::string& name, const char* verb, Answer answer) {
        Unit& unit = units.at(name);
        if (std::exchange(unit.seen.start_limit_hit, false)) {
            emit(Kind::kCrashLoopOver, name, 0, "somebody starts it again");
            commands->run({paths.systemctl, "--no-ask-password", "reset-failed", unit.unit},
                          kLookTime,
                          [](const Result<CommandResult>& /*result*/) {});
        }
        commands->run(
            {paths.systemctl, "--no-ask-password", verb, unit.unit},
            kCommandTime,
            [weak = weak_from_this(), name, verb = std::string(verb), answer = std::move(answer)](
                Result<CommandResult> result) mutable {
                if (const auto state = weak.lock()) {
                    state->finish_command(name, verb, std::move(result), std::move(answer));
                }
            });
    }

    void finish_command(const std::string& name,
                        const std::string& verb,
                        Result<CommandResult> result,
                        Answer answer) {
        Unit& unit = units.at(name);
        Result<void> outcome;
        if (!result) {
            outcome = std::unexpected(result.error());
        } else if (!result->end.success()) {
            outcome = make_error(
                ErrorCode::kUnavailable,
                fmt::format("systemctl {} {}: {}", verb, unit.unit, last_line(result->output)));
        }
        unit.problem = outcome ? std::string() : outcome.error().message;
        if (!outcome && verb != "stop") {
            emit(Kind::kStartFailed, name, 0, unit.problem);
        }
        look(name, [answer = std::move(answer), outcome = std::move(outcome)]() mutable {
            answer(std::move(outcome));
        });
    }

    void look(const std::string& name, std::move_only_function<void()> then) {
        commands->run({paths.systemctl,
                       "show",
                       fmt::format("--property={}", kUnitProperties),
                       units.at(name).unit},
                      kLookTime,
                      [weak = weak_from_this(), name, then = std::move(then)](
                          Result<CommandResult> result) mutable {
                          if (const auto state = weak.lock()) {
                              if (result && result->end.success()) {
                                  state->see(name, parse_unit_state(result->output));
                              }
                              then();
                          }
                      });
    }

    // Compares with what there was, and tells the difference.
    void see(const std::string& name, UnitState now) {
        Unit& unit = units.at(name);
        const UnitState before = std::exchange(unit.seen, std::move(now));
        const bool first = !std::exchange(unit.looked, true);
        const bool other_process = unit.seen.pid != before.pid;
        const bool was_running = !first && before.pid != 0;
        if (was_running && other_process) {
            if (unit.wanted) {
                ++unit.unexpected_ends;
                emit(Kind::kEnded, name, before.pid, unit.seen.last_end);
            } else {
                emit(Kind::kStopped, name, before.pid, unit.seen.last_end);
            }
        }
        if (unit.seen.pid != 0 && other_process) {
            ++unit.starts;
            emit(Kind::kStarted, name, unit.seen.pid, "started by systemd");
            watch(name, unit);
        }
        if (unit.seen.start_limit_hit != before.start_limit_hit) {
            emit(unit.seen.start_limit_hit ? Kind::kCrashLoop : Kind::kCrashLoopOver,
                 name,
                 unit.seen.pid,
                 unit.seen.start_limit_hit ? "systemd has given up: it ended too often"
                                           : "it runs again");
        }
    }

    void watch(const std::string& name, Unit& unit) {
        const auto identity = identity_of(unit.seen.pid);
        unit.process = identity ? Process::adopt(*io, *identity) : nullptr;
        if (unit.process) {
            unit.process->wait(
                [this, name](const ProcessEnd& /*end*/) { look_all_after(kAfterAnEnd); });
        }
    }

    void look_all_after(Duration wait) {
        timer.expires_after(wait);
        timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto state = weak.lock();
            if (error || !state) {
                return;
            }
            for (const auto& [name, unit] : state->units) {
                state->look(name, [] {});
            }
            state->look_all_after(kBetweenLooks);
        });
    }

    [[nodiscard]] static ProgramStatus status_of(const std::string& name, const Unit& unit) {
        ProgramStatus status{.name = name, .state = unit.seen.state, .pid = unit.seen.pid};
        status.starts = unit.starts;
        status.unexpected_ends = unit.unexpected_ends;
        status.crash_loop = unit.seen.start_limit_hit;
        status.last_end = unit.seen.last_end;
        status.problem = unit.problem;
        if (unit.looked && !unit.seen.exists) {
            status.problem =
                fmt::format("systemd knows no unit {}; is the package installed?", unit.unit);
        }
        return status;
    }

    asio::io_context* io;
    Commands* commands;
    SystemdPaths paths;
    asio::steady_timer timer;
    std::map<std::string, Unit, std::less<>> units;
    std::vector<std::function<void(const ProgramEvent&)>> listeners;
};

SystemdSupervisor::SystemdSupervisor(asio::io_context& io, Commands& commands, SystemdPaths paths)
    : state_(std::make_shared<State>(io, commands, std::move(paths))) {
    state_->look_all_after(kBetweenLooks);
}

SystemdSupervisor::~SystemdSupervisor() = default;

void SystemdSupervisor::start(ProgramSpec spec, Answer answer) {
    if (!is_unit_name(spec.unit)) {
        state_->answer_later(
            std::move(answer),
            Result<void>(make_error(
                ErrorCode::kInvalidArgument,
                fmt::format(
                    "program \"{}\" has no unit of systemd: \"{}\"", spec.name, spec.unit))));
        return;
    }
    State::Unit& unit = state_->units[spec.name];
    unit.unit = spec.unit;
    unit.wanted = true;
    state_->command(spec.name, "start", std::move(answer));
}

void SystemdSupervisor::stop(std::string_view name, Answer answer) {
    if (State::Unit* const unit = state_->find(name)) {
        unit->wanted = false;
        state_->command(std::string(name), "stop", std::move(answer));
    } else {
        state_->answer_later(std::move(answer), Result<void>(State::unknown(name)));
    }
}

void SystemdSupervisor::restart(std::string_view name, Answer answer) {
    if (State::Unit* const unit = state_->find(name)) {
        // The end that follows is asked for.
        unit->wanted = false;
        state_->command(std::string(name),
                        "restart",
                        [weak = std::weak_ptr(state_),
                         name = std::string(name),
                         answer = std::move(answer)](Result<void> result) mutable {
                            if (const auto state = weak.lock()) {
                                state->units.at(name).wanted = true;
                            }
                            answer(std::move(result));
                        });
    } else {
        state_->answer_later(std::move(answer), Result<void>(State::unknown(name)));
    }
}

void SystemdSupervisor::kill(std::string_view name) {
    if (State::Unit* const unit = state_->find(name)) {
        state_->commands->run(
            {state_->paths.systemctl, "--no-ask-password", "kill", "--signal=SIGKILL", unit->unit},
            kLookTime,
            [](const Result<CommandResult>& /*result*/) {});
    }
}

Result<ProgramStatus> SystemdSupervisor::status(std::string_view name) const {
    const auto found = state_->units.find(name);
    if (found == state_->units.end()) {
        return State::unknown(name);
    }
    return State::status_of(found->first, found->second);
}

std::vector<ProgramStatus> SystemdSupervisor::status() const {
    std::vector<ProgramStatus> all;
    for (const auto& [name, unit] : state_->units) {
        all.push_back(State::status_of(name, unit));
    }
    return all;
}

void SystemdSupervisor::read_log(std::string_view name, std::size_t lines, LogAnswer answer) {
    State::Unit* const unit = state_->find(name);
    if (unit == nullptr) {
        state_->answer_later(std::move(answer),
                             Result<std::vector<std::string>>(State::unknown(name)));
        return;
    }
    state_->commands->run(
        {state_->paths.journalctl,
         "--no-pager",
         "--output=cat",
         fmt::format("--unit={}", unit->unit),
         fmt::format("--lines={}", lines)},
        kLookTime,
        [answer = std::move(answer)](Result<CommandResult> result) mutable {
            if (!result) {
                answer(std::unexpected(result.error()));
                return;
            }
            if (!result->end.success()) {
                answer(make_error(ErrorCode::kUnavailable, last_line(result->output)));
                return;
            }
            std::vector<std::string> all;
            std::string_view text = result->output;
            while (!text.empty()) {
                const std::size_t end = text.find('\n');
                all.emplace_back(text.substr(0, end));
                text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
            }
            answer(std::move(all));
        });
}

void SystemdSupervisor::on_event(std::function<void(const ProgramEvent&)> listener) {
    state_->listeners.push_back(std::move(listener));
}

void SystemdSupervisor::detach(Answer answer) {
    state_->timer.cancel();
    state_->answer_later(std::move(answer), Result<void>());
}

}  // namespace isthmus::supervisor
