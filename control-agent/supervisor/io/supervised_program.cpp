#include "control-agent/supervisor/io/supervised_program.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>
#include <utility>

#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>

#include "base/log.h"

namespace isthmus::supervisor {
namespace {

namespace fs = std::filesystem;

using Action = ProgramLifecycle::Action;

Instant steady_now() {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::optional<ProgramRecord> load_record(const fs::path& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return parse_record(text);
}

// Whole or not at all: the agent may be killed while it writes.
bool store_record(const fs::path& path, const ProgramRecord& record) {
    const fs::path draft = path.string() + ".new";
    std::ofstream file(draft);
    file << write_record(record);
    file.close();
    std::error_code failure;
    if (file) {
        fs::rename(draft, path, failure);
    }
    return file && !failure;
}

}  // namespace

SupervisedProgram::SupervisedProgram(ProgramHost& host, ProgramSpec spec)
    : host_(&host),
      spec_(std::move(spec)),
      life_(spec_.restart, spec_.stop_grace, *host.random),
      ring_(host.log),
      timer_(*host.io) {
    take_over();
}

fs::path SupervisedProgram::log_path() const {
    return host_->directory / (spec_.name + ".log");
}

fs::path SupervisedProgram::record_path() const {
    return host_->directory / (spec_.name + ".process");
}

void SupervisedProgram::post(Answer answer, Result<void> result) const {
    boost::asio::post(*host_->io,
                      [answer = std::move(answer), result = std::move(result)]() mutable {
                          answer(std::move(result));
                      });
}

void SupervisedProgram::take_over() {
    const ProgramRecord record = load_record(record_path()).value_or(ProgramRecord());
    auto process = record.process.pid == 0 ? std::unique_ptr<Process>()
                                           : Process::adopt(*host_->io, record.process);
    auto file = LogFile::open(log_path(), process != nullptr);
    if (file) {
        file_ = std::move(*file);
    }
    if (!process) {
        std::error_code ignored;
        fs::remove(record_path(), ignored);
        return;
    }
    process_ = std::move(process);
    running_digest_ = record.digest;
    adopted_ = true;
    life_.on_adopted(steady_now());
    watch();
    if (!spec_.outlives_agent) {
        // An agent that was killed left it behind: nobody speaks with it any more.
        life_.want_restart(steady_now());
    }
    pump();
}

void SupervisedProgram::start(ProgramSpec spec, Answer answer) {
    spec_ = std::move(spec);
    life_.set_rules(spec_.restart, spec_.stop_grace);
    waiting_for_start_.push_back(std::move(answer));
    life_.want_running(steady_now());
    pump();
}

void SupervisedProgram::stop(Answer answer) {
    waiting_for_end_.push_back(std::move(answer));
    life_.want_stopped(steady_now());
    pump();
}

void SupervisedProgram::restart(Answer answer) {
    waiting_for_start_.push_back(std::move(answer));
    life_.want_restart(steady_now());
    pump();
}

void SupervisedProgram::kill() {
    act(Action::kKill);
}

void SupervisedProgram::release() {
    timer_.cancel();
    process_.reset();
}

void SupervisedProgram::pump() {
    while (const auto action = life_.poll_action()) {
        act(*action);
    }
    while (auto notice = life_.poll_notice()) {
        if (notice->kind != ProgramEvent::Kind::kStarted &&
            notice->kind != ProgramEvent::Kind::kAdopted) {
            last_end_ = notice->detail;
        }
        host_->emit({.kind = notice->kind,
                     .name = spec_.name,
                     .pid = notice->kind == ProgramEvent::Kind::kStartFailed ? 0 : last_pid_,
                     .detail = std::move(notice->detail)});
    }
    settle_answers();
    arm();
}

void SupervisedProgram::act(Action action) {
    switch (action) {
        case Action::kSpawn:
            spawn();
            break;
        case Action::kTerminate:
            if (process_) {
                process_->send_signal(SIGTERM);
            }
            break;
        case Action::kKill:
            if (host_->cgroups) {
                std::ignore = host_->cgroups->kill(spec_.name);
            }
            if (process_) {
                process_->kill_session();
            }
            break;
    }
}

void SupervisedProgram::spawn() {
    problem_.clear();
    auto launched = launch_now();
    if (!launched) {
        start_failure_ = launched.error().message;
        std::error_code ignored;
        fs::remove(record_path(), ignored);
        life_.on_spawn_failed(steady_now(), start_failure_);
        return;
    }
    start_failure_.clear();
    adopted_ = false;
    running_digest_ = digest_of(spec_);
    process_ = std::make_unique<Process>(*host_->io, std::move(*launched));
    life_.on_spawned(steady_now());
    watch();
}

Result<Launched> SupervisedProgram::launch_now() {
    const auto plan = make_plan(spec_);
    if (!plan) {
        return std::unexpected(plan.error());
    }
    if (!file_) {
        if (auto file = LogFile::open(log_path(), false)) {
            file_ = std::move(*file);
        } else {
            // A full disk is no reason not to carry media.
            problem_ = file.error().message;
        }
    }
    const FileDescriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    return launch(*plan, file_ ? file_->descriptor() : nowhere.get(), [this](pid_t pid) {
        note_process(pid);
        return Result<void>();
    });
}

void SupervisedProgram::note_process(pid_t pid) {
    const auto identity = identity_of(pid);
    if (!identity ||
        !store_record(record_path(), {.process = *identity, .digest = digest_of(spec_)})) {
        problem_ = fmt::format("{} cannot be written: the next agent will not find this process",
                               record_path().string());
        log::warning("supervisor", "{}: {}", spec_.name, problem_);
    }
    if (host_->cgroups) {
        if (const auto added = host_->cgroups->add(spec_.name, spec_.limits, pid); !added) {
            problem_ = added.error().message;
        }
    } else if (wants_group(spec_.limits)) {
        problem_ = "its limits need cgroup v2 that the agent may divide; they are not set";
    }
}

void SupervisedProgram::watch() {
    last_pid_ = process_->pid();
    process_->wait([this](const ProcessEnd& end) { on_end(end); });
}

void SupervisedProgram::on_end(const ProcessEnd& end) {
    while (read_log()) {
    }
    ring_.end_line(steady_now());
    process_.reset();  // last_pid_ is what the event will be about
    if (host_->cgroups) {
        std::ignore = host_->cgroups->kill(spec_.name);
        host_->cgroups->remove(spec_.name);
    }
    std::error_code ignored;
    fs::remove(record_path(), ignored);
    life_.on_end(steady_now(), end);
    pump();
}

void SupervisedProgram::settle_answers() {
    const ProgramState state = life_.state();
    if (state == ProgramState::kStopped || state == ProgramState::kFailed) {
        for (Answer& answer : std::exchange(waiting_for_end_, {})) {
            post(std::move(answer), {});
        }
    }
    if (state == ProgramState::kStopping) {
        return;
    }
    for (Answer& answer : std::exchange(waiting_for_start_, {})) {
        if (state == ProgramState::kRunning) {
            post(std::move(answer), {});
        } else if (!start_failure_.empty()) {
            post(std::move(answer), make_error(ErrorCode::kUnavailable, start_failure_));
        } else {
            post(std::move(answer),
                 make_error(ErrorCode::kConflict, spec_.name + " was stopped meanwhile"));
        }
    }
}

void SupervisedProgram::arm() {
    const Instant next = life_.next_timeout();
    timer_.cancel();
    if (next == kNever) {
        return;
    }
    timer_.expires_after(next - steady_now());
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            life_.on_timeout(steady_now());
            pump();
        }
    });
}

bool SupervisedProgram::read_log() {
    return file_ && file_->read([this](std::string_view bytes) { ring_.add(steady_now(), bytes); },
                                [this](std::uint64_t bytes) { ring_.note_gap(bytes); });
}

std::vector<std::string> SupervisedProgram::log(std::size_t lines) {
    while (read_log()) {
    }
    return ring_.last(lines);
}

ProgramStatus SupervisedProgram::status() const {
    ProgramStatus status{.name = spec_.name, .state = life_.state()};
    if (process_) {
        status.pid = process_->pid();
        status.adopted = adopted_;
        status.outdated = running_digest_ != digest_of(spec_);
    }
    if (life_.running_since() != kNever) {
        status.running_for = steady_now() - life_.running_since();
    }
    status.starts = life_.starts();
    status.unexpected_ends = life_.unexpected_ends();
    status.crash_loop = life_.crash_loop();
    status.last_end = last_end_;
    status.problem = start_failure_.empty() ? problem_ : start_failure_;
    status.log_lines = ring_.lines();
    status.log_lines_dropped = ring_.dropped();
    return status;
}

}  // namespace isthmus::supervisor
