// The files behind a program's configuration: the one that it reads, the good one while another is
// tried, and what is known of them. Each change is whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"

namespace isthmus::configuration {

// What survives a restart of the agent.
struct ConfigurationRecord {
    std::uint64_t version = 0;  // that the program runs with; 0: the one of before the hub's first
    // Tried, and neither accepted nor given up yet.
    std::optional<std::uint64_t> trying;
    bool going_back = false;    // the trial has failed, and the good one is being brought back
    bool had_file = false;      // there was one before the trial
    std::uint64_t refused = 0;  // the last version that was not taken; 0: none since `version`
    std::string message;        // why
};

class ConfigurationFiles {
  public:
    // `live`: what the program reads. `directory`: the agent's own.
    ConfigurationFiles(std::filesystem::path live,
                       std::filesystem::path directory,
                       std::string program)
        : live_(std::move(live)), directory_(std::move(directory)), program_(std::move(program)) {}

    // A file that is missing is an empty record; kInvalidArgument where it is damaged.
    [[nodiscard]] Result<ConfigurationRecord> load() const;
    [[nodiscard]] Result<void> save(const ConfigurationRecord& record) const;

    // The text for the program's own check; the path, until remove_candidate().
    [[nodiscard]] Result<std::filesystem::path> write_candidate(const std::string& text) const;
    void remove_candidate() const;
    // The candidate is what is live.
    [[nodiscard]] bool candidate_is_live() const;

    // Keeps what is live as the good one; false where nothing is.
    [[nodiscard]] Result<bool> keep_good() const;
    // The text goes live, for the same owner and readers as before (0600 where there was none).
    [[nodiscard]] Result<void> install(const std::string& text) const;
    // The good one goes live again, or nothing where there was none.
    [[nodiscard]] Result<void> bring_back(bool had_file) const;
    void forget_good() const;

    // Empty where there is none.
    [[nodiscard]] std::string live_text() const;

  private:
    [[nodiscard]] std::filesystem::path path(const char* ending) const;

    std::filesystem::path live_;
    std::filesystem::path directory_;
    std::string program_;
};

}  // namespace isthmus::configuration
