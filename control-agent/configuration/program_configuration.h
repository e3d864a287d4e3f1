// Takes one program from one configuration to the next, and back where it does not come up with it.
//
// One thread. Each step is on disk before it is taken, so that an agent that is killed between them
// finishes what it began (resume()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "control-agent/configuration/configuration_files.h"
#include "control-agent/configuration/configured_program.h"

namespace isthmus::configuration {

class ProgramConfiguration {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;
    using Progress = std::function<void(int percent, const std::string& what)>;

    // `program` outlives it. kInvalidArgument where its record is damaged.
    [[nodiscard]] static Result<std::unique_ptr<ProgramConfiguration>> make(
        ConfigurationFiles files, ConfiguredProgram& program);

    // One at a time: kConflict where another is under way. An error says what was wrong, and that
    // the program runs with what it had before, or that it does not. Never answers from within.
    // A version that runs already is installed again only where its text is another. The program is
    // restarted when it has made way, or with `now` at once.
    void apply(std::uint64_t version, std::string text, bool now, Progress progress, Answer answer);
    // Gives up what waits for the program to make way; else nothing.
    void give_up_waiting(const std::string& why);

    // Finishes the trial that an agent before left, or undoes what it prepared.
    void resume(Answer answer);

    [[nodiscard]] const ConfigurationRecord& record() const { return record_; }

    [[nodiscard]] bool busy() const { return answer_ != nullptr; }

  private:
    ProgramConfiguration(ConfigurationFiles files, ConfiguredProgram& program)
        : files_(std::move(files)), program_(&program) {}

    void on_checked(const Result<void>& checked);
    void make_way();
    void try_it();
    [[nodiscard]] Result<void> install();
    void restart();
    void watch();
    void accept();
    void refuse(std::string why);
    void give_up(const std::string& why);
    void on_brought_back(const std::string& why, const Result<void>& healthy);
    void tell(int percent, const std::string& what);
    void finish(Result<void> result);
    // The rest of the steps, unless the object has gone.
    [[nodiscard]] ConfiguredProgram::Answer then(
        std::move_only_function<void(const Result<void>&)> next);

    ConfigurationFiles files_;
    ConfiguredProgram* program_;
    ConfigurationRecord record_;
    std::uint64_t version_ = 0;
    std::string text_;
    bool now_ = false;
    bool waiting_ = false;   // for the program to make way
    bool prepared_ = false;  // the program may have made way, and is to be opened again
    Progress progress_;
    Answer answer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace isthmus::configuration
