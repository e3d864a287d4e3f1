// One program under ProcessSupervisor: carries out what ProgramLifecycle decides.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/random.h"
#include "control-agent/supervisor/io/cgroups.h"
#include "control-agent/supervisor/io/log_file.h"
#include "control-agent/supervisor/io/process.h"
#include "control-agent/supervisor/log_ring.h"
#include "control-agent/supervisor/program_lifecycle.h"
#include "control-agent/supervisor/supervisor.h"

namespace isthmus::supervisor {

// What programs share.
struct ProgramHost {
    boost::asio::io_context* io;
    RandomSource* random;
    std::filesystem::path directory;
    LogLimits log;
    std::optional<Cgroups> cgroups;
    // Never calls back from within.
    std::function<void(ProgramEvent)> emit;
};

class SupervisedProgram {
  public:
    using Answer = Supervisor::Answer;

    // `host` outlives it. Takes over what runs already, where the specification wants that.
    SupervisedProgram(ProgramHost& host, ProgramSpec spec);
    SupervisedProgram(const SupervisedProgram&) = delete;
    SupervisedProgram& operator=(const SupervisedProgram&) = delete;

    void start(ProgramSpec spec, Answer answer);
    void stop(Answer answer);
    void restart(Answer answer);
    void kill();
    // Lets go of the process, which goes on.
    void release();

    [[nodiscard]] bool outlives_agent() const { return spec_.outlives_agent; }

    [[nodiscard]] ProgramStatus status() const;
    [[nodiscard]] std::vector<std::string> log(std::size_t lines);

    [[nodiscard]] std::filesystem::path log_path() const;
    // Reads what is new in its log. True: there is more.
    bool read_log();

  private:
    [[nodiscard]] std::filesystem::path record_path() const;
    void take_over();
    void pump();
    void act(ProgramLifecycle::Action action);
    void spawn();
    [[nodiscard]] Result<Launched> launch_now();
    void note_process(pid_t pid);
    void watch();
    void on_end(const ProcessEnd& end);
    void settle_answers();
    void arm();
    void post(Answer answer, Result<void> result) const;

    ProgramHost* host_;
    ProgramSpec spec_;
    ProgramLifecycle life_;
    LogRing ring_;
    std::optional<LogFile> file_;
    std::unique_ptr<Process> process_;
    int last_pid_ = 0;
    std::string running_digest_;
    bool adopted_ = false;
    std::string last_end_;
    std::string start_failure_;
    std::string problem_;  // what could not be set for this run
    boost::asio::steady_timer timer_;
    std::vector<Answer> waiting_for_start_;
    std::vector<Answer> waiting_for_end_;
};

}  // namespace isthmus::supervisor
