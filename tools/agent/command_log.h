// Which commands of the hub were taken and how they ended, on disk: a restart lets nothing in again
// and forgets no result that the hub has not heard.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"

namespace isthmus::agent {

enum class CommandState : std::uint8_t { kAccepted, kRunning, kSucceeded, kFailed };

[[nodiscard]] std::string_view to_string(CommandState state);

struct CommandRecord {
    std::string id;
    CommandState state = CommandState::kAccepted;
    std::int64_t percent = 0;
    std::string message;
    boost::json::value result;
    bool reported = false;  // the hub has heard the state

    [[nodiscard]] bool ended() const {
        return state == CommandState::kSucceeded || state == CommandState::kFailed;
    }

    // The params of "command.progress".
    [[nodiscard]] boost::json::object progress() const;
};

// The hub sends a command again where it does not know that it was taken; it asks for no more than
// these at a time.
inline constexpr std::size_t kCommandsKept = 200;

class CommandLog {
  public:
    // A file that is missing is empty. kInvalidArgument where it is damaged: then nobody knows what
    // was taken, and the caller must not go on as if it were nothing.
    [[nodiscard]] static Result<CommandLog> open(const std::filesystem::path& path);

    [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }

    // On disk before it is acted on.
    [[nodiscard]] Result<void> take(std::uint64_t sequence, const std::string& id);
    [[nodiscard]] Result<void> note_sequence(std::uint64_t sequence);
    // Null where it was never taken, or is forgotten.
    [[nodiscard]] CommandRecord* find(std::string_view id);
    [[nodiscard]] Result<void> save() const;

    [[nodiscard]] std::deque<CommandRecord>& records() { return records_; }

  private:
    std::filesystem::path path_;
    std::uint64_t last_sequence_ = 0;
    std::deque<CommandRecord> records_;
};

}  // namespace isthmus::agent
