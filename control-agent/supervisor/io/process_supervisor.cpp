#include "control-agent/supervisor/io/process_supervisor.h"

#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include "control-agent/supervisor/io/log_watch.h"
#include "control-agent/supervisor/io/supervised_program.h"

namespace isthmus::supervisor {

namespace asio = boost::asio;
namespace fs = std::filesystem;

// Handlers that outlive the supervisor hold it weakly.
struct ProcessSupervisor::State : std::enable_shared_from_this<ProcessSupervisor::State> {
    State(asio::io_context& io, ProcessSupervisorConfig config, RandomSource& random)
        : host{.io = &io,
               .random = &random,
               .directory = std::move(config.directory),
               .log = config.log,
               .cgroups = Cgroups::divide(config.cgroup),
               .emit = [this](ProgramEvent event) { emit(std::move(event)); }},
          watch(io, [this](const std::string& name) { read_log(name); }) {}

    void emit(ProgramEvent event) {
        asio::post(*host.io, [weak = weak_from_this(), event = std::move(event)] {
            if (const auto state = weak.lock()) {
                for (const auto& listener : state->listeners) {
                    listener(event);
                }
            }
        });
    }

    void read_log(const std::string& name) {
        if (const auto found = programs.find(name);
            found != programs.end() && found->second->read_log()) {
            watch.again(name);
        }
    }

    template <typename Answer, typename T>
    void answer_later(Answer answer, T result) const {
        asio::post(*host.io, [answer = std::move(answer), result = std::move(result)]() mutable {
            answer(std::move(result));
        });
    }

    // Null after kNotFound was answered.
    template <typename Answer>
    SupervisedProgram* find(std::string_view name, Answer& answer) {
        const auto found = programs.find(name);
        if (found == programs.end()) {
            answer_later(std::move(answer), typename AnswerOf<Answer>::Type(unknown_program(name)));
            return nullptr;
        }
        return found->second.get();
    }

    static std::unexpected<Error> unknown_program(std::string_view name) {
        return make_error(ErrorCode::kNotFound,
                          fmt::format("the agent runs no program \"{}\"", name));
    }

    template <typename Answer>
    struct AnswerOf;

    ProgramHost host;
    LogWatch watch;
    std::map<std::string, std::unique_ptr<SupervisedProgram>, std::less<>> programs;
    std::vector<std::function<void(const ProgramEvent&)>> listeners;
    bool detached = false;
};

template <>
struct ProcessSupervisor::State::AnswerOf<Supervisor::Answer> {
    using Type = Result<void>;
};

template <>
struct ProcessSupervisor::State::AnswerOf<Supervisor::LogAnswer> {
    using Type = Result<std::vector<std::string>>;
};

Result<std::unique_ptr<ProcessSupervisor>> ProcessSupervisor::make(asio::io_context& io,
                                                                   ProcessSupervisorConfig config,
                                                                   RandomSource& random) {
    std::error_code failure;
    fs::create_directories(config.directory, failure);
    if (failure || ::chmod(config.directory.c_str(), S_IRWXU) != 0) {
        return make_error(
            ErrorCode::kUnavailable,
            fmt::format("{} cannot be the supervisor's directory: {}",
                        config.directory.string(),
                        failure ? failure.message() : std::generic_category().message(errno)));
    }
    auto state = std::make_shared<State>(io, std::move(config), random);
    // NOLINTNEXTLINE(*-owning-memory): private constructor
    return std::unique_ptr<ProcessSupervisor>(new ProcessSupervisor(std::move(state)));
}

ProcessSupervisor::ProcessSupervisor(std::shared_ptr<State> state) : state_(std::move(state)) {}

ProcessSupervisor::~ProcessSupervisor() = default;

void ProcessSupervisor::start(ProgramSpec spec, Answer answer) {
    const Result<void> good = state_->detached
                                  ? make_error(ErrorCode::kUnavailable, "the agent is ending")
                                  : check_spec(spec);
    if (!good) {
        state_->answer_later(std::move(answer), good);
        return;
    }
    auto& program = state_->programs[spec.name];
    if (!program) {
        program = std::make_unique<SupervisedProgram>(state_->host, spec);
        state_->watch.add(program->log_path(), spec.name);
    }
    program->start(std::move(spec), std::move(answer));
}

void ProcessSupervisor::stop(std::string_view name, Answer answer) {
    if (SupervisedProgram* const program = state_->find(name, answer)) {
        program->stop(std::move(answer));
    }
}

void ProcessSupervisor::restart(std::string_view name, Answer answer) {
    if (SupervisedProgram* const program = state_->find(name, answer)) {
        program->restart(std::move(answer));
    }
}

void ProcessSupervisor::kill(std::string_view name) {
    if (const auto found = state_->programs.find(name); found != state_->programs.end()) {
        found->second->kill();
    }
}

Result<ProgramStatus> ProcessSupervisor::status(std::string_view name) const {
    const auto found = state_->programs.find(name);
    if (found == state_->programs.end()) {
        return State::unknown_program(name);
    }
    return found->second->status();
}

std::vector<ProgramStatus> ProcessSupervisor::status() const {
    std::vector<ProgramStatus> all;
    for (const auto& [name, program] : state_->programs) {
        all.push_back(program->status());
    }
    return all;
}

void ProcessSupervisor::read_log(std::string_view name, std::size_t lines, LogAnswer answer) {
    if (SupervisedProgram* const program = state_->find(name, answer)) {
        state_->answer_later(std::move(answer),
                             Result<std::vector<std::string>>(program->log(lines)));
    }
}

void ProcessSupervisor::on_event(std::function<void(const ProgramEvent&)> listener) {
    state_->listeners.push_back(std::move(listener));
}

void ProcessSupervisor::detach(Answer answer) {
    struct Ending {
        Answer answer;
        std::size_t missing = 1;  // this call's own
    };

    state_->detached = true;
    auto ending = std::make_shared<Ending>(Ending{.answer = std::move(answer)});
    const auto one_gone = [ending](const Result<void>& /*result*/) {
        if (--ending->missing == 0) {
            ending->answer({});
        }
    };
    for (const auto& [name, program] : state_->programs) {
        if (program->outlives_agent()) {
            program->release();
        } else {
            ++ending->missing;
            program->stop(one_gone);
        }
    }
    state_->answer_later(Answer(one_gone), Result<void>());
}

}  // namespace isthmus::supervisor
